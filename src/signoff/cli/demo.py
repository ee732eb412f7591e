"""`signoff demo`: an agent at work on a mailbox, in the browser, without a key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signoff.cli.local import settings_for
from signoff.cli.options import DataDir


def demo(
    mail: Annotated[Path | None, typer.Option("--mail", help="A folder of messages, a Maildir or an mbox.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="A real model, as provider:name.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many messages.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Where the pages are served.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser.")] = False,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the pages.")] = True,
    exit_when_done: Annotated[bool, typer.Option("--exit", help="End when every message is handled.")] = False,
    data: DataDir = None,
) -> int:
    """Open the product with an agent at work on a sample mailbox, or on your own folder of mail."""
    from signoff.demo.play import run_demo
    from signoff.kit.logs import set_up_logs

    settings = settings_for(data)
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    set_up_logs(settings.log_format, "warning")
    return run_demo(
        settings,
        mail=mail,
        model=model,
        limit=limit,
        open_browser=open_browser,
        serve=serve,
        exit_when_done=exit_when_done,
    )
