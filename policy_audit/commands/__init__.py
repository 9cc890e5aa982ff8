"""Commands that `check` does not need, each loaded when it is called; and the options that several share."""
