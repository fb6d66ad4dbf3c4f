"""Pure: rows a person edits become policies; which image, which gates, what plan, and why."""
