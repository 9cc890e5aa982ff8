"""`python -m policy_audit`, the same as `policy-audit`."""

import sys

from policy_audit.cli import main

sys.exit(main())
