"""The operator's command line: the pure packages offline, and a client of the service."""
