"""Evidence from a real database: what is read, for whom, and at what cost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, update

from signoff.agents.actions import accept_ownership, ask_owner, freeze_revision
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit import clock, ids
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.releases.actions import make_live
from signoff.tables.approvals import Approval
from signoff.tables.connections import Connection, Login, SecretGrant, Tool
from signoff.tables.limits import BudgetLimit
from signoff.tables.notices import NoticeChannel
from signoff.tables.people import Workspace
from signoff.tables.releases import Drill, Release, ReleaseSignature, ShadowPair
from signoff.tables.runs import Effect, Run, Step
from signoff.tables.session import Store
from signoff.watch.actions import raise_alert
from signoff.watch.probes.evaluate import evaluate, evidence_for
from signoff.watch.probes.evidence import Evidence, ProbeResult
from tests.rooms.agents import kit_agents
from tests.rooms.watch.kit_probes import BODY, DAY, GATE, HOUR

SOP = "# Pay\nPay each bill with {{secret.ERP_TOKEN}}."


@dataclass(frozen=True)
class Scene:
    """A clerk with a revision, in a workspace with staging and production."""

    at: kit_agents.Place
    ann: Principal
    agent: str
    revision: str
    connection: str

    @property
    def production(self) -> str:
        return self.at.environments["production"]


@pytest.fixture
def scene(store: Store) -> Scene:
    at = kit_agents.place(store)
    ann = kit_agents.person(store, at, "Ann")
    with store.write() as session:
        for place in ("staging", "production"):
            tools = {"look": kit_agents.tool(), "pay": kit_agents.tool("irreversible", amount={}, to={})}
            connection = kit_agents.connection(session, at, place, "erp", tools)
            kit_agents.secret(session, at, place, "ERP_TOKEN", connection)
    agent = kit_agents.agent(store, ann, **{name: value for name, value in BODY.items() if name != "model"})
    with store.write() as session:
        revision = freeze_and_serve_first(session, ann, agent, reason="first").id
    return Scene(at, ann, agent, revision, connection)


def look(store: Store, scene: Scene, environment: str = "production", **more: Any) -> Evidence:
    with store.read() as session:
        return evaluate(
            session, agent_id=scene.agent, environment_id=scene.at.environments[environment],
            revision_id=scene.revision, **more,
        )  # fmt: skip


def result(store: Store, scene: Scene, probe: str, **more: Any) -> ProbeResult:
    return next(one for one in look(store, scene, **more).results if one.probe == probe)


def add_run(store: Store, scene: Scene, environment: str = "staging", **values: Any) -> str:
    moment = clock.now() - HOUR
    run_id = ids.new_id("run")
    row: dict[str, Any] = {
        "id": run_id, "workspace_id": scene.at.workspace_id, "environment_id": scene.at.environments[environment],
        "agent_id": scene.agent, "revision_id": scene.revision, "agent_slug": "a", "agent_name": "A",
        "revision_number": 1, "state": "completed", "origin": "test", "source": "manual", "mode": "live",
        "requested_by": scene.ann.id, "requested_by_name": "Ann", "title": "t", "input": {}, "output": {"ok": True},
        "cost_usd": Decimal("0.10"), "created_at": moment, "started_at": moment,
        "ended_at": moment + timedelta(seconds=20), **values,
    }  # fmt: skip
    with store.write() as session:
        session.add(Run(**row))
    return run_id


def add_request(store: Store, scene: Scene, run_id: str, state: str) -> None:
    with store.write() as session:
        session.add(
            Approval(
                id=ids.new_id("apr"), workspace_id=scene.at.workspace_id, environment_id=scene.production,
                agent_id=scene.agent, revision_id=scene.revision, run_id=run_id, leg=1, call_id=state, agent_name="A",
                revision_number=1, run_requested_by="x", kind="approval", state=state, gate="pay",
                asked_by_policy="gate", why="", args={}, binding="0" * 64, title="", summary="", card={}, rule={},
                quorum=1, created_at=clock.now() - HOUR, decided_at=clock.now() - HOUR, decision=None,
            )
        )  # fmt: skip


def test_runs_and_requests_are_read_and_told(store: Store, scene: Scene):
    assert result(store, scene, "testing.end_to_end").status == "missing"
    first = add_run(store, scene)
    for _ in range(2):
        add_run(store, scene)
    assert result(store, scene, "testing.end_to_end").status == "true"
    add_request(store, scene, first, "approved")
    assert result(store, scene, "testing.gates_exercised").measured == "Not seen yet: pay (denied)."
    add_request(store, scene, first, "denied")
    assert result(store, scene, "testing.gates_exercised").status == "true"
    assert result(store, scene, "testing.denial_handled").status == "true"
    add_run(store, scene, state="failed", needs_attention=True, code="tool_error")
    assert "tool_error" in result(store, scene, "testing.no_unexplained_error").measured


def test_a_connection_is_judged_where_it_is_to_serve(store: Store, scene: Scene):
    assert result(store, scene, "connections.bound").status == "true"
    assert result(store, scene, "connections.checked").status == "missing"
    assert "staging" in result(store, scene, "connections.right_environment").measured
    with store.write() as session:
        row = session.get_one(Connection, scene.connection)
        row.config = {"url": "https://erp.example.com/mcp"}
        row.health, row.checked_at = "ok", clock.now()
        session.add(
            Login(
                id=ids.new_id("log"), workspace_id=scene.at.workspace_id, environment_id=scene.production,
                connection_id=row.id, kind="oauth_authorization_code", principal="personal", member_id=scene.ann.id,
                member_name="Ann", token_url="https://x", client_id="c", client_auth="none", scopes_asked=["a"],
                scopes_granted=["a", "admin"], hosts=[], state="active", created_at=clock.now(),
            )
        )  # fmt: skip
    assert result(store, scene, "connections.right_environment").status == "true"
    assert result(store, scene, "connections.checked").status == "true"
    assert "Ann" in result(store, scene, "connections.service_accounts").measured
    assert "admin" in result(store, scene, "connections.least_privilege").measured
    with store.write() as session:
        session.execute(update(Tool).where(Tool.connection_id == scene.connection).values(state="changed"))
    assert result(store, scene, "connections.bound").status == "false"
    assert result(store, scene, "connections.bound", environment="staging").status == "true"
    assert result(store, scene, "connections.bound").severity == "block"


def test_a_secret_counts_once_it_is_granted(store: Store, scene: Scene):
    assert "not granted" in result(store, scene, "secrets.exist").measured.lower()
    from sqlalchemy import select

    from signoff.tables.connections import Secret

    with store.write() as session:
        for secret_id in session.scalars(select(Secret.id)).all():
            session.add(
                SecretGrant(
                    secret_id=secret_id, agent_id=scene.agent, workspace_id=scene.at.workspace_id,
                    granted_at=clock.now(),
                )
            )  # fmt: skip
    assert result(store, scene, "secrets.exist").status == "true"


def test_seats_are_read_with_what_their_holders_said(store: Store, scene: Scene):
    mona = kit_agents.person(store, scene.at, "Mona", "manager")
    assert result(store, scene, "owner.backup").status == "false"
    with store.write() as session:
        ask_owner(session, scene.ann, scene.agent, kind="backup", member_id=mona.id)
        ask_owner(session, scene.ann, scene.agent, kind="escalation", member_id=mona.id)
    assert result(store, scene, "owner.backup").status == "true"
    assert "not accepted yet" in result(store, scene, "owner.escalation_accepted").measured
    with store.write() as session:
        accept_ownership(session, mona, scene.agent, "backup")
        accept_ownership(session, mona, scene.agent, "escalation")
    assert result(store, scene, "owner.escalation_accepted").status == "true"
    assert result(store, scene, "rollback.may_pause").status == "true"
    assert result(store, scene, "owner.last_resort").status == "false"
    with store.write() as session:
        session.get_one(Workspace, scene.at.workspace_id).last_resort_id = scene.ann.id
    assert result(store, scene, "owner.last_resort").status == "true"


def test_money_alerts_channels_and_doubt_are_read(store: Store, scene: Scene):
    run_id = add_run(store, scene, "production", origin="production")
    assert result(store, scene, "budgets.capped").status == "false"
    with store.write() as session:
        session.add(
            BudgetLimit(
                target_id=scene.agent, period="day", covers="production", workspace_id=scene.at.workspace_id,
                scope="agent", cap_usd=Decimal(1), changed_by="x", changed_by_name="X", changed_at=clock.now(),
            )
        )  # fmt: skip
    assert result(store, scene, "budgets.capped").status == "true"
    assert "1 a day (its busiest day)" in result(store, scene, "cost.within_budget").measured
    assert result(store, scene, "monitoring.quiet").status == "true"
    assert result(store, scene, "monitoring.told").status == "false"
    with store.write() as session:
        raise_alert(session, scene.at.workspace_id, key="k", kind="provider_failing", text="It fails.")
        session.add(
            NoticeChannel(
                id=ids.new_id("chn"), workspace_id=scene.at.workspace_id, agent_id=scene.agent, kind="mail", name="n",
                ciphertext=b"x", nonce=b"y", key_id="k", pace="at_once", quiet=None, time_zone="UTC", made_by="x",
                made_at=clock.now(),
            )
        )  # fmt: skip
        session.add(
            Effect(
                key=f"{run_id}:1", workspace_id=scene.at.workspace_id, run_id=run_id, connection_id=scene.connection,
                call_id="1", tool="erp.pay", effect="write", args={}, args_hash="0", state="unknown", result=None,
                intended_at=clock.now(),
            )
        )  # fmt: skip
        session.add(
            Step(
                id=ids.new_id("stp"), workspace_id=scene.at.workspace_id, run_id=run_id, leg=1, seq=1, key="1",
                kind="tool", name="erp.pay", state="done", verdicts=[], request=None, response=None, detail={},
                started_at=clock.now(),
            )
        )  # fmt: skip
    assert "provider_failing" in result(store, scene, "monitoring.quiet").measured
    assert result(store, scene, "monitoring.told").status == "true"
    assert result(store, scene, "reliability.no_doubt").status == "false"
    assert result(store, scene, "connections.granted_is_used").status == "true"


def add_release(store: Store, scene: Scene) -> str:
    release = ids.new_id("rel")
    with store.write() as session:
        session.add(
            Release(
                id=release, workspace_id=scene.at.workspace_id, agent_id=scene.agent, environment_id=scene.production,
                revision_id=scene.revision, open_key=f"{scene.agent}:{scene.production}", state="shadow",
                state_since=clock.now(), strategy={}, tier="critical", reason="r", requested_by="x",
                requested_by_name="X", requested_at=clock.now(),
            )
        )  # fmt: skip
    return release


def test_shadow_days_are_counted_by_the_day(store: Store, scene: Scene):
    release = add_release(store, scene)
    for day in range(4):
        for _ in range(2):
            run_id = add_run(store, scene, "production")
            with store.write() as session:
                session.add(
                    ShadowPair(
                        release_id=release, run_id=run_id, workspace_id=scene.at.workspace_id, state="compared",
                        is_equal=True, made_at=clock.now() - day * DAY, compared_at=clock.now() - day * DAY,
                    )
                )  # fmt: skip
    assert result(store, scene, "shadow.days").measured == "4 days in the shadow, 8 answers compared."
    assert result(store, scene, "shadow.days").status == "false"
    run_id = add_run(store, scene, "production")
    with store.write() as session:
        session.add(
            ShadowPair(
                release_id=release, run_id=run_id, workspace_id=scene.at.workspace_id, state="compared", is_equal=False,
                made_at=clock.now() - 4 * DAY, compared_at=clock.now() - 4 * DAY,
            )
        )  # fmt: skip
    assert result(store, scene, "shadow.days").status == "true"
    assert "1 not judged" in result(store, scene, "shadow.differences_judged").measured


def test_a_signature_counts_of_somebody_who_did_not_write_it(store: Store, scene: Scene):
    mona = kit_agents.person(store, scene.at, "Mona", "manager")
    release = add_release(store, scene)
    unsigned = result(store, scene, "diff.read")
    assert (unsigned.status, unsigned.severity) == ("missing", "block")
    for member, status in ((scene.ann.id, "false"), (mona.id, "true")):
        with store.write() as session:
            session.add(
                ReleaseSignature(
                    release_id=release, member_id=member, workspace_id=scene.at.workspace_id, member_name="M",
                    verdict="approve", diff_digest="0" * 64, comment="", at=clock.now(),
                )
            )  # fmt: skip
        assert result(store, scene, "diff.read").status == status


def test_the_way_back_is_what_serves_and_the_last_drill(store: Store, scene: Scene):
    assert result(store, scene, "rollback.target_known").status == "missing"
    with store.write() as session:
        session.add(
            Drill(
                id=ids.new_id("drl"), workspace_id=scene.at.workspace_id, agent_id=scene.agent,
                environment_id=scene.production, kind="rehearsed", from_revision_id=scene.revision,
                to_revision_id=scene.revision, milliseconds=4_000, is_passed=True, text="", by="x", by_name="X",
                at=clock.now(),
            )
        )  # fmt: skip
    assert result(store, scene, "rollback.drilled").measured == "The last drill took 4.0 s and passed."
    assert result(store, scene, "rollback.drilled", environment="staging").status == "missing"
    with store.write() as session:
        from signoff.agents.actions import save_draft
        from signoff.agents.queries import draft_of

        draft = draft_of(session, scene.ann, scene.agent)
        save_draft(session, scene.ann, scene.agent, body={**draft.body, "sop": SOP + " Twice."}, version=draft.version)
        second = freeze_revision(session, scene.ann, scene.agent, reason="second")
    newer = Scene(scene.at, scene.ann, scene.agent, second.id, scene.connection)
    assert "Revision 1, which serves now" in result(store, newer, "rollback.target_known").measured
    assert result(store, newer, "product.staged").status == "false"
    with store.write() as session:
        make_live(session, scene.ann, scene.agent, environment="staging", revision=2, reason="r")
    assert result(store, newer, "product.staged").status == "true"
    assert result(store, scene, "diff.final").status == "false"


def test_the_schema_of_a_migrated_database_is_the_releases_own(store: Store, scene: Scene):
    assert result(store, scene, "product.migrations_at_head").status == "true"
    assert result(store, scene, "product.revision_intact").status == "true"


def test_however_many_runs_there_are_the_queries_are_as_many(store: Store, scene: Scene):
    def queries() -> int:
        count: list[str] = []
        seen = lambda conn, cursor, statement, *_: count.append(statement)  # noqa: E731
        event.listen(store.engine, "before_cursor_execute", seen)
        look(store, scene)
        event.remove(store.engine, "before_cursor_execute", seen)
        return len(count)

    few = queries()
    for number in range(30):
        run_id = add_run(store, scene, "production" if number % 2 else "staging")
        add_request(store, scene, run_id, "denied")
    assert queries() <= few + 1  # With runs it is also asked which tools they called.


def test_a_strangers_revision_is_not_told_from_none(store: Store, scene: Scene):
    elsewhere = kit_agents.place(store, "other")
    charlie = kit_agents.person(store, elsewhere, "Charlie")
    with pytest.raises(NotFound), store.read() as session:
        evidence_for(session, charlie, scene.agent, environment="production")
    with pytest.raises(NotFound), store.read() as session:
        evaluate(
            session, agent_id=scene.agent, environment_id=elsewhere.environments["production"],
            revision_id=scene.revision,
        )  # fmt: skip


def test_left_out_it_is_the_newest_revision_in_production(store: Store, scene: Scene):
    with store.read() as session:
        found = evidence_for(session, scene.ann, scene.agent)
        same = look(store, scene)
        after = evidence_for(session, scene.ann, scene.agent, phase="after")
    assert {one.probe: one.status for one in found.results} == {one.probe: one.status for one in same.results}
    assert found.tier == "critical"
    assert {one.group for one in after.results} == {"after"}
    assert GATE["name"] == "pay"
