"""The use cases: the tick, its ports, messages, settings and the clock."""
