"""Azure Monitor on one machine: metrics of apps, logs and telemetry with KQL, and PromQL over the ingress's counters.

docs/localcloud-monitor.md says what is modelled, what is not, and where each fact is from.
"""
