"""The form of a signed bundle: one canonical JSON document. Pure; every part is strict and bounded.

Nothing in it is a path, a link or a program, so there is nothing to unpack. What a text says is looked at by whoever
reads the plan; a name is refused when a reader would not see all of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from signoff.kit.canonical import canonical_json, content_hash
from signoff.kit.visible import is_plain

KIND = "signoff.bundle.v1"
BYTES_MAX = 5_000_000
LINKS_MAX = 60
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64


def _seen_whole(text: str) -> str:
    if not is_plain(text):
        raise ValueError("holds characters that a reader would not see, or would take for others")
    return text


def _exact_base64(size: int) -> Any:
    def check(text: str) -> str:
        try:
            raw = base64.b64decode(text, validate=True)
        except (ValueError, binascii.Error):
            raise ValueError("is not base64") from None
        # The last character of base64 has bits that mean nothing: only one writing of a value is taken.
        if len(raw) != size or base64.b64encode(raw).decode() != text:
            raise ValueError(f"is not the base64 of {size} bytes")
        return text

    return AfterValidator(check)


Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]
Key = Annotated[str, Field(max_length=64), _exact_base64(_KEY_BYTES)]
Signature = Annotated[str, Field(max_length=120), _exact_base64(_SIGNATURE_BYTES)]
KeyId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Seen = Annotated[str, Field(max_length=200), AfterValidator(_seen_whole)]
Moment = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?\+00:00$")]
SecretName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,31}$")]
Act = Literal["frozen", "imported", "promoted"]


class Piece(BaseModel):
    """A part of the document: what we do not know in it is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Who(Piece):
    """The agent, as people call it."""

    slug: Slug
    name: Annotated[Seen, Field(min_length=1, max_length=120)]
    description: Annotated[str, Field(max_length=2_000)]
    tags: Annotated[list[Annotated[Seen, Field(max_length=40)]], Field(max_length=20)]


class Frozen(Piece):
    """The revision. `body` holds the SOP, the model, tools, gates, rules and limits; `hash` is its name everywhere."""

    body: dict[str, Any]
    hash: Hash
    name: Annotated[Seen, Field(max_length=80)]
    reason: Annotated[str, Field(max_length=500)]


class ToolHole(Piece):
    """A tool that is needed. `schema_hash` is of what it takes and gives; null where the exporter did not know it."""

    name: Annotated[Seen, Field(min_length=1)]
    effect: Word | None
    schema_hash: Hash | None


class ConnectionHole(Piece):
    """A slot to be filled by a connection of the environment."""

    slot: Slug
    kind: Word | None
    tools: Annotated[list[ToolHole], Field(max_length=200)]


class AgentHole(Piece):
    """An agent that this one calls: `live`, or the number or hash of the revision it pins.

    `hash` is of the content that a number means where the bundle was made: elsewhere it may mean another.
    """

    slug: Slug
    revision: Annotated[str, Field(pattern=r"^(live|[1-9][0-9]{0,8}|[0-9a-f]{64})$")]
    hash: Hash | None = None


class Holes(Piece):
    """What the environment has to give: connections, secrets, people, models, other agents. Names only."""

    connections: Annotated[list[ConnectionHole], Field(max_length=50)]
    secrets: Annotated[list[SecretName], Field(max_length=50)]
    people: Annotated[list[Seen], Field(max_length=200)]
    models: Annotated[list[Seen], Field(max_length=6)]
    # Bundles from before agents called agents have none.
    agents: Annotated[list[AgentHole], Field(max_length=50)] = Field(default_factory=list[AgentHole])


class DatasetReference(Piece):
    """A dataset by its name and the hash of its content; the examples themselves stay where they are."""

    name: Seen
    digest: Hash


class Policies(Piece):
    """Under which policy the exporter ships; its content is the workspace's own and stays there."""

    probes: Hash | None


class Instance(Piece):
    """An installation: the fingerprint of its key, and the address it says it has."""

    id: KeyId
    name: Annotated[Seen, Field(min_length=1)]


class Link(Piece):
    """One thing that was done to the revision, and where; signed by the installation in which it was done."""

    act: Act
    at: Moment
    by: Seen
    instance: Instance
    workspace: Slug
    agent: Slug
    revision: Annotated[int, Field(ge=1, le=2**31 - 1)]
    hash: Hash
    environment: Slug | None
    bundle: Hash | None
    previous: Hash | None
    public_key: Key
    signature: Signature

    def signed_part(self) -> bytes:
        """Return the bytes under the signature."""
        return link_bytes(self.model_dump(mode="json", exclude={"signature"}))

    @property
    def digest(self) -> str:
        """Return the hash by which the next link names this one."""
        return content_hash(self.model_dump(mode="json"))


class Payload(Piece):
    """What is signed."""

    agent: Who
    revision: Frozen
    policies: Policies
    datasets: Annotated[list[DatasetReference], Field(max_length=50)]
    holes: Holes
    provenance: Annotated[list[Link], Field(min_length=1, max_length=LINKS_MAX)]


class Seal(Piece):
    """Who signed, with which key."""

    algorithm: Literal["ed25519"]
    key_id: KeyId
    public_key: Key
    value: Signature


class Envelope(Piece):
    """The whole document."""

    kind: Literal["signoff.bundle.v1"]
    digest: Hash
    payload: Payload
    signature: Seal


def fingerprint(public_key: str) -> str:
    """Return how a key is told apart in a line of text: the beginning of the hash of its bytes."""
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:32]


def seal_bytes(digest: str, public_key: str) -> bytes:
    """Return the bytes under the signature of a bundle: what it is, of what, by whom."""
    claim = {"algorithm": "ed25519", "digest": digest, "kind": KIND, "public_key": public_key}
    return canonical_json(claim).encode()


def link_bytes(link: dict[str, Any]) -> bytes:
    """Return the bytes under the signature of a link. The first word keeps it from being taken for anything else."""
    return canonical_json(["signoff.provenance.v1", link]).encode()


def as_bytes(document: dict[str, Any]) -> bytes:
    """Return the one writing of a document: canonical JSON and a line end."""
    return canonical_json(document).encode() + b"\n"
