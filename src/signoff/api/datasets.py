"""Datasets of an agent, their examples, and the evaluators that score its answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field, model_validator
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AgentName, AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, Name, SlugText
from signoff.api.shapes import router as make_router
from signoff.evaluations import actions, queries
from signoff.evaluations.actions import NewExample
from signoff.evaluations.actions.schedule import HOUR
from signoff.evaluations.limits import (
    CAP_USD,
    CAP_USD_MAX,
    DESCRIPTION_CHARS,
    EXAMPLES_MAX,
    NOTE_CHARS,
    TAG_CHARS,
    TAGS_MAX,
    TOLERANCE,
)
from signoff.evaluations.scoring import EvaluatorKind
from signoff.evaluations.states import Every, Split
from signoff.evaluations.views import DatasetFacts, EvaluatorFacts, ExampleFacts
from signoff.people.access import Principal

router = make_router("evaluations")

_Description = Annotated[str, Field(max_length=DESCRIPTION_CHARS)]
_Golden = Annotated[bool, Field(description="The gate asks whether a revision does as well on it as what serves.")]
_Tolerance = Annotated[
    float,
    Field(ge=0, le=1, description="How far a mean score may lie below the one it is compared with."),
]
_Note = Annotated[str, Field(max_length=NOTE_CHARS)]
_Tags = Annotated[list[Annotated[str, Field(max_length=TAG_CHARS)]], Field(max_length=TAGS_MAX)]
_Weight = Annotated[
    Decimal, Field(gt=0, le=1_000_000, max_digits=13, decimal_places=6, description="Only ratios of weights count.")
]
_Settings = Annotated[dict[str, Any], Field(description="What its kind takes; see the how-to on evaluations.")]
_Version = Annotated[int | None, Query(ge=0, le=10**9, description="As the dataset was in this version.")]


class NewDataset(Body):
    """A dataset, empty at first."""

    name: Name
    slug: SlugText | None = None
    description: _Description = ""
    is_golden: _Golden = False
    tolerance: _Tolerance = TOLERANCE


class DatasetChange(Body):
    """What is to change; the rest stays."""

    name: Name | None = None
    description: _Description | None = None
    is_golden: _Golden | None = None
    tolerance: _Tolerance | None = None


class ExampleBody(Body):
    """An input, and what should come of it. `expected` null or left out: nothing exact is expected."""

    input: Any
    expected: Any = None
    is_critical: Annotated[bool, Field(description="One such example that gets worse decides.")] = False
    split: Split = "dev"
    tags: _Tags = Field(default_factory=list[str])
    note: _Note = ""


class ExampleChange(Body):
    """What is to be otherwise in the example that takes this one's place; the rest stays."""

    input: Any = None
    expected: Any = None
    is_critical: bool = False
    split: Split = "dev"
    tags: _Tags = Field(default_factory=list[str])
    note: _Note = ""


class NewExamples(Body):
    """One of: a run that is over; or one or many examples, all or none of which are added."""

    run: Annotated[IdText | None, Field(description="Its input, and its output as what is expected.")] = None
    is_critical: Annotated[bool, Field(description="Of the run.")] = False
    note: Annotated[_Note, Field(description="Of the run.")] = ""
    examples: Annotated[list[ExampleBody], Field(max_length=EXAMPLES_MAX)] = Field(default_factory=list[ExampleBody])

    @model_validator(mode="after")
    def _is_one(self) -> NewExamples:
        if (self.run is None) == (not self.examples):
            raise ValueError("give `run`, or at least one of `examples`; not both")
        return self


class NewEvaluator(Body):
    """One way to score an agent's answers, from 0 to 1."""

    name: Name
    kind: EvaluatorKind
    settings: _Settings = Field(default_factory=dict[str, Any])
    weight: _Weight = Decimal(1)


class EvaluatorChange(Body):
    """What is to change, from the next evaluation on; the rest stays."""

    name: Name | None = None
    settings: _Settings | None = None
    weight: _Weight | None = None
    is_enabled: bool | None = None


class Schedule(Body):
    """When a dataset is evaluated by itself: neither by the clock nor of each revision ends that."""

    every: Annotated[Every | None, Field(description="What serves is measured again; weeks begin on Monday.")] = None
    at_hour: Annotated[int, Field(ge=0, le=23, description="Of the workspace's time zone.")] = HOUR
    is_of_each_revision: Annotated[bool, Field(description="Each revision, as soon as it is frozen.")] = False
    environment: SlugText = "production"
    cap_usd: Annotated[
        Decimal, Field(gt=0, le=CAP_USD_MAX, max_digits=16, decimal_places=9, description="For one evaluation.")
    ] = CAP_USD


@dataclass(frozen=True, slots=True)
class Datasets:
    """The datasets of an agent, golden ones first."""

    items: list[DatasetFacts]


@dataclass(frozen=True, slots=True)
class Evaluators:
    """How an agent's answers are scored. None: they have to equal what is expected."""

    items: list[EvaluatorFacts]


@dataclass(frozen=True, slots=True)
class AddedExamples:
    """The ids of the examples, in the order in which they were given."""

    ids: list[str]


@router.get("/v1/{workspace}/agents/{agent}/datasets", response_model=Datasets)
async def datasets_of(desk: AtDesk, agent: AgentName, archived: bool = False) -> Response:
    """The datasets of an agent; with `archived`, also those that were put away."""
    return answer(Datasets(await desk.read(queries.datasets_of, agent, with_archived=archived)))


@router.post("/v1/{workspace}/agents/{agent}/datasets", response_model=Made, status_code=201)
async def create_dataset(desk: AtMakingDesk, agent: AgentName, body: NewDataset) -> Response:
    """Make a dataset of an agent, empty at first."""
    fields = body.model_dump(mode="json")

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.create_dataset(session, principal, agent, **fields))

    return answer(await desk.make("dataset.create", {"agent": agent, **fields}, work), 201)


@router.get("/v1/{workspace}/datasets/{dataset}", response_model=DatasetFacts)
async def dataset(desk: AtDesk, dataset: Id) -> Response:
    """One dataset, without its examples."""
    return answer(await desk.read(queries.dataset, dataset))


@router.patch("/v1/{workspace}/datasets/{dataset}", response_model=DatasetFacts)
async def change_dataset(desk: AtDesk, dataset: Id, body: DatasetChange) -> Response:
    """Change its name, its description, whether it is golden, or its tolerance."""
    await desk.write(actions.change_dataset, dataset, **body.model_dump(exclude_unset=True))
    return answer(await desk.read(queries.dataset, dataset))


@router.delete("/v1/{workspace}/datasets/{dataset}", response_model=Done)
async def archive_dataset(desk: AtDesk, dataset: Id) -> Response:
    """Put a dataset away: nothing is evaluated on it any more, and what was stays readable."""
    await desk.write(actions.archive_dataset, dataset)
    return answer(Done())


@router.put("/v1/{workspace}/datasets/{dataset}/schedule", response_model=DatasetFacts)
async def schedule_dataset(desk: AtDesk, dataset: Id, body: Schedule) -> Response:
    """Say when a dataset is evaluated by itself, in the caller's name."""
    await desk.write(actions.set_schedule, dataset, **body.model_dump())
    return answer(await desk.read(queries.dataset, dataset))


@router.get("/v1/{workspace}/datasets/{dataset}/examples", response_model=Listed[ExampleFacts])
async def examples_of(
    desk: AtDesk, dataset: Id, version: _Version = None, critical: bool | None = None, split: Split | None = None,
    cursor: Cursor = None, size: Size = None,
) -> Response:  # fmt: skip
    """The examples of a dataset, the oldest first: as they are, or as they were in a version of it."""
    page = await desk.read(
        queries.examples_page, dataset, version=version, is_critical=critical, split=split, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.post("/v1/{workspace}/datasets/{dataset}/examples", response_model=AddedExamples, status_code=201)
async def add_examples(desk: AtMakingDesk, dataset: Id, body: NewExamples) -> Response:
    """Add a run as an example, or examples as they are written. The same run again is answered with the first."""
    new = [NewExample(**one.model_dump()) for one in body.examples]

    def work(session: Session, principal: Principal) -> AddedExamples:
        if body.run is None:
            return AddedExamples(actions.add_examples(session, principal, dataset, new))
        made = actions.add_run_as_example(
            session, principal, dataset, body.run, is_critical=body.is_critical, note=body.note
        )
        return AddedExamples([made])

    asked = {"dataset": dataset, **body.model_dump(mode="json")}
    return answer(await desk.make("example.add", asked, work), 201)


@router.get("/v1/{workspace}/datasets/{dataset}/examples/{example}", response_model=ExampleFacts)
async def example(desk: AtDesk, dataset: Id, example: Id) -> Response:
    """One example, also one that was taken out."""
    return answer(await desk.read(queries.example, dataset, example))


@router.patch("/v1/{workspace}/datasets/{dataset}/examples/{example}", response_model=Made)
async def change_example(desk: AtDesk, dataset: Id, example: Id, body: ExampleChange) -> Response:
    """Put a changed copy in the place of an example; older versions of the dataset keep the first. The copy's id."""
    changes = body.model_dump(exclude_unset=True)
    return answer(Made(id=await desk.write(actions.change_example, dataset, example, changes)))


@router.delete("/v1/{workspace}/datasets/{dataset}/examples/{example}", response_model=Done)
async def remove_example(desk: AtDesk, dataset: Id, example: Id) -> Response:
    """Take an example out; older versions of the dataset still have it."""
    await desk.write(actions.remove_example, dataset, example)
    return answer(Done())


@router.get("/v1/{workspace}/agents/{agent}/evaluators", response_model=Evaluators)
async def evaluators_of(desk: AtDesk, agent: AgentName) -> Response:
    """How an agent's answers are scored, the oldest evaluator first; at most 20."""
    return answer(Evaluators(await desk.read(queries.evaluators_of, agent)))


@router.post("/v1/{workspace}/agents/{agent}/evaluators", response_model=Made, status_code=201)
async def add_evaluator(desk: AtMakingDesk, agent: AgentName, body: NewEvaluator) -> Response:
    """Add an evaluator, for evaluations asked for from now on."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.add_evaluator(session, principal, agent, **body.model_dump()))

    return answer(await desk.make("evaluator.add", {"agent": agent, **body.model_dump(mode="json")}, work), 201)


@router.patch("/v1/{workspace}/evaluators/{evaluator}", response_model=Done)
async def change_evaluator(desk: AtDesk, evaluator: Id, body: EvaluatorChange) -> Response:
    """Change an evaluator's name, settings or weight, or switch it on or off."""
    await desk.write(actions.change_evaluator, evaluator, **body.model_dump(exclude_unset=True))
    return answer(Done())


@router.delete("/v1/{workspace}/evaluators/{evaluator}", response_model=Done)
async def delete_evaluator(desk: AtDesk, evaluator: Id) -> Response:
    """Take an evaluator away; evaluations that had it keep what it said."""
    await desk.write(actions.delete_evaluator, evaluator)
    return answer(Done())
