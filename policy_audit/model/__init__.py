"""What is true of the audited system; nothing here knows where it was read."""
