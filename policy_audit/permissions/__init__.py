"""The policies that the audited workflows need, and no more: of their roles, and of the APIs that they call."""
