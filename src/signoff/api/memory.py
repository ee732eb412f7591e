"""What an agent keeps between runs: to read, to correct, to erase, and to move to another scope."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, Reason
from signoff.api.shapes import router as make_router
from signoff.memories import actions, queries
from signoff.memories.actions.migrate import migration_preview
from signoff.memories.facts import EntryDetail, EntryFacts, MemoryState, MigrationPreview
from signoff.memories.states import Fate, Scope
from signoff.people.access import Principal

router = make_router("memory")

_Text = Annotated[str, Field(max_length=20_000, description="What is to be kept; untrusted as any other text.")]
_Place = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", examples=["production"])]
Words = Annotated[str, Query(max_length=200, description="Words that all stand in the text, in any case and order.")]
OfEnvironment = Annotated[
    str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="Only entries of this environment.")
]
OfMember = Annotated[
    str | None,
    Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="A member's entries; `shared`: what all share."),
]
Flagged = Annotated[
    bool | None, Query(description="True: what reads like a rule and nobody has looked at. False: everything else.")
]


class NewEntry(Body):
    """What is to be kept, and in which environment. Where memory is each person's own, it is the caller's."""

    text: _Text
    environment: _Place = "production"


class Edit(Body):
    """The new text, and the version that was read."""

    text: _Text
    version: Annotated[int, Field(ge=1, le=1_000_000)]


class Erasure(Body):
    """Whose entries; left out, those that everybody shares."""

    member_id: IdText | None = None


class Migration(Body):
    """To which scope, what becomes of the entries, and why."""

    to: Scope
    entries: Fate
    reason: Reason


@dataclass(frozen=True, slots=True)
class Edited:
    """The version an entry has now."""

    version: int


@dataclass(frozen=True, slots=True)
class Erased:
    """How many entries were erased."""

    entries: int


@router.get("/v1/{workspace}/agents/{agent}/memory", response_model=Listed[EntryFacts])
async def memory(
    desk: AtDesk,
    agent: AgentName,
    q: Words = "",
    environment: OfEnvironment = None,
    member: OfMember = None,
    flagged: Flagged = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """What an agent keeps, newest first: the caller's own and what is shared; of others for who may read their runs."""
    page = await desk.read(
        queries.entries_page, agent, q=q, environment=environment, member=member, is_flagged=flagged, cursor=cursor,
        size=size,
    )  # fmt: skip
    return answer(listed(page))


@router.post("/v1/{workspace}/agents/{agent}/memory", response_model=Made, status_code=201)
async def add_memory(desk: AtMakingDesk, agent: AgentName, body: NewEntry) -> Response:
    """Write an entry. Into one's own memory it takes no right but to run the agent."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.add_entry(session, principal, agent, text=body.text, environment=body.environment))

    return answer(await desk.make("memory.add", {"agent": agent, **body.model_dump()}, work), 201)


@router.get("/v1/{workspace}/agents/{agent}/memory/{entry}", response_model=EntryDetail)
async def memory_entry(desk: AtDesk, agent: AgentName, entry: Id) -> Response:
    """One entry with the texts it had."""
    return answer(await desk.read(queries.entry, agent, entry))


@router.patch("/v1/{workspace}/agents/{agent}/memory/{entry}", response_model=Edited)
async def edit_memory(desk: AtDesk, agent: AgentName, entry: Id, body: Edit) -> Response:
    """Correct an entry; its label stays. One's own takes no right but to run the agent."""
    return answer(Edited(await desk.write(actions.edit_entry, agent, entry, text=body.text, version=body.version)))


@router.delete("/v1/{workspace}/agents/{agent}/memory/{entry}", response_model=Done)
async def erase_memory(desk: AtDesk, agent: AgentName, entry: Id) -> Response:
    """Erase an entry with every text it had. The audit keeps that it was there. One's own may always be erased."""
    await desk.write(actions.erase_entry, agent, entry)
    return answer(Done())


@router.post("/v1/{workspace}/agents/{agent}/memory/{entry}:review", response_model=Done)
async def review_memory(desk: AtDesk, agent: AgentName, entry: Id) -> Response:
    """Say that somebody looked at an entry that reads like a rule, and that it may stay."""
    await desk.write(actions.review_entry, agent, entry)
    return answer(Done())


@router.post("/v1/{workspace}/agents/{agent}/memory:erase", response_model=Erased)
async def erase_all_memory(desk: AtDesk, agent: AgentName, body: Erasure) -> Response:
    """Erase everything an agent keeps for one member, or everything it shares. One's own may always be erased."""
    return answer(Erased(await desk.write(actions.erase_all, agent, member_id=body.member_id)))


@router.get("/v1/{workspace}/agents/{agent}/memory-scope", response_model=MemoryState)
async def memory_scope(desk: AtDesk, agent: AgentName) -> Response:
    """Whether the scope of an agent's memory is fixed, since when, and by which run or whom."""
    return answer(await desk.read(queries.memory_state, agent))


@router.get("/v1/{workspace}/agents/{agent}/memory-scope/preview", response_model=MigrationPreview)
async def memory_migration(
    desk: AtDesk,
    agent: AgentName,
    to: Annotated[Scope, Query(description="The scope to move to.")] = "shared",
    entries: Annotated[Fate, Query(description="What becomes of the entries.")] = "keep_as_shared",
) -> Response:
    """What moving the memory to another scope would do. Nothing is changed."""
    return answer(await desk.read(migration_preview, agent, to=to, entries=entries))


@router.post("/v1/{workspace}/agents/{agent}/memory-scope:migrate", response_model=MigrationPreview)
async def migrate_memory(desk: AtDesk, agent: AgentName, body: Migration) -> Response:
    """Move the memory of an agent to another scope. Then make a revision of that scope live."""
    done = await desk.write(
        actions.migrate_memory, agent, to=body.to, entries=body.entries, reason=body.reason
    )  # fmt: skip
    return answer(done)
