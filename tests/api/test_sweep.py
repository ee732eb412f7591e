"""Every operation, asked by every kind of caller about every kind of thing: the answer is what the tables say, and
another workspace's thing is told like one that never was."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from signoff.api.permissions import NEEDS
from tests.api.crowd import Elsewhere, add_crowd
from tests.api.sweep import (
    BODIES,
    INSTANCE,
    PERSONAL,
    PUBLIC,
    SIGNED,
    Answer,
    Caller,
    Operation,
    Sweep,
    callers,
    filled,
    of_workspaces,
    operations,
    without_ids,
    wrong,
)
from tests.api.world import World

# They decide about money, ownership, time and place; none of them is anybody's to send.
PLANTED: dict[str, Any] = {
    "workspace_id": "ws_other", "owner": "mem_mallory", "owner_id": "mem_mallory", "role": "owner",
    "revision": "rev_other", "revision_id": "rev_other", "status": "active", "state": "active",
    "created_at": "2020-01-01T00:00:00Z", "created_by": "mem_mallory", "spend": "0", "spent_usd": "0",
    "permissions": {"owner.manage": "all"}, "is_built_in": True, "granted_by": "mem_mallory", "id": "agt_mine",
}  # fmt: skip


def swept(world: World, work: Callable[[Sweep, Elsewhere], Awaitable[list[str]]]) -> list[str]:
    """Do the work on a crowded world, and return everything that is wrong."""
    elsewhere = add_crowd(world)

    async def whole() -> list[str]:
        sweep = Sweep(world)
        try:
            return await work(sweep, elsewhere)
        finally:
            await sweep.close()

    return asyncio.run(whole())


def shown(found: list[str]) -> str:
    """What a failing test tells."""
    return "\n".join(found[:40])


def told(caller: Caller, operation: Operation, what: str, *texts: str) -> str:
    return f"{operation.name} by {caller.name}: {what}\n    " + "\n    ".join(text[:400] for text in texts)


def test_whoever_may_is_served_and_nobody_else(world: World) -> None:
    asked: list[str] = []

    async def work(sweep: Sweep, _: Elsewhere) -> list[str]:
        found: list[str] = []
        for operation in operations():
            for caller in callers(world):
                answer = await sweep.ask(caller, operation)
                asked.append(operation.name)
                problem = wrong(caller, operation, answer)
                if problem:
                    found.append(told(caller, operation, f"{answer.status}, {problem}", answer.text))
        return found

    found = swept(world, work)
    assert found == [], shown(found)
    assert len(asked) == len(operations()) * len(callers(world)) > 1_700


def test_another_workspaces_thing_is_told_like_one_that_never_was(world: World) -> None:
    asked: list[str] = []

    async def work(sweep: Sweep, elsewhere: Elsewhere) -> list[str]:
        found: list[str] = []
        for operation in (each for each in of_workspaces() if each.things):
            kinds = {"foreign": elsewhere.foreign}
            if lost := set(elsewhere.gone) & operation.things:
                kinds["deleted"] = {name: elsewhere.gone[name] for name in lost}
            for kind, ids in kinds.items():
                unknown = {name: elsewhere.unknown.get(name, value) for name, value in ids.items()}
                for caller in callers(world):
                    answer = await sweep.ask(caller, operation, ids)
                    never = await sweep.ask(caller, operation, unknown)
                    asked.append(kind)
                    same = (answer.status, without_ids(answer.text, ids)) == (
                        never.status, without_ids(never.text, unknown),
                    )  # fmt: skip
                    is_refused = answer.status in (401, 403, 404, 422) or operation.name == "cancel_runs"
                    if not same or not is_refused:
                        what = f"{kind} {answer.status}, unknown {never.status}"
                        found.append(told(caller, operation, what, answer.text, never.text))
        return found

    found = swept(world, work)
    assert found == [], shown(found)
    assert asked.count("foreign") > 1_000
    assert asked.count("deleted") > 200


def test_from_another_workspace_nothing_of_this_one_is_there(world: World) -> None:
    """Charlie asks under his own address for what is Alice's."""
    asked: list[str] = []

    async def work(sweep: Sweep, _: Elsewhere) -> list[str]:
        found: list[str] = []
        for operation in (each for each in of_workspaces() if each.things):
            for caller in callers(world):
                if caller.always != 404:
                    continue
                answer = await sweep.ask(caller, operation, {"workspace": "other", "administrator": "mem_x"})
                asked.append(operation.name)
                is_hidden = answer.status in (404, 422)
                if operation.name == "cancel_runs":
                    is_hidden = set(answer.json["runs"].values()) == {"not_found"}
                if not is_hidden:
                    found.append(told(caller, operation, str(answer.status), answer.text))
        return found

    found = swept(world, work)
    assert found == [], shown(found)
    assert len(asked) > 120


def test_no_body_sets_what_is_not_its_to_set(world: World) -> None:
    """A field that decides about ownership, money, time or place, in every body that has no such field: 422."""
    asked: list[str] = []

    async def work(sweep: Sweep, _: Elsewhere) -> list[str]:
        found: list[str] = []
        owner = next(caller for caller in callers(world) if caller.name == "the role owner")
        document = world.app.openapi()  # Once: it is parsed anew each time, and is large.
        for operation in (each for each in operations() if each.takes_body and each.name not in SIGNED):
            plain = await sweep.ask(owner, operation)
            assert plain.status < 500 or plain.status in (502, 503), operation.name
            its_own = _fields(document, operation)
            planted = {name: value for name, value in PLANTED.items() if name not in its_own}
            asked.extend(planted)
            answer = await sweep.ask(owner, operation, body={**_body(world, operation), **planted})
            # All at once, which is told of each; what it is not told of is sent alone.
            for name in set(planted) - _refused(answer):
                answer = await sweep.ask(owner, operation, body={**_body(world, operation), name: planted[name]})
                if name not in _refused(answer):
                    found.append(told(owner, operation, f"{name}: {answer.status}", answer.text))
        return found

    found = swept(world, work)
    assert found == [], shown(found)
    assert len(asked) > 400


def _body(world: World, operation: Operation) -> dict[str, Any]:
    return filled(BODIES[operation.name], world.ids)


def _refused(answer: Answer) -> set[str]:
    """The fields that the answer says are none; the orchestration form says 400 where the rest of the API says 422."""
    return set(answer.json["errors"]) if answer.status in (400, 422) else set()


def _fields(document: dict[str, Any], operation: Operation) -> set[str]:
    schemas = document["components"]["schemas"]
    asked = document["paths"][operation.path][operation.method]["requestBody"]["content"]
    schema = asked["application/json"]["schema"]
    names = [part["$ref"] for part in (schema, *schema.get("anyOf", ())) if "$ref" in part]
    return {field for name in names for field in schemas[name.rpartition("/")[2]].get("properties", {})}


def test_every_operation_says_what_it_needs() -> None:
    assert set(NEEDS) == {operation.name for operation in operations()}
    assert {name for name, needed in NEEDS.items() if needed is None} == {
        *PUBLIC, *PERSONAL, *INSTANCE, *SIGNED, "me", "workspace",
    }  # fmt: skip
