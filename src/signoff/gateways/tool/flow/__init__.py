"""The information-flow policy: private data does not leave, and nothing is done that cannot be undone, because of what
a mail, a page or a file said.

Pure: `decide` answers from what it is given, with no database and no clock, so that every branch of the policy is a
line in a table of tests. `flow_facts.py` beside this folder reads what it is given; `policies/flow.py` is the guard.
"""

from __future__ import annotations

from signoff.gateways.tool.flow.arguments import Leaf, leaves, sinks_among
from signoff.gateways.tool.flow.deciding import FlowCall, FlowContext, FlowDecision, Unsure, decide
from signoff.gateways.tool.flow.labels import PRIVATE, TRUSTED, UNTRUSTED, Label, join
from signoff.gateways.tool.flow.origins import Origin, Result, Seen, by_argument, origins
from signoff.gateways.tool.flow.vocabulary import NOTHING, Vocabulary
from signoff.kit.typed_values import endorsement_key, typed

__all__ = [
    "NOTHING",
    "PRIVATE",
    "TRUSTED",
    "UNTRUSTED",
    "FlowCall",
    "FlowContext",
    "FlowDecision",
    "Label",
    "Leaf",
    "Origin",
    "Result",
    "Seen",
    "Unsure",
    "Vocabulary",
    "by_argument",
    "decide",
    "endorsement_key",
    "join",
    "leaves",
    "origins",
    "sinks_among",
    "typed",
]
