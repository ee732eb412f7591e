"""GET a dataset, one example, all of them as a file; POST examples, changes of them, settings, its end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response, StreamingResponse

from signoff.evaluations.actions import (
    add_example,
    add_examples,
    archive_dataset,
    change_dataset,
    change_example,
    remove_example,
    set_schedule,
)
from signoff.evaluations.example_lines import read_lines
from signoff.web.attempt import attempt
from signoff.web.flash import Flash
from signoff.web.forms import Fields, Form
from signoff.web.house import store_of
from signoff.web.identity import Looker, Looking
from signoff.web.page import Page, see_other
from signoff.web.pages.agent_dataset.form import (
    cap_from,
    every_from,
    expected_from,
    hour_from,
    input_from,
    split_from,
    tolerance_from,
)
from signoff.web.pages.agent_dataset.query import lines, load, load_example

router = APIRouter()
page = Page(__file__)
BASE = "/agents/{agent}/datasets/{dataset_id}"


@router.get(BASE)
def agent_dataset(
    request: Request, looker: Looker, agent: str, dataset_id: str, view: str = "", cursor: str = ""
) -> Response:
    """The page."""
    with store_of(request).read() as session:
        found = load(session, looker.viewer, agent, dataset_id, view=view, cursor=cursor)
    return page.draw(request, "page.html", found)


@router.get(f"{BASE}/export")
def export(request: Request, looker: Looker, agent: str, dataset_id: str) -> Response:
    """Every example as a file of JSON lines, which the same page takes again."""
    store = store_of(request)
    with store.read() as session:
        name = load(session, looker.viewer, agent, dataset_id).facts.slug
    found = lines(store, looker.viewer, dataset_id)
    # Before the answer begins: whoever may not read them is told so, and gets no half of a file.
    first = next(found, "")
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.jsonl"',
        "Cache-Control": "private, no-store",
        "Content-Security-Policy": "sandbox",
    }
    every = itertools.chain((first,), found)
    return StreamingResponse(every, media_type="application/jsonl; charset=utf-8", headers=headers)


@router.post(f"{BASE}/examples")
def add(request: Request, looker: Looker, agent: str, dataset_id: str, fields: Fields) -> Response:
    """Add one example."""

    def work(session: Session) -> None:
        add_example(
            session, looker.viewer, dataset_id, input=input_from(fields), expected=expected_from(fields),
            is_critical=fields.is_on("is_critical"), split=split_from(fields), note=fields.text("note"),
        )  # fmt: skip

    return _do(request, looker, agent, dataset_id, "one", fields, work, Flash("The example is added"))


@router.post(f"{BASE}/lines")
def add_lines(request: Request, looker: Looker, agent: str, dataset_id: str, fields: Fields) -> Response:
    """Add many, one on each line: all of them, or none."""
    made: list[str] = []

    def work(session: Session) -> None:
        made.extend(add_examples(session, looker.viewer, dataset_id, read_lines(fields.text("lines")).or_refuse()))

    refused = attempt(request, work)
    if refused is not None:
        return _refused(request, looker, agent, dataset_id, "many", fields, refused)
    number = "1 example is" if len(made) == 1 else f"{len(made)} examples are"
    return see_other(request, looker.chrome.href(f"/agents/{agent}/datasets/{dataset_id}"), Flash(f"{number} added"))


@router.post(f"{BASE}/settings")
def settings(request: Request, looker: Looker, agent: str, dataset_id: str, fields: Fields) -> Response:
    """Change its name, whether it is golden, what is tolerated."""

    def work(session: Session) -> None:
        change_dataset(
            session, looker.viewer, dataset_id, name=fields.text("name"), description=fields.text("description"),
            is_golden=fields.is_on("is_golden"), tolerance=tolerance_from(fields),
        )  # fmt: skip

    return _do(request, looker, agent, dataset_id, "settings", fields, work, Flash("Saved"))


@router.post(f"{BASE}/schedule")
def schedule(request: Request, looker: Looker, agent: str, dataset_id: str, fields: Fields) -> Response:
    """Have it evaluated by itself, or no longer."""
    every, each = every_from(fields), fields.is_on("is_of_each_revision")

    def work(session: Session) -> None:
        set_schedule(
            session, looker.viewer, dataset_id, every=every, at_hour=hour_from(fields), is_of_each_revision=each,
            environment=fields.text("environment"), cap_usd=cap_from(fields),
        )  # fmt: skip

    flash = Flash("It is evaluated by itself" if every or each else "It is evaluated only when somebody asks")
    return _do(request, looker, agent, dataset_id, "schedule", fields, work, flash)


@router.post(f"{BASE}/archive")
def archive(request: Request, looker: Looker, agent: str, dataset_id: str, fields: Fields) -> Response:
    """Put it away."""

    def work(session: Session) -> None:
        archive_dataset(session, looker.viewer, dataset_id)

    flash = Flash("The dataset is archived", "Nothing is evaluated on it any more; what was stays readable.")
    return _do(request, looker, agent, dataset_id, "archive", fields, work, flash, f"/agents/{agent}/evaluations")


@router.get(f"{BASE}/examples/{{example_id}}")
def example(request: Request, looker: Looker, agent: str, dataset_id: str, example_id: str) -> Response:
    """One example."""
    with store_of(request).read() as session:
        found = load_example(session, looker.viewer, agent, dataset_id, example_id)
    return page.draw(request, "example.html", found)


@router.post(f"{BASE}/examples/{{example_id}}")
def change(request: Request, looker: Looker, agent: str, dataset_id: str, example_id: str, fields: Fields) -> Response:
    """Put a changed one in its place."""
    made: list[str] = []

    def work(session: Session) -> None:
        changes: dict[str, Any] = {
            "input": input_from(fields), "expected": expected_from(fields), "is_critical": fields.is_on("is_critical"),
            "split": split_from(fields), "note": fields.text("note").strip(),
        }  # fmt: skip
        made.append(change_example(session, looker.viewer, dataset_id, example_id, changes))

    if refusal := attempt(request, work):
        with store_of(request).read() as session:
            found = load_example(
                session, looker.viewer, agent, dataset_id, example_id, form=fields, problem=refusal.detail,
                errors=refusal.errors,
            )  # fmt: skip
        return page.draw(request, "example.html", found, status=refusal.status)
    is_same = made[-1] == example_id
    flash = Flash(
        "Nothing was changed" if is_same else "Saved", "" if is_same else "It is a new version of the dataset."
    )
    return see_other(request, looker.chrome.href(f"/agents/{agent}/datasets/{dataset_id}/examples/{made[-1]}"), flash)


@router.post(f"{BASE}/examples/{{example_id}}/remove")
def remove(request: Request, looker: Looker, agent: str, dataset_id: str, example_id: str, fields: Fields) -> Response:
    """Take it out."""

    def work(session: Session) -> None:
        remove_example(session, looker.viewer, dataset_id, example_id)

    flash = Flash("The example is taken out", "Older versions of the dataset still have it.")
    return _do(request, looker, agent, dataset_id, "remove", fields, work, flash)


def _do(
    request: Request,
    looker: Looking,
    agent: str,
    dataset_id: str,
    form: str,
    fields: Form,
    work: Callable[[Session], None],
    flash: Flash,
    to: str = "",
) -> Response:
    if refusal := attempt(request, work):
        return _refused(request, looker, agent, dataset_id, form, fields, refusal)
    return see_other(request, looker.chrome.href(to or f"/agents/{agent}/datasets/{dataset_id}"), flash)


def _refused(
    request: Request, looker: Looking, agent: str, dataset_id: str, form: str, fields: Form, refusal: Any
) -> Response:
    with store_of(request).read() as session:
        found = load(
            session, looker.viewer, agent, dataset_id, form=fields, refused=form, problem=refusal.detail,
            errors=refusal.errors,
        )  # fmt: skip
    return page.draw(request, "page.html", found, status=refusal.status)
