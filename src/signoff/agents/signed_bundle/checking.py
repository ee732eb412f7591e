"""Checking a bundle without asking anybody: form, digest, revision, provenance, signature, signer.

Each failure is named. A document has one writing only, so a flipped bit anywhere is found: in a space, or in an unused
bit of base64, as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from pydantic import ValidationError

from signoff.agents.body import Body
from signoff.agents.findings import path_of
from signoff.agents.signed_bundle.document import (
    BYTES_MAX,
    KIND,
    Envelope,
    Payload,
    as_bytes,
    fingerprint,
    seal_bytes,
)
from signoff.connections.signing import is_signed
from signoff.kit.canonical import content_hash
from signoff.kit.errors import Refusal
from signoff.kit.strict_json import loads
from signoff.kit.text import shortened
from signoff.kit.visible import visible

CheckName = Literal["size", "json", "form", "writing", "digest", "revision", "provenance", "signature", "signer"]
_FAULTS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `text` says what is wrong, or what was found."""

    name: CheckName
    is_good: bool
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking found. `payload` is there once the form is right; use it only when `is_good`."""

    checks: tuple[Check, ...]
    digest: str = ""
    key_id: str = ""
    public_key: str = ""
    signer: str = ""
    payload: Payload | None = None

    @property
    def is_good(self) -> bool:
        """Return whether everything holds."""
        return bool(self.checks) and all(check.is_good for check in self.checks)

    @property
    def failures(self) -> list[Check]:
        """Return what does not hold."""
        return [check for check in self.checks if not check.is_good]


def check_bundle(data: bytes, trusted: Mapping[str, str]) -> Checked:
    """Check the bytes of a bundle.

    Args:
        trusted: public key → what we call it. Signed by any other key, the bundle is not good.
    """
    if len(data) > BYTES_MAX:
        return _stopped("size", f"It has {len(data):,} bytes; at most {BYTES_MAX:,} are read.")
    try:
        value = loads(data)
    except Refusal as refusal:
        return _stopped("json", refusal.detail)
    kind = cast("dict[str, Any]", value).get("kind") if isinstance(value, dict) else None
    if kind != KIND:
        return _stopped("form", f"It is no bundle that this release reads: its kind is not {KIND}.")
    try:
        document = Envelope.model_validate(value)
    except ValidationError as error:
        return _stopped("form", _faults(error))
    return _looked_at(data, cast("dict[str, Any]", value), document, trusted)


def _looked_at(data: bytes, value: dict[str, Any], document: Envelope, trusted: Mapping[str, str]) -> Checked:
    seal, payload = document.signature, document.payload
    digest = content_hash(value["payload"])
    is_named = digest == document.digest
    is_ours = seal.key_id == fingerprint(seal.public_key)
    is_sealed = is_ours and is_signed(seal.public_key, seal.value, seal_bytes(document.digest, seal.public_key))
    signer = trusted.get(seal.public_key, "")
    link_fault = _fault_in_chain(payload)
    body_fault = _fault_in_revision(payload)
    checks = (
        _check("writing", data == as_bytes(value), "It is written otherwise than Signoff writes: it was changed."),
        _check("digest", is_named, "The content is not what the digest names: it was changed."),
        _check("revision", not body_fault, body_fault),
        _check("provenance", not link_fault, link_fault),
        _check("signature", is_sealed, "The signature is not that of the key it names under this digest."),
        _check("signer", bool(signer), f"Nobody here trusts the key {seal.key_id}. Ask whoever gave you the bundle for "
               "their key over another way, compare, and trust it."),
    )  # fmt: skip
    return Checked(checks, document.digest, seal.key_id, seal.public_key, signer, payload)


def _fault_in_revision(payload: Payload) -> str:
    revision = payload.revision
    if content_hash(revision.body) != revision.hash:
        return "The revision is not what its hash names: it was changed."
    try:
        read = Body.model_validate(revision.body).hash
    except ValidationError as error:
        return f"The revision does not fit this release of Signoff: {_faults(error)}"
    except Refusal as refusal:
        return f"The revision does not fit this release of Signoff: {refusal.detail}"
    if read != revision.hash:
        return "This release of Signoff reads the revision otherwise than the one that froze it: their hashes differ."
    return ""


def _fault_in_chain(payload: Payload) -> str:
    previous: str | None = None
    for number, link in enumerate(payload.provenance, 1):
        if link.hash != payload.revision.hash:
            return f"Link {number} of the provenance is of another revision."
        if link.previous != previous:
            return f"Link {number} of the provenance does not follow the one before it."
        if (link.act == "frozen") != (number == 1):
            return f"Link {number} of the provenance stands at the wrong place: a chain begins with the freezing."
        if (link.act == "promoted") != (link.environment is not None) or (link.act == "imported") != (
            link.bundle is not None
        ):
            return f"Link {number} of the provenance says too much or too little for what was done."
        if link.instance.id != fingerprint(link.public_key) or not is_signed(
            link.public_key, link.signature, link.signed_part()
        ):
            return f"Link {number} of the provenance is not signed by the installation it names."
        previous = link.digest
    return ""


def _check(name: CheckName, is_good: bool, fault: str) -> Check:
    return Check(name, is_good, "" if is_good else fault)


def _stopped(name: CheckName, text: str) -> Checked:
    return Checked((Check(name, False, visible(shortened(text, 1_000))),))


def _faults(error: ValidationError) -> str:
    """Return the first few faults with their places; what the document holds there is not repeated."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    told = [f"{visible(shortened(path_of(one['loc']), 120)) or 'the whole'}: {one['msg']}" for one in found]
    more = f" And {len(found) - _FAULTS_TOLD} more." if len(found) > _FAULTS_TOLD else ""
    return "; ".join(told[:_FAULTS_TOLD]) + "." + more
