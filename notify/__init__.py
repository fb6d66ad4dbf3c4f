"""The channels that carry messages to other systems; each implements `delivery.ports.Channel`.

A channel sends one CloudEvent once and says how it went: it returns, or it raises Retry or Refused. Keeping the
event, counting attempts and waiting between them is the outbox's work. No channel reads a response body, follows a
redirect, or lets a secret or a full address into an error.
"""
