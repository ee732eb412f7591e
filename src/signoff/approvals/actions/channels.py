"""Adding and removing ways to be told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NoReturn

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from signoff.agents.hours import checked_zone
from signoff.approvals.channels import CHANNEL_KINDS, CHANNELS_MAX, owner_of, place_of_channel
from signoff.approvals.pacing import PACES
from signoff.connections.envelope import seal_value
from signoff.connections.vault import Vault
from signoff.connectors.net import checked_url
from signoff.kit import clock, ids
from signoff.kit.errors import ConnectorError, Malformed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.people.emails import clean_email, clean_name
from signoff.record import audit
from signoff.tables.notices import NoticeChannel
from signoff.tables.people import Member

_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d")
_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{20,64}")
OWN_MAIL = "own"


def add_channel(
    session: Session,
    principal: Principal,
    vault: Vault,
    *,
    kind: str,
    name: str,
    target: str = "",
    pace: str = "at_once",
    quiet: Sequence[str] | None = None,
    time_zone: str | None = None,
    agent: str | None = None,
    allows_http: bool = False,
) -> str:
    """Have the caller told this way, or whoever answers for an agent. Returns the channel's id.

    Args:
        target: where to: an address to post to, a routing key of PagerDuty, for an agent a mail address. Empty for a
            member's own mail, which goes to the address of their account and nowhere else.
        allows_http: an address without encryption may be named.

    Raises:
        NotAllowed: the caller does not answer for the agent, or is no member who may answer requests.
        Malformed: a part cannot be used.
        NotNow: there are as many as there may be.
    """
    agent_id, owned = owner_of(session, principal, agent)
    where = _checked_target(kind, target.strip(), is_own=agent_id is None, allows_http=allows_http)
    if pace not in PACES:
        _wrong("pace", f"It is one of: {', '.join(PACES)}.")
    # Two at once of the same member take turns here.
    session.execute(select(Member.id).where(Member.id == principal.id).with_for_update())
    if (session.scalar(select(func.count()).where(owned)) or 0) >= CHANNELS_MAX:
        raise NotNow(f"There are {CHANNELS_MAX} channels already. Remove one first.", code="channels_max")
    row = NoticeChannel(
        id=ids.new_id("chn"), workspace_id=principal.workspace_id, member_id=None if agent_id else principal.id,
        agent_id=agent_id, kind=kind, name=clean_name(name), pace=pace, quiet=_checked_quiet(quiet),
        time_zone=checked_zone(time_zone) or "UTC", made_by=principal.id, made_at=clock.now(),
    )  # fmt: skip
    sealed = seal_value(session, vault, where, place_of_channel(row))
    row.ciphertext, row.nonce, row.key_id = sealed.ciphertext, sealed.nonce, sealed.key_id
    session.add(row)
    session.flush()
    _note(session, principal, "channel.added", row)
    return row.id


def remove_channel(session: Session, principal: Principal, channel_id: str, *, agent: str | None = None) -> None:
    """Remove a channel of the caller, or of an agent they answer for. What was to go there is dropped.

    Raises:
        NotFound: there is no such channel.
    """
    _, owned = owner_of(session, principal, agent)
    row = session.scalar(
        select(NoticeChannel).where(
            NoticeChannel.id == channel_id, NoticeChannel.workspace_id == principal.workspace_id, owned
        )
    )
    if row is None:
        raise NotFound("There is no such channel.")
    session.execute(delete(NoticeChannel).where(NoticeChannel.id == row.id))
    _note(session, principal, "channel.removed", row)


def _checked_target(kind: str, target: str, *, is_own: bool, allows_http: bool) -> str:
    if kind not in CHANNEL_KINDS:
        _wrong("kind", f"It is one of: {', '.join(CHANNEL_KINDS)}.")
    if kind == "mail":
        if is_own:
            if target:
                _wrong("target", "Your mail goes to the address of your account. Leave this empty.")
            return OWN_MAIL
        return clean_email(target)
    if kind == "pagerduty":
        if not _ROUTING_KEY.fullmatch(target):
            _wrong("target", "Enter the integration key of the service: letters and digits.")
        return target
    try:
        url = checked_url(target)
    except ConnectorError:
        # What was typed is a secret, so it is not repeated.
        _wrong("target", "Enter the address the service gave you; it begins with https://.")
    if not url.startswith("https://") and not allows_http:
        _wrong("target", "The address must begin with https://.")
    return url


def _checked_quiet(quiet: Sequence[str] | None) -> list[str] | None:
    if not quiet:
        return None
    if len(quiet) != 2 or quiet[0] == quiet[1] or not all(_TIME.fullmatch(one) for one in quiet):
        _wrong("quiet", "Quiet hours go from one time to another, such as 22:00 to 07:00.")
    return list(quiet)


def _note(session: Session, principal: Principal, action: str, row: NoticeChannel) -> None:
    kind, whose = ("agent", row.agent_id) if row.agent_id is not None else ("member", row.member_id or "")
    detail = {"channel": row.id, "kind": row.kind, "name": row.name, "pace": row.pace}
    audit.note(session, principal, action, kind, whose, detail)


def _wrong(field: str, sentence: str) -> NoReturn:
    raise Malformed(sentence, errors={field: [sentence]})
