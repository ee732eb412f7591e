"""Options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Url = Annotated[
    str | None, typer.Option("--url", envvar="SIGNOFF_URL", help="A running Signoff; left out, the database is used.")
]
Key = Annotated[str | None, typer.Option("--key", envvar="SIGNOFF_KEY", help="An API key for --url.", show_envvar=True)]
Workspace = Annotated[
    str | None,
    typer.Option("--workspace", "-w", help="The workspace's slug; needed when there are several."),
]
DataDir = Annotated[
    Path | None, typer.Option("--data", help="The data folder, instead of SIGNOFF_DATA_DIR.", show_default=False)
]
