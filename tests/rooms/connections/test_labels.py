"""What flows through a tool: said by whoever manages connections, audited, and never loosened by anybody else."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from signoff.connections import queries
from signoff.connections.actions import accept_tool, record_discovery, set_tool_labels
from signoff.connections.labels import DEFAULT_LABELS, ToolLabels, labels_of
from signoff.connectors.protocol import ToolSpec
from signoff.kit.errors import Malformed, NotAllowed
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit

SAID: dict[str, Any] = {"result": "trusted", "confidentiality": "public", "sinks": ["to", "to"], "payload": ["text"]}


def spec(*arguments: str, **hints: Any) -> ToolSpec:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in arguments}}
    return ToolSpec("send", "Sends.", schema, None, hints)


def labels(session: Session, place: kit.Place, connection_id: str) -> ToolLabels:
    session.expire_all()
    return queries.tools_of(session, place.owner, connection_id)[0].labels


def test_labels_are_said_and_kept_with_the_audit(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text")])
        assert labels(session, acme, erp) == DEFAULT_LABELS == ToolLabels("untrusted", "workspace", None, ())
        set_tool_labels(session, acme.owner, erp, tool="send", **SAID)
        assert labels(session, acme, erp) == ToolLabels("trusted", "public", ("to",), ("text",))
        assert kit.audited(session, "tool.labels_set") == [
            {
                "tool": "send",
                "before": {"result": "untrusted", "confidentiality": "workspace", "sinks": None, "payload": []},
                "labels": {"result": "trusted", "confidentiality": "public", "sinks": ["to"], "payload": ["text"]},
            }
        ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"result": "believed"}, "not known"),
        ({"confidentiality": "secret"}, "not known"),
        ({"sinks": ["cc"]}, "no argument cc"),
        ({"payload": ["to"]}, "chooses the target"),
        ({"payload": [""]}, "1 to 200"),
        ({"sinks": ["to.x"] * 51}, "At most 50"),
    ],
)
def test_labels_that_say_nothing_are_refused(
    store: Store, acme: kit.Place, erp: str, change: dict[str, Any], words: str
) -> None:
    with store.write() as session:
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text")])
        with pytest.raises(Malformed, match=words):
            set_tool_labels(session, acme.owner, erp, tool="send", **{**SAID, **change})
        assert labels(session, acme, erp) == DEFAULT_LABELS


def test_only_who_manages_connections_says_it(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text")])
        with pytest.raises(NotAllowed):
            set_tool_labels(session, acme.viewer, erp, tool="send", **SAID)


def test_a_hint_tightens_and_never_loosens(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text", openWorldHint=True)])
        with pytest.raises(Malformed, match="open world"):
            set_tool_labels(session, acme.owner, erp, tool="send", **SAID)
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text", openWorldHint=False)])
        accept_tool(session, acme.owner, erp, tool="send")
        assert labels(session, acme, erp) == DEFAULT_LABELS, "saying that it is harmless makes nothing trusted"
        set_tool_labels(session, acme.owner, erp, tool="send", **SAID)
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text", openWorldHint=True)])
        accept_tool(session, acme.owner, erp, tool="send")
        assert labels(session, acme, erp) == ToolLabels("untrusted", "public", ("to",), ("text",))


def test_a_tool_with_other_arguments_has_every_argument_for_a_target_again(
    store: Store, acme: kit.Place, erp: str
) -> None:
    with store.write() as session:
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text")])
        set_tool_labels(session, acme.owner, erp, tool="send", **SAID)
        record_discovery(session, acme.owner, erp, specs=[spec("to", "text", "bcc")])
        accept_tool(session, acme.owner, erp, tool="send")
        assert labels(session, acme, erp) == ToolLabels("trusted", "public", None, ())


@pytest.mark.parametrize("kept", [{}, None, {"result": 1, "sinks": "to", "confidentiality": []}])
def test_what_cannot_be_read_is_the_strictest(kept: Any) -> None:
    assert labels_of(kept) == DEFAULT_LABELS


def test_who_tightens_never_loosens() -> None:
    one = ToolLabels("untrusted", "restricted", ("to",), ("text", "message"))
    assert one.tightened(result="trusted", confidentiality="public", sinks=("cc",)) == ToolLabels(
        "untrusted", "restricted", ("to", "cc"), ("text", "message")
    )
    assert ToolLabels(payload=("text", "message")).tightened(sinks=("message.to",)).payload == ("text",)
