"""Workers as plain supervisor configuration: NAME.conf ↔ records, and where it lies."""
