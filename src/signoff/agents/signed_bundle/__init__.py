"""One revision as a signed document that another installation can check and take in.

The document is content-addressed and holds no secret: what the environment has to give is named and left open.
`document.py` is the form, `checking.py` what has to hold, `holes.py` what has to be bound.
"""

from __future__ import annotations

from signoff.agents.signed_bundle.checking import Check, Checked, check_bundle
from signoff.agents.signed_bundle.export import Exported, export_bundle
from signoff.agents.signed_bundle.holes import Missing, holes_of, missing_in
from signoff.agents.signed_bundle.importing import (
    Imported,
    ImportPlan,
    bindings_missing,
    import_bundle,
    plan_import,
)
from signoff.agents.signed_bundle.provenance import LinkFacts, Provenance, provenance_of
from signoff.agents.signed_bundle.refusals import BindingsMissing, BundleRefused
from signoff.agents.signed_bundle.trust import KeyFacts, distrust_key, trust_key, trusted, trusted_keys

__all__ = [
    "BindingsMissing",
    "BundleRefused",
    "Check",
    "Checked",
    "Exported",
    "ImportPlan",
    "Imported",
    "KeyFacts",
    "LinkFacts",
    "Missing",
    "Provenance",
    "bindings_missing",
    "check_bundle",
    "distrust_key",
    "export_bundle",
    "holes_of",
    "import_bundle",
    "missing_in",
    "plan_import",
    "provenance_of",
    "trust_key",
    "trusted",
    "trusted_keys",
]
