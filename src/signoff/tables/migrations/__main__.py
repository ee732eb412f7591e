"""`python -m signoff.tables.migrations "what changes"` drafts the next migration; read it before you commit it."""

from __future__ import annotations

import sys

from signoff.tables.migrate import draft

if __name__ == "__main__":
    draft(" ".join(sys.argv[1:]) or "change the schema")
