"""What a change of the templates allows that was not allowed before, and what it denies that was allowed."""
