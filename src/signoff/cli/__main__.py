"""`python -m signoff.cli`: the same as `signoff`."""

from __future__ import annotations

from signoff.cli import main

main()
