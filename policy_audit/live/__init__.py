"""The live account: what is read of it, and the snapshot that keeps it. Nothing else of the package uses a network."""
