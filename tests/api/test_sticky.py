"""A caller's sticky key decides between what serves and a candidate, by every way in."""

from __future__ import annotations

from sqlalchemy import select, update

from signoff.deployments.traffic import bucket
from signoff.tables.deployments import LiveRevision
from signoff.tables.runs import Run
from tests.api.world import World

EXECUTE = "/v1/acme/agents/helper:execute"
SALT, SHARE = "rel_1", 5_000


def with_candidate(world: World) -> None:
    """Half of the keys get the candidate; which revision it is does not matter here."""
    with world.store.write() as session:
        session.execute(
            update(LiveRevision).values(
                candidate_revision_id=LiveRevision.revision_id, candidate_release_id="rel_1", salt=SALT, share=SHARE
            )
        )


def run(world: World, run_id: str) -> Run:
    with world.store.read() as session:
        return session.scalars(select(Run).where(Run.id == run_id)).one()


def test_a_key_gets_the_same_variant_by_every_way_in(world: World) -> None:
    with_candidate(world)
    seen: set[str] = set()
    with world.client(key=world.keys["runner"]) as client:
        for number in range(12):
            key = f"customer-{number}"
            wanted = "candidate" if bucket(SALT, key) < SHARE else "live"
            executed = client.post(EXECUTE, json={"input": {"text": "x"}, "stickyKey": key})
            asked = {"runId": f"r-{number}", "workflowId": "helper", "input": {"text": "x"}, "stickyKey": key}
            orchestrated = client.post("/v1/orchestrations/run", json=asked)
            assert (executed.status_code, orchestrated.status_code) == (202, 202), orchestrated.text
            for made in (executed, orchestrated):
                found = run(world, made.json()["id"])
                assert (found.sticky_key, found.variant) == (key, wanted)
                assert found.release_id == ("rel_1" if wanted == "candidate" else None)
            seen.add(wanted)
    assert seen == {"candidate", "live"}


def test_a_named_revision_is_had_whatever_the_key(world: World) -> None:
    with_candidate(world)
    taken = next(f"k-{n}" for n in range(100) if bucket(SALT, f"k-{n}") < SHARE)
    with world.client(key=world.keys["runner"]) as client:
        body = {"input": {"text": "x"}, "stickyKey": taken, "revisionId": 1}
        made = client.post(EXECUTE, json=body)
        assert made.status_code == 202, made.text
        too_long = client.post(EXECUTE, json={"input": {"text": "x"}, "stickyKey": "x" * 201})
    assert (run(world, made.json()["id"]).variant, too_long.status_code) == ("pinned", 422)


def test_without_a_key_the_callers_name_for_the_run_decides(world: World) -> None:
    with_candidate(world)
    with world.client(key=world.keys["runner"]) as client:
        for number in range(8):
            asked = {"runId": f"case-{number}", "workflowId": "helper", "input": {"text": "x"}}
            made = client.post("/v1/orchestrations/run", json=asked)
            wanted = "candidate" if bucket(SALT, f"case-{number}") < SHARE else "live"
            assert (made.status_code, run(world, made.json()["id"]).variant) == (202, wanted)
