"""An agent with revisions, a dataset of it, and runs that are over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from signoff.evaluations.actions import NewExample, add_examples, create_dataset, request_evaluation
from signoff.evaluations.queries import dataset, examples_page
from signoff.evaluations.views import DatasetFacts, ExampleFacts
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.runs.actions import request_run
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.releases.kit_releases import World, world


@dataclass(frozen=True)
class Desk:
    """A world, and one golden dataset of its agent."""

    world: World
    dataset_id: str

    @property
    def store(self) -> Store:
        """Return where all of it is."""
        return self.world.store

    def do(self, verb: Any, *args: Any, who: Principal | None = None, **more: Any) -> Any:
        """Let somebody do something to the dataset."""
        with self.store.write() as session:
            return verb(session, who or self.world.ann, self.dataset_id, *args, **more)

    def fill(self, number: int = 2, **more: Any) -> list[str]:
        """Add examples; return their ids."""
        new = [NewExample({"question": f"number {one}"}, f"answer {one}", **more) for one in range(number)]
        found: list[str] = self.do(add_examples, new)
        return found

    def ask(self, revision: int | None = 2, who: Principal | None = None, **more: Any) -> str:
        """Ask for an evaluation; return its id."""
        with self.store.write() as session:
            return request_evaluation(
                session, who or self.world.ann, self.world.agent_id, self.dataset_id, revision=revision, **more
            )

    def facts(self) -> DatasetFacts:
        """Return the dataset."""
        with self.store.read() as session:
            return dataset(session, self.world.ann, self.dataset_id)

    def examples(self, **more: Any) -> list[ExampleFacts]:
        """Return what is in it."""
        with self.store.read() as session:
            return list(examples_page(session, self.world.ann, self.dataset_id, **more).rows)

    def ended_run(self, *, output: Any = "42", state: str = "completed") -> str:
        """Make a run that is over; return its id."""
        with self.store.write() as session:
            run = request_run(session, self.world.ann, agent=self.world.agent_id, input={"question": "six by nine"})
            end_run(session, run.id, output=output, state=state)
        return run.id


def end_run(session: Session, run_id: str, *, output: Any, state: str = "completed") -> None:
    """End a run, as the engine would."""
    session.execute(update(Run).where(Run.id == run_id).values(state=state, output=output, ended_at=clock.now()))


def desk(store: Store, **more: Any) -> Desk:
    """Make one."""
    made = world(store, revisions=3, **more)
    with store.write() as session:
        return Desk(made, create_dataset(session, made.ann, made.agent_id, name="Golden cases", is_golden=True))
