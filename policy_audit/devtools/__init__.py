"""Scripts for those who work on policy_audit: nothing here is part of what gets installed."""
