"""The decision engine: one request (evaluate) and sets of requests (prove)."""
