"""Mending: what changes of the audited files answer a finding, and how they are written so that all else stays."""
