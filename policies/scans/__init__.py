"""Reports of scanners to the data of our event: one module a format, and what they share."""
