"""Prove what Step Functions and EventBridge workflows may call, and who is kept out."""

__version__ = "0.1.0"
