"""Rules: reading them, and joining them with the facts into requirements."""
