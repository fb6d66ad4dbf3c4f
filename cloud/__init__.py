"""Adapters that know Azure: credentials, tables, queues, Container Apps, registries, metrics, probes."""
