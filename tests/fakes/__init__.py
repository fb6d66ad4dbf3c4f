"""Stand-ins for the outside that are real enough to be wrong in the same places."""
