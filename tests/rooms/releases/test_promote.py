"""What was tried in one environment, exactly that, goes to the next: same digest, bindings there, a run that speaks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from signoff.agents.signed_bundle import BindingsMissing, import_bundle, provenance_of
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound
from signoff.people.actions import create_environment
from signoff.releases.actions import plan_promotion, promote, switch_live
from signoff.releases.refusals import NotServedThere, SmokeMissing
from signoff.tables.agents import Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.releases import Release
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.kit_databases import PostgresDatabases, SqliteDatabases
from tests.rooms.agents.kit_agents import person
from tests.rooms.agents.kit_instances import Instance, instance

AGENT = "supplier-mail"


@pytest.fixture
def here(store: Store) -> Instance:
    return instance(store, "here")


def ran(at: Instance, number: int, *, environment: str = "staging", state: str = "completed", days: float = 0) -> str:
    """Note a run that ended so long ago."""
    ended = clock.now() - timedelta(days=days)
    with at.store.write() as session:
        row = session.scalars(select(Revision).where(Revision.number == number)).one()
        place = session.scalars(select(Environment.id).where(Environment.slug == environment)).one()
        run = Run(
            id=ids.new_id("run"), workspace_id=row.workspace_id, environment_id=place, agent_id=row.agent_id,
            revision_id=row.id, agent_slug=AGENT, agent_name="Supplier mail", revision_number=number, state=state,
            origin="test", source="manual", mode="live", requested_by="mem_x", requested_by_name="Ann", title="t",
            input={}, output=None, created_at=ended, ended_at=ended,
        )  # fmt: skip
        session.add(run)
        return run.id


def second(at: Instance, *, environment: str = "staging") -> None:
    """Freeze a second revision and let it serve there."""
    agent = at.freeze()
    at.freeze_again(agent, 1, sop="Edit 2.")
    switch_live(at.store, at.ann, agent, environment=environment, revision=2, reason="try it")


def serving(at: Instance) -> dict[str, str]:
    """Environment → hash of what serves there."""
    with at.store.read() as session:
        rows = session.execute(
            select(Environment.slug, Revision.hash)
            .join(LiveRevision, LiveRevision.environment_id == Environment.id)
            .join(Revision, Revision.id == LiveRevision.revision_id)
        )
        return {row.slug: row.hash for row in rows}


def test_what_serves_staging_goes_to_production_with_the_same_digest(here: Instance):
    second(here)
    run = ran(here, 2)
    with here.store.read() as session:
        plan = plan_promotion(session, here.ann, AGENT, to="production")
    assert (plan.number, plan.source, plan.to, plan.smoke_run) == (2, "staging", "production", run)
    release = promote(here.store, here.ann, AGENT, to="production", reason="it works")
    found = serving(here)
    assert found["production"] == found["staging"] == plan.hash
    with here.store.read() as session:
        assert session.get_one(Release, release).reason == "it works"


def test_another_digest_than_the_one_that_serves_staging_is_refused(here: Instance):
    second(here)
    ran(here, 1)
    ran(here, 2)
    with pytest.raises(NotServedThere, match=r"Revision 1 .* does not serve staging: revision 2") as refused:
        promote(here.store, here.ann, AGENT, to="production", revision=1, reason="the old one")
    assert refused.value.extra["wanted"] != refused.value.extra["serving"]
    promote(here.store, here.ann, AGENT, to="production", revision=2, reason="the very one")


def test_the_same_text_frozen_again_is_the_same_digest(here: Instance):
    agent = here.freeze()
    here.freeze_again(agent, 1, sop="Edit 2.")
    switch_live(here.store, here.ann, agent, environment="production", revision=2, reason="x")
    from tests.rooms.agents.kit_agents import SOP

    assert here.freeze_again(agent, 2, sop=SOP) == 3
    ran(here, 1)
    promote(here.store, here.ann, agent, to="production", revision=3, reason="frozen again, as it serves staging")
    found = serving(here)
    assert found["production"] == found["staging"]


def test_production_wants_a_recent_run_that_ended_well(here: Instance):
    second(here)

    def refused(words: str) -> None:
        with pytest.raises(SmokeMissing, match=words) as told:
            promote(here.store, here.ann, AGENT, to="production", reason="now")
        assert told.value.status == 409

    refused("No run of revision 2")
    ran(here, 1)
    ran(here, 2, environment="production")
    refused("No run of revision 2")
    ran(here, 2, days=8)
    refused("older than 7 days")
    ran(here, 2, days=6)
    ran(here, 2, state="failed")
    refused("last run .* failed")
    assert serving(here)["production"] != serving(here)["staging"]
    ran(here, 2)
    promote(here.store, here.ann, AGENT, to="production", reason="now it may")


def test_bindings_that_are_missing_there_are_named(here: Instance):
    erp = here.connect("staging", "erp", find="read")
    here.keep("ERP_TOKEN", erp, "correct-horse-battery")
    agent = here.freeze()
    here.freeze_again(agent, 1, tools=[{"slot": "erp", "allow": [{"tool": "find"}]}], secrets=["ERP_TOKEN"])
    switch_live(here.store, here.ann, agent, environment="staging", revision=2, reason="try it")
    ran(here, 2)
    with pytest.raises(BindingsMissing, match=r"production lacks .* connection erp, secret ERP_TOKEN"):
        promote(here.store, here.ann, AGENT, to="production", reason="now")


def test_one_agent_through_three_environments_with_one_digest(here: Instance):
    with here.store.write() as session:
        create_environment(session, here.ann, slug="preview", name="Preview")
    second(here, environment="preview")
    promote(here.store, here.ann, AGENT, source="preview", to="staging", reason="looks good")
    ran(here, 2)
    promote(here.store, here.ann, AGENT, source="staging", to="production", reason="works")
    found = serving(here)
    assert set(found) == {"preview", "staging", "production"}
    assert len(set(found.values())) == 1
    with here.store.read() as session:
        links = provenance_of(session, here.ann, AGENT, 2).links
    assert [link.environment for link in links] == [None, "preview", "staging", "production"]


def test_who_may_not_and_what_makes_no_sense(here: Instance):
    second(here)
    ran(here, 2)
    bob = person(here.store, here.at, "Bob", "viewer")
    with pytest.raises(NotAllowed):
        promote(here.store, bob, AGENT, to="production", reason="now")
    with pytest.raises(Malformed, match="two environments"):
        promote(here.store, here.ann, AGENT, to="staging", source="staging", reason="now")
    with pytest.raises(NotFound):
        promote(here.store, here.ann, AGENT, to="nowhere", reason="now")


def test_an_imported_revision_goes_the_same_way(here: Instance, databases: SqliteDatabases | PostgresDatabases):
    here.freeze()
    url = databases.fresh()
    opened = Store.open(url)
    there = instance(opened, "there")
    there.trust(here)
    with opened.write() as session:
        made = import_bundle(session, there.ann, here.export())
    with pytest.raises(NotServedThere, match="Nothing of supplier-mail serves staging"):
        promote(opened, there.ann, AGENT, to="production", reason="at once")
    switch_live(opened, there.ann, AGENT, environment="staging", revision=1, reason="try it")
    ran(there, 1)
    promote(opened, there.ann, AGENT, to="production", reason="works here, too")
    assert set(serving(there).values()) == {made.hash} == set(serving(here).values())
    opened.close()
    databases.forget(url)
