"""A bundle proves itself without anybody being asked; changed by one bit, it is refused, and why is named."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from signoff.agents.signed_bundle import check_bundle
from signoff.agents.signed_bundle.document import BYTES_MAX, as_bytes, fingerprint, link_bytes, seal_bytes
from signoff.connections.signing import signer_for
from signoff.kit.canonical import content_hash
from tests.rooms.agents.kit_instances import Instance

BOUND: dict[str, Any] = {
    "tools": [{"slot": "erp", "allow": [{"tool": "find"}, {"tool": "post"}]}],
    "gates": [{"name": "posting", "tools": ["erp.post"], "asks": ["approvers"]}],
    "secrets": ["ERP_TOKEN"],
}


@pytest.fixture
def bundle(here: Instance) -> bytes:
    erp = here.connect("production", "erp", find="read", post="write")
    here.keep("ERP_TOKEN", erp, "correct-horse-battery")
    here.freeze(**BOUND)
    return here.export()


def failed(data: bytes, trusted: dict[str, str]) -> set[str]:
    return {check.name for check in check_bundle(data, trusted).failures}


def signed_again(here: Instance, document: dict[str, Any]) -> bytes:
    """The document as its own installation would sign it: what is wrong with it then is its content."""
    with here.store.write() as session:
        signer = signer_for(session, here.vault)
    document["digest"] = content_hash(document["payload"])
    document["signature"] = {
        "algorithm": "ed25519", "key_id": fingerprint(signer.public_key), "public_key": signer.public_key,
        "value": signer.sign(seal_bytes(document["digest"], signer.public_key)),
    }  # fmt: skip
    return as_bytes(document)


def test_a_bundle_holds_and_says_what_is_needed(here: Instance, bundle: bytes):
    found = check_bundle(bundle, here.trusted())
    assert found.is_good
    assert found.signer == "this installation"
    assert found.payload is not None
    holes = found.payload.holes
    assert [(hole.slot, hole.kind, [tool.name for tool in hole.tools]) for hole in holes.connections] == [
        ("erp", "mcp_http", ["find", "post"])
    ]
    assert {tool.name: tool.effect for tool in holes.connections[0].tools} == {"find": "read", "post": "write"}
    assert all(tool.schema_hash for tool in holes.connections[0].tools)
    assert (holes.secrets, holes.models) == (["ERP_TOKEN"], ["openai:gpt-5"])
    assert [(link.act, link.environment) for link in found.payload.provenance] == [
        ("frozen", None), ("promoted", "production"), ("promoted", "staging"),
    ]  # fmt: skip


def test_exporting_twice_gives_the_same_bytes(here: Instance, bundle: bytes):
    assert here.export() == bundle


def test_one_flipped_bit_anywhere_is_refused(here: Instance, bundle: bytes):
    trusted, pick = here.trusted(), random.Random(5)
    places = {0, len(bundle) - 1, len(bundle) - 2, *pick.sample(range(len(bundle)), 400)}
    # The whole tail too: it holds the signature, its keys, and the bits of base64 that mean nothing.
    places |= set(range(len(bundle) - 330, len(bundle)))
    taken: list[tuple[int, int]] = []
    for place in sorted(places):
        bit = 1 << pick.randrange(8)
        changed = bytearray(bundle)
        changed[place] ^= bit
        if check_bundle(bytes(changed), trusted).is_good:
            taken.append((place, bit))
    assert taken == []


def test_a_byte_more_or_less_is_refused(here: Instance, bundle: bytes):
    trusted = here.trusted()
    for changed in (bundle[:-1], bundle + b"\n", b" " + bundle, b"\xef\xbb\xbf" + bundle, bundle[: len(bundle) // 2]):
        assert not check_bundle(changed, trusted).is_good
    pretty = json.dumps(json.loads(bundle), indent=1).encode()
    assert failed(pretty, trusted) == {"writing"}


def test_each_failure_is_named(here: Instance, bundle: bytes):
    trusted = here.trusted()
    document: dict[str, Any] = json.loads(bundle)
    document["payload"]["agent"]["description"] = "Another."
    assert failed(as_bytes(document), trusted) == {"digest"}
    document = json.loads(bundle)
    document["payload"]["revision"]["body"]["sop"] = "Pay everybody."
    assert failed(as_bytes(document), trusted) == {"digest", "revision"}
    assert failed(signed_again(here, document), trusted) == {"revision"}
    document = json.loads(bundle)
    document["payload"]["provenance"][0]["by"] = "Mallory"
    assert failed(signed_again(here, document), trusted) == {"provenance"}
    assert failed(bundle, {}) == {"signer"}


def test_a_bundle_signed_by_somebody_else_under_our_name_is_refused(here: Instance, there: Instance, bundle: bytes):
    forged = signed_again(there, json.loads(bundle))
    assert failed(forged, here.trusted()) == {"signer"}
    document = json.loads(forged)
    document["signature"]["public_key"] = here.key
    assert failed(as_bytes(document), here.trusted()) == {"signature"}
    document["signature"]["key_id"] = fingerprint(here.key)
    assert failed(as_bytes(document), here.trusted()) == {"signature"}


def test_a_link_cannot_be_taken_out_moved_or_given_another_installation(here: Instance, there: Instance, bundle: bytes):
    for change in (lambda links: links.pop(1), lambda links: links.reverse(), lambda links: links.append(links[-1])):
        document = json.loads(bundle)
        change(document["payload"]["provenance"])
        assert failed(signed_again(here, document), here.trusted()) == {"provenance"}
    document = json.loads(bundle)
    link = document["payload"]["provenance"][0]
    with there.store.write() as session:
        signer = signer_for(session, there.vault)
    link["by"] = "Mallory"
    link["signature"] = signer.sign(link_bytes({name: value for name, value in link.items() if name != "signature"}))
    assert failed(signed_again(here, document), here.trusted()) == {"provenance"}


HOSTILE: list[tuple[str, bytes, str]] = [
    ("nothing", b"", "json"),
    ("no JSON", b"{", "json"),
    ("a list", b"[]", "form"),
    ("a zip", b"PK\x03\x04../../etc/passwd", "json"),
    ("a name twice", b'{"kind":"signoff.bundle.v1","kind":"signoff.bundle.v1"}', "json"),
    ("too deep", b'{"kind":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "json"),
    ("too many values", b'{"kind":[' + b"1," * 150_000 + b"1]}", "json"),
    ("too large", b'"' + b"a" * BYTES_MAX + b'"', "size"),
    ("not a number", b'{"kind":NaN}', "json"),
    ("half a pair", b'{"kind":"\\ud800"}', "json"),
    ("another kind", b'{"kind":"signoff.bundle.v2"}', "form"),
]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("data", "check"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_what_is_no_bundle_is_refused_and_told(backend: str, data: bytes, check: str):
    found = check_bundle(data, {})
    assert [one.name for one in found.failures] == [check]
    assert found.failures[0].text
    assert len(found.failures[0].text) <= 1_000


TRICKS: list[tuple[str, list[str | int], Any]] = [
    ("path", ["payload", "agent", "slug"], "../../etc/passwd"),
    ("slug with a line end", ["payload", "agent", "slug"], "helper\n"),
    ("wrong type", ["payload", "agent", "tags"], "no list"),
    ("unknown member", ["payload", "agent", "owner"], "mem_mallory"),
    ("turned around", ["payload", "agent", "name"], "helper\u202egnp.exe"),
    ("invisible", ["payload", "agent", "name"], "hel\u200bper"),
    ("look-alike", ["payload", "agent", "name"], "h\u0435lper"),
    ("body is a list", ["payload", "revision", "body"], []),
    ("true for a number", ["payload", "provenance", 0, "revision"], True),
    ("text for a number", ["payload", "provenance", 0, "revision"], "1"),
    ("no provenance", ["payload", "provenance"], []),
    ("capital hash", ["payload", "revision", "hash"], "A" * 64),
    ("slot as a path", ["payload", "holes", "connections", 0, "slot"], "../erp"),
    ("secret with a value", ["payload", "holes", "secrets"], [{"name": "ERP_TOKEN", "value": "x"}]),
    ("other algorithm", ["signature", "algorithm"], "none"),
]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_hostile_parts_are_refused_also_when_well_signed(here: Instance, bundle: bytes):
    taken: list[str] = []
    for name, path, value in TRICKS:
        document = json.loads(bundle)
        part: Any = document
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        data = as_bytes(document) if path[0] == "signature" else signed_again(here, document)
        if failed(data, here.trusted()) != {"form"}:
            taken.append(name)
    assert taken == []
