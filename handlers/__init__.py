"""One file per trigger: decode, call the use case, answer."""
