"""`signoff datasets`: what an agent is asked and what is right, in and out as JSON lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from signoff.cli.evaluation_desks import dataset_of, desk
from signoff.cli.exits import OK, USAGE, Stop, say
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="What an agent is asked and what is right; revisions are tried on it.")

_Agent = Annotated[str, typer.Argument(help="The agent, by its name in addresses.")]
_Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Its name in addresses, or its id.")]
_COLUMNS = ("slug", "name", "is_golden", "examples", "critical", "version")
_BYTES_MAX = 50_000_000


@app.command("list")
def list_datasets(
    agent: _Agent,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List the datasets of an agent, golden ones first."""
    with desk(url, key, workspace, data) as at:
        show(at.datasets(agent), as_json=as_json, columns=_COLUMNS)
    return OK


@app.command("show")
def show_dataset(
    agent: _Agent,
    dataset: _Dataset,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Show a dataset with its examples."""
    with desk(url, key, workspace, data) as at:
        facts = dataset_of(at.datasets(agent), dataset)
        examples = list(at.examples(facts["id"]))
    if as_json:
        show({**facts, "items": examples}, as_json=True)
        return OK
    show(examples, as_json=False, columns=("id", "is_critical", "split", "title", "expected"))
    say(f"{facts['name']}, version {facts['version']}: {facts['examples']} examples, {facts['critical']} critical.")
    return OK


@app.command("create")
def create_dataset(
    agent: _Agent,
    name: Annotated[str, typer.Argument(help="What people call it.")],
    golden: Annotated[bool, typer.Option("--golden", help="Releases look at what a revision came to on it.")] = False,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Make a dataset; print its id."""
    with desk(url, key, workspace, data) as at:
        print(at.create(agent, name, is_golden=golden))
    return OK


@app.command("add")
def add_example(
    agent: _Agent,
    dataset: _Dataset,
    given: Annotated[str | None, typer.Option("--input", "-i", help="What is asked: JSON, or a text.")] = None,
    expected: Annotated[str | None, typer.Option("--expected", help="What is right: JSON, or a text.")] = None,
    run: Annotated[str | None, typer.Option("--run", help="A run that is over, instead: its input and output.")] = None,
    critical: Annotated[bool, typer.Option("--critical", help="A revision that does it worse does not ship.")] = False,
    holdout: Annotated[bool, typer.Option("--holdout", help="Kept aside while the SOP is written.")] = False,
    note: Annotated[str, typer.Option("--note", help="Why it is worth keeping.")] = "",
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Add one example, or a run as one; print its id."""
    from signoff.evaluations.actions import NewExample

    if (given is None) == (run is None) or (run is not None and (expected is not None or holdout)):
        raise Stop(USAGE, "Give --input, with --expected if something exact is right; or --run alone.")
    with desk(url, key, workspace, data) as at:
        dataset_id = dataset_of(at.datasets(agent), dataset)["id"]
        if run is not None:
            print(at.add_run(dataset_id, run, is_critical=critical, note=note))
        else:
            right = None if expected is None else _value(expected)
            new = NewExample(_value(given or ""), right, critical, "holdout" if holdout else "dev", (), note)
            print(at.add(dataset_id, [new])[0])
    return OK


@app.command("export")
def export_examples(
    agent: _Agent,
    dataset: _Dataset,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Print every example as a line of JSON, which `import` takes."""
    from signoff.evaluations.actions import NewExample
    from signoff.evaluations.example_lines import write_line

    names = ("input", "expected", "is_critical", "split", "tags", "note")
    with desk(url, key, workspace, data) as at:
        for one in at.examples(dataset_of(at.datasets(agent), dataset)["id"]):
            # Escaped, so that nothing somebody wrote into an example is obeyed by a terminal.
            print(json.dumps(json.loads(write_line(NewExample(**{name: one[name] for name in names})))))
    return OK


@app.command("import")
def import_examples(
    agent: _Agent,
    dataset: _Dataset,
    file: Annotated[Path, typer.Argument(help="JSON lines, or - for standard input.")],
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Add every line of a file as an example: all of them, or none. Ends with 12 and each bad line."""
    from signoff.evaluations.example_lines import read_lines

    new = read_lines(_text(file)).or_refuse()
    with desk(url, key, workspace, data) as at:
        made = at.add(dataset_of(at.datasets(agent), dataset)["id"], new)
    say(f"{len(made)} example{'' if len(made) == 1 else 's'} added.")
    return OK


def _value(text: str) -> Any:
    """Return JSON as its value, and what does not begin like it as a text."""
    try:
        return json.loads(text)
    except ValueError:
        if text[:1] in ("{", "[", '"'):
            raise Stop(USAGE, "It begins like JSON and is none. Quote it for your shell.") from None
        return text


def _text(file: Path) -> str:
    try:
        found = sys.stdin.read(_BYTES_MAX + 1) if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(USAGE, f"{file} cannot be read: {type(error).__name__}.") from error
    if len(found) > _BYTES_MAX:
        raise Stop(USAGE, "The file is larger than 50 MB.")
    return found
