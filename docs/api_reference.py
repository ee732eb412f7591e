"""Makes docs/reference/api.md from the API's own description: `python docs/api_reference.py`. A test compares."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from signoff.api import openapi

PAGE = Path(__file__).parent / "reference" / "api.md"
HEAD = """# API

Made from the code (`python docs/api_reference.py`); the whole description, with every shape, is served at
`/v1/openapi.json`.

**Who calls.** `Authorization: Bearer so_…` or `x-agent-api-key: so_…`; our own pages use their session. Without
either: 401 `AGENT_API_KEY_MISSING`; with one that is wrong, revoked or expired: 401 `AGENT_API_KEY_INVALID`. What
belongs to another workspace is 404. `x-user-role` may name a lesser role for one request; it never adds a right.

**Errors** are problem documents (RFC 9457) with a stable `code`; [errors](errors.md) lists them. A field that does
not fit is 422 with `errors`, a body that is no JSON 400, a body that is not sent as JSON 415. JSON is read
strictly: UTF-8, no name twice, no NaN, at most 60 deep, numbers within 64 bits, no NUL.

**Lists** are `{items, next_cursor}`, newest first; pass `cursor` and `size` (1 to 200, 30 unless said).

**Repeating.** A POST that starts or creates something takes an `Idempotency-Key`: the same key with the same body
is done once and answered alike for 24 hours; with another body it is 409 `key_reused`.

**Rates.** `RateLimit-Limit`, `-Remaining`, `-Reset` come with every answer; 429 carries `Retry-After`.

**Waiting.** `:execute` answers 202 and `Location`, or with `"wait": true` (or seconds) 200 once the run is over. A
run that was refused before it started is recorded as `rejected` and answered 402 (budget) or 409, with its id as
`run`.

**Events.** `GET …/runs/{run}/events` is a server-sent event stream: `run`, `step`, `text`, and one `done` or
`error`. `Last-Event-ID` resumes it.

**The orchestration form** (`/v1/orchestrations/…`) is for clients that choose their own run ids. Its `retryPolicy`
is checked against its bounds; what holds for a run is the policy in its agent's revision. Its errors also carry
`ok: false` and `error`.

"""


def page() -> str:
    """Return the page."""
    app = FastAPI()
    openapi.describe(app)
    by_tag: dict[str, list[str]] = {}
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            summary = str(operation.get("description", "")).split("\n")[0]
            needs = f"`{operation['x-needs']}`" if operation["x-needs"] else ""
            row = f"| `{method.upper()} {path}` | {needs} | {summary} |"
            by_tag.setdefault(operation["tags"][0], []).append(row)
    parts = [
        f"## {tag.capitalize()}\n\n| operation | needs | does |\n|---|---|---|\n" + "\n".join(rows) + "\n"
        for tag, rows in by_tag.items()
    ]
    return HEAD + "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
