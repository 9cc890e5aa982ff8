"""`python -m policy_audit`, the same as `policy-audit`."""

import sys

from policy_audit.cli import run

sys.exit(run())
