"""What cannot be written into the audit does not happen: every operation, with an audit that takes nothing."""

from __future__ import annotations

import hashlib
from typing import Any

from sqlalchemy import text

from signoff.api.permissions import NEEDS
from signoff.tables.all_tables import METADATA
from tests.api.sweep import ask, of_workspaces
from tests.api.world import World

# They decide nothing: a text that is checked, a connection that is measured (its health is noted).
_DECIDES_NOTHING = {"lint_draft", "check_connection", "discover", "verify_bundle"}
# Kept up by the edges: when a key was last used, what a request was answered, which calls a connection took.
# As the world is, these find everything as they would have it, or only look.
_NOTHING_TO_DO = {
    "change_workspace", "end_overlap", "enable_service_account", "disable_identity_provider", "set_sso_only",
    "test_identity_provider", "disable_webhook", "add_incident_runs", "gather_incident_runs",
}  # fmt: skip
# Refused for what they ask in this world: nobody is asked to own an agent, nothing is being handed over, nobody asked
# for access, the member asked about is the one who asks, the request is no question, no channel and no chat is there,
# the bundle is none, an environment is promoted to itself, a webhook is off.
_REFUSED_BEFORE = {
    "name_last_resort", "link_member", "reset_member_second_factor", "withdraw_owner", "accept_ownership",
    "decline_ownership", "start_handover", "plan_handover", "move_handover_secrets", "cancel_handover",
    "hand_over_member", "approve_access", "refuse_access", "withdraw_access", "remove_price",
    "answer_approval", "remove_absence", "remove_own_channel",
    "remove_agent_channel", "disconnect_chat", "unlink_chat_account", "set_absence",
    "import_signed_bundle", "promote_agent", "resend_webhook_delivery",
}  # fmt: skip
_UNWRITTEN = (409, 500)  # SQLite tells of a trigger that refuses as of a broken constraint.
_NOT_COMPARED = {"sessions", "api_keys", "answered_requests"}


def _break_the_audit(world: World) -> None:
    with world.store.write() as session:
        if world.store.is_sqlite:
            session.execute(
                text(
                    "create trigger full_up before insert on audit begin select raise(abort, 'no room for audit'); end"
                )
            )
        else:
            body = "begin raise exception 'no room for audit'; end"
            session.execute(text(f"create function full_up() returns trigger language plpgsql as $$ {body} $$"))
            session.execute(text("create trigger full_up before insert on audit execute function full_up()"))


def _contents(world: World) -> dict[str, str]:
    """A fingerprint of every table."""
    found: dict[str, str] = {}
    with world.store.read() as session:
        for table in METADATA.sorted_tables:
            if table.name not in _NOT_COMPARED:
                rows: list[Any] = sorted(repr(tuple(row)) for row in session.execute(table.select()))
                found[table.name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


def test_no_operation_does_anything_that_the_audit_cannot_tell(world: World) -> None:
    doing = [each for each in of_workspaces() if each.method != "get" and each.name not in _DECIDES_NOTHING]
    _break_the_audit(world)
    before = _contents(world)
    refused: dict[str, int] = {}
    with world.client(session=world.tokens["owner"]) as alice:
        for operation in doing:
            answer = ask(world, alice, operation)
            refused[operation.name] = answer.status_code
            after = _contents(world)
            assert after == before, (operation.name, [name for name in after if after[name] != before[name]])
    done = {name for name, status in refused.items() if status < 400}
    # They answer for each run, each refused; or there was nothing to do. Above, nothing had changed.
    assert done <= {"cancel_runs", *_NOTHING_TO_DO}, refused
    # All others came as far as the audit.
    before_it = {name for name, status in refused.items() if status >= 400 and status not in _UNWRITTEN}
    assert before_it == _REFUSED_BEFORE, refused
    assert set(refused) <= set(NEEDS)


def test_taking_the_audit_away_is_refused_too(world: World) -> None:
    _break_the_audit(world)
    with world.client(session=world.tokens["owner"]) as alice:
        assert alice.get("/v1/acme/audit:export").status_code in _UNWRITTEN
        assert alice.get("/v1/acme/audit").status_code == 200
