"""Write the reference pages that are read from the code: `make reference`. A contract test fails when they are stale.

Tables come from the metadata, errors and policies from the source: class, docstring, and the reason beside each policy
in the tuple that orders them. So the only way to change these pages is to change what they describe.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from fastapi import FastAPI
from sqlalchemy import Column, Table

from signoff.api import openapi
from signoff.api.mcp.catalog import read_tools
from signoff.api.mcp.withheld import REASONS, WITHHELD
from signoff.people import levels, roles
from signoff.record import happenings
from signoff.tables.all_tables import TABLES
from signoff.tables.base import Base
from signoff.watch.probes import checklists, registry
from signoff.watch.probes.policy import default_policy

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))  # The tests beside us: the page of acceptance rows is read from them.
SRC = ROOT / "src" / "signoff"
REFERENCE = ROOT / "docs" / "reference"
MADE = "<!-- Made by `make reference` from the code. Change the code. -->\n"
# The part of a request each list of policies surrounds.
LISTS = {"GUARDS": "Guards", "WRAPPERS": "Wrappers"}


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring on one line."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


def cell(text: str) -> str:
    """`text` inside a Markdown table."""
    return text.replace("|", "\\|")


def trees() -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the product."""
    for path in sorted(SRC.rglob("*.py")):
        yield path, ast.parse(path.read_text())


# Tables


def column_facts(column: Column[object]) -> str:
    """What a reader wants to know beyond name and type."""
    facts: list[str] = []
    if column.primary_key:
        facts.append("key")
    facts += [f"→ `{key.target_fullname}`" for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname)]
    if column.nullable:
        facts.append("may be empty")
    if column.unique:
        facts.append("unique")
    return ", ".join(facts)


def tables_page() -> str:
    """docs/reference/tables.md."""
    parts = [
        MADE,
        "# Tables\n",
        "Moments are UTC. Money is whole nano-dollars. Every table that a tenant owns has `workspace_id`.",
    ]
    for module in TABLES:
        room = module.__name__.rsplit(".", 1)[-1]
        parts.append(f"\n## {room}\n\n{first_paragraph(module.__doc__)}")
        mappers = [mapper for mapper in Base.registry.mappers if mapper.class_.__module__ == module.__name__]
        for mapper in sorted(mappers, key=lambda mapper: str(mapper.local_table)):
            table = cast("Table", mapper.local_table)
            parts.append(f"\n### `{table.name}`\n\n{first_paragraph(mapper.class_.__doc__)}\n")
            parts.append("| column | type | |\n|---|---|---|")
            for column in table.columns:
                kind = type(column.type).__name__
                parts.append(f"| `{column.name}` | {kind} | {cell(column_facts(column))} |")
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                names = ", ".join(f"`{part}`" for part in (getattr(e, "name", str(e)) for e in index.expressions))
                parts.append(f"\nIndex{' (unique)' if index.unique else ''}: {names}.")
    return "\n".join(parts) + "\n"


# Errors


def error_classes() -> dict[str, tuple[str, int, str]]:
    """name → (kind, status, meaning) for every subclass of Refusal and Fault."""
    classes = {n.name: n for _, tree in trees() for n in tree.body if isinstance(n, ast.ClassDef)}

    def family(name: str) -> str | None:
        if name in ("Refusal", "Fault"):
            return name
        bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)] if name in classes else []
        return next((kind for base in bases if (kind := family(base))), None)

    def status(name: str) -> int:
        for line in classes[name].body:
            if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and "status" in ast.unparse(line):
                return int(str(line.value.value))
        bases = [base.id for base in classes[name].bases if isinstance(base, ast.Name)]
        return status(bases[0]) if bases and bases[0] in classes else 500

    found: dict[str, tuple[str, int, str]] = {}
    for name, node in classes.items():
        kind = family(name)
        if kind and name not in ("Refusal", "Fault"):
            found[name] = (kind, status(name), first_paragraph(ast.get_docstring(node)))
    return found


def sentence_of(node: ast.expr) -> str:
    """The words of a message as written in the code, with … where a value goes."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(sentence_of(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    return ""


def narrower_codes(names: set[str]) -> dict[str, tuple[str, str]]:
    """code → (class, sentence) for every refusal or fault that is raised with a code of its own."""
    found: dict[str, tuple[str, str]] = {}
    for _, tree in trees():
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).rsplit(".", 1)[-1] in names):
                continue
            for keyword in node.keywords:
                if keyword.arg == "code" and isinstance(keyword.value, ast.Constant):
                    words = sentence_of(node.args[0]) if node.args else ""
                    name = ast.unparse(node.func).rsplit(".", 1)[-1]
                    found.setdefault(str(keyword.value.value), (name, words))
    return found


def codes_of_the_edge() -> dict[str, str]:
    """code → status for what is refused before any room is asked, from `api/problems.py`."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse((SRC / "api" / "problems.py").read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "respond" and len(node.args) > 2:
            status, code = node.args[1:3]
            if isinstance(status, ast.Constant) and isinstance(code, ast.Constant):
                found[str(code.value)] = str(status.value)
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "codes"
            and isinstance(node.value, ast.Dict)
        ):
            known: dict[int, str] = ast.literal_eval(node.value)
            found |= {code: str(status) for status, code in known.items()}
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "codes.get":
            found[str(ast.literal_eval(node.args[1]))] = "other 4xx"
    return found


def code_of(name: str) -> str:
    """The stable code of a class, as signoff.kit.errors makes it."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def errors_page() -> str:
    """docs/reference/errors.md."""
    classes = error_classes()
    listed = {code_of(name) for name in classes}
    parts = [
        MADE,
        "# Errors\n",
        "Every error is `application/problem+json` (RFC 9457) with a stable `code`. A **refusal** is the product",
        "saying no: its `detail` says the fact and the next thing to do. A **fault** is something that broke; it is",
        "recorded, and tried again where that may help.\n",
        "| code | status | kind | meaning |\n|---|---|---|---|",
    ]
    for name, (kind, status, meaning) in sorted(classes.items()):
        # An outside system that failed is 502, and 503 where trying again may help.
        shown = "502, 503" if kind == "Fault" and status == 500 else str(status)
        parts.append(f"| `{code_of(name)}` | {shown} | {kind.lower()} | {cell(meaning)} |")
    parts.append(
        "\n## Before any room is asked\n\nA wrong address or method, a body that does not fit, a bug of ours.\n"
    )
    parts.append("| code | status |\n|---|---|")
    parts += [f"| `{code}` | {status} |" for code, status in sorted(codes_of_the_edge().items()) if code not in listed]
    narrower = narrower_codes({*classes, "Refusal", "Fault"})
    if narrower:
        parts.append("\n## Narrower codes\n\nThe same status as the code they belong to.\n")
        parts.append("| code | belongs to | the sentence |\n|---|---|---|")
        for code, (name, words) in sorted(narrower.items()):
            parts.append(f"| `{code}` | `{code_of(name)}` | {cell(' '.join(words.split()))} |")
    return "\n".join(parts) + "\n"


# Policies


def policy_docs(gateway: Path) -> dict[str, str]:
    """class → docstring for every policy file of one gateway."""
    found: dict[str, str] = {}
    for path in sorted((gateway / "policies").glob("*.py")):
        tree = ast.parse(path.read_text())
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = first_paragraph(ast.get_docstring(node) or ast.get_docstring(tree))
    return found


def ordered(gateway: Path, name: str) -> list[tuple[str, str]]:
    """(class, the reason for its place) in the order of the tuple `name`."""
    for path in sorted(gateway.glob("*.py")):
        text = path.read_text()
        block = re.search(rf"^{name}\b[^=\n]*= \(\n(.*?)^\)", text, re.DOTALL | re.MULTILINE)
        if block:
            lines = re.findall(r"^\s+(\w+)\([^\n#]*\),?[^\S\n]*(?:#[^\S\n]*(.*))?$", block.group(1), re.MULTILINE)
            return [(policy, reason.strip()) for policy, reason in lines]
    return []


def policies_page() -> str:
    """docs/reference/policies.md."""
    parts = [
        MADE,
        "# Policies\n",
        "Every call of a model and every call of a tool passes its gateway. A **guard** reads facts and returns a",
        "verdict; it changes nothing. A **wrapper** surrounds the call. They stand in this order; the verdict, its",
        "policy and its reason are recorded with the step.\n",
        "How to add one: [CONTRIBUTING.md](../../CONTRIBUTING.md#add-a-policy).",
    ]
    for gateway in sorted((SRC / "gateways").iterdir()):
        if not (gateway / "policies").is_dir():
            continue
        docs = policy_docs(gateway)
        for name, title in LISTS.items():
            rows = ordered(gateway, name)
            if rows:
                parts.append(f"\n## {title} of the {gateway.name} gateway\n")
                parts.append("| policy | what it holds | why it stands here |\n|---|---|---|")
                parts += [f"| `{policy}` | {cell(docs.get(policy, ''))} | {cell(why)} |" for policy, why in rows]
    return "\n".join(parts) + "\n"


# Roles


def roles_page() -> str:
    """docs/reference/roles.md."""
    parts = [
        MADE,
        "# Roles\n",
        "`own` means: the agent's owner or backup, the run's requester. What is not listed is refused.\n",
        f"| action | {' | '.join(roles.ROLES)} |",
        "|---" * (len(roles.ROLES) + 1) + "|",
    ]
    for action in roles.ACTIONS:
        reaches = " | ".join(roles.PERMISSIONS[role].get(action, "") for role in roles.ROLES)
        parts.append(f"| `{action}` | {reaches} |")
    parts += roles_of_a_workspace()
    parts.append("\n## Presets of API keys\n\nA key's scopes only ever narrow its role.\n")
    wide = ", ".join(f"`{action}`" for action in roles.ACTIONS if action in roles.WORKSPACE_WIDE)
    parts.append(f"A key that is bound to one environment never may what concerns the whole workspace: {wide}.\n")
    parts.append("| preset | role | may |\n|---|---|---|")
    for preset, (role, scopes) in roles.KEY_PRESETS.items():
        may = ", ".join(f"`{scope}`" for scope in scopes) or "everything the role may"
        parts.append(f"| `{preset}` | {role} | {may} |")
    return "\n".join(parts) + "\n"


def roles_of_a_workspace() -> list[str]:
    """What comes beside the built-in roles: roles of one's own, grants on one agent, and the owner of last resort."""
    ownable = ", ".join(f"`{action}`" for action in roles.ACTIONS if action in roles.OWNABLE)
    emergency = ", ".join(f"`{action}`" for action in roles.ACTIONS if action in roles.EMERGENCY)
    parts = [
        "\n## Roles of a workspace's own\n",
        (
            "Whoever has `role.manage` makes more roles: a name, and for each action `all`, `own` or nothing. "
            "Members and keys carry them as they carry a built-in one. No role reaches further than whoever makes"
            " it, changes it or hands it out, and nobody changes, removes or makes a link for a member who may "
            "more than they do. Every role sees the workspace, and the agents and runs that are its own. "
            "`owner.manage` is the owners' alone. A role that somebody carries cannot be "
            f"deleted. `own` is possible for {ownable}; everything else is all or nothing.\n"
        ),
        "## Levels of a grant on one agent\n",
        (
            "A grant lets one member, or one service account, do more with one agent than their role allows; keys "
            "narrow it as they narrow the role. One may hold several "
            "levels. An editor cannot make a revision live, a deployer cannot change the draft; whoever should do"
            " both gets both levels. Nobody gives a level that includes what they may not do on that agent. Lists"
            " show what role or grant lets one see.\n"
        ),
        f"| action | {' | '.join(levels.LEVELS)} |",
        "|---" * (len(levels.LEVELS) + 1) + "|",
    ]
    for action in roles.ACTIONS:
        if action in levels.GRANTABLE:
            held = " | ".join("yes" if action in levels.LEVEL_ACTIONS[level] else "" for level in levels.LEVELS)
            parts.append(f"| `{action}` | {held} |")
    parts += [
        "\n## Who may make a revision live\n",
        (
            "The right `agent.deploy`, by role, as the agent's owner or backup, or by a grant. Two switches of an"
            " environment ask for more; both are off until somebody with `environment.manage` turns them on.\n"
        ),
        (
            "- **Restricted**: only administrators, and whoever holds the level deployer or admin on the agent. "
            "Being its owner or a manager is not enough there. A key counts as an administrator when it carries "
            "that role: such a key is made by administrators only."
        ),
        (
            "- **Four eyes**: neither whoever froze the revision nor whoever saved its draft since the one before "
            "makes it live there, also not with a key they made. Going back to a revision that somebody else made "
            "live there is not held up.\n"
        ),
        "The first revision of an agent serves at once wherever its author may make it live.\n",
        "## The owner of last resort\n",
        (
            "One owner or administrator is named (at first the founder), who may take emergency action on any "
            f"agent whatever else is said: {emergency}. They can be neither demoted nor removed before another is "
            "named. The last owner can be neither, either; so there is always an administrator."
        ),
    ]
    return parts


# Probes


def probes_page() -> str:
    """docs/reference/probes.md."""
    rules = default_policy().rules
    parts = [
        MADE,
        "# Probes\n",
        "What is asked before a revision serves, and once it does. Each item is judged from facts at the moment it is",
        "asked; it is *true*, *false*, *missing* (there is nothing to judge by), *stale* (measured too long ago),",
        "*waived* or *attested* by a person. Where it **blocks**, false, missing and stale keep the revision out of",
        "production from that risk tier on; below it, and outside production, they warn. **Safety** always blocks in",
        "production and cannot be waived.\n",
        "These are the shipped numbers; a workspace lays its own policy over them:",
        "[say what a release needs](../how-to/say-what-a-release-needs.md).",
    ]
    for group, title in registry.GROUPS.items():
        items = [probe for probe in registry.PROBES if probe.group == group]
        if not items:
            continue
        parts.append(f"\n## {title}\n")
        parts.append(
            "| item | it holds when | blocks from | not older than | why so | asked by |\n|---|---|---|---|---|---|"
        )
        for probe in items:
            rule = rules[probe.id]
            days = f"{rule.fresh_seconds // 86_400} d" if rule.fresh_seconds else ""
            wanted = probe.wanted.replace("{threshold}", rule.bar_text)
            kind = {"unmeasured": " *Not yet measured.*", "attested": " *A person says so.*"}.get(probe.kind, "")
            severity = (
                f"{rule.block_from}{', safety' if probe.is_safety else ''}{', everywhere' if rule.elsewhere else ''}"
            )
            cells = (f"`{probe.id}`<br>{probe.title}", wanted + kind, severity, days, rule.reason, probe.source)
            parts.append(f"| {' | '.join(cell(one) for one in cells)} |")
    return "\n".join([*parts, *checklist_items()]) + "\n"


def checklist_items() -> list[str]:
    """Every item of the checklists with the probes that answer it."""
    parts = ["\n## The checklists, item by item"]
    for document, title in checklists.DOCUMENTS.items():
        parts.append(f"\n### {title}\n\n| line | asks for | answered by |\n|---|---|---|")
        for name, text in checklists.ITEMS.items():
            if name.partition(":")[0] == document:
                answered = ", ".join(f"`{probe.id}`" for probe in registry.PROBES if name in probe.asked)
                parts.append(f"| {name.partition(':')[2]} | {cell(text)} | {answered} |")
    return parts


# Tools


TOOLS_HEAD = """\
Signoff is an MCP server at `/mcp`: streamable HTTP, without sessions, for the protocol of 2026-07-28 and those before.
One POST is one message, and its answer is JSON; GET is 405, there is no stream to listen to. A key opens it as it opens
the API: `Authorization: Bearer so_…` or `x-agent-api-key: so_…`; without one the answer is 401. A message from another
site's page is 403, one under a name that is not ours 400.

A tool is an operation of the [API](api.md), under its name. Its arguments are the operation's parameters and, where
there is one, `body`; the workspace is that of the key. A call is that request: same rights, rates, `Idempotency-Key`,
limits and audit (whose detail says `origin: mcp`). The list holds what the key may use at all. The answer is the
operation's JSON as text, of at most 200,000 bytes; an error is a result with `isError` and the
[problem document](errors.md). How to begin: [use Signoff from a coding agent](../how-to/use-from-a-coding-agent.md).
"""


def tools_page() -> str:
    """docs/reference/mcp.md."""
    app = FastAPI()
    openapi.describe(app)
    tools = read_tools(app.openapi())
    rows = [
        f"| `{tool.name}` | `{tool.method} {tool.path}` | {f'`{tool.needs}`' if tool.needs else ''} |"
        f" {cell(first_paragraph(tool.description))} |"
        for tool in tools.values()
    ]
    parts = [
        MADE,
        "# Tools over MCP\n",
        TOOLS_HEAD,
        f"\n## The tools ({len(tools)})\n\n| tool | operation | needs | does |\n|---|---|---|---|",
        *rows,
        "\n## What is withheld\n",
        "Whoever calls a withheld operation is told `tool_withheld`, with the reason. Over the API or on the page it",
        "is done as ever.\n\n| because | operations |\n|---|---|",
    ]
    for reason, text in REASONS.items():
        names = ", ".join(f"`{name}`" for name, why in WITHHELD.items() if why == reason)
        parts.append(f"| {text} | {names} |")
    return "\n".join(parts) + "\n"


# Acceptance rows


EVENTS_LEAD = (
    "What a [webhook](../how-to/tell-your-programs.md) can be told of. The list is closed: a program is sent a new "
    "kind only after somebody asked for it. Besides these there is `webhook.test`, which somebody sends by hand.\n"
)
EVENTS_BODY = (
    "`id` (the event's, which is also the header `webhook-id`), `type`, `timestamp`, `workspace` (`id`, `slug`) and "
    "`data`: `id` of the run, request, release or alert, `link` to it, `agent` (`id`, `slug`, `name`) and "
    "`environment` where there is one, and what follows. What is not known is left out. A message never holds what "
    "went into a run or came out of it, arguments, reasons, or anything else that somebody wrote."
)


def events_page() -> str:
    """docs/reference/events.md."""
    parts = [MADE, "# Events\n", EVENTS_LEAD, "| event | |\n|---|---|"]
    parts += [f"| `{event}` | {cell(words)} |" for event, words in happenings.EVENT_WORDS.items()]
    parts += ["\n## What a message holds\n", EVENTS_BODY]
    for area, facts in happenings.FACTS.items():
        parts.append(f"\n### `{area}.…`\n\n| in `data` | |\n|---|---|")
        parts += [f"| `{name}` | {cell(words)} |" for name, words in facts.items()]
    return "\n".join(parts) + "\n"


def acceptance_page() -> str:
    """docs/reference/acceptance.md."""
    rows = importlib.import_module("tests.acceptance.rows")
    return f"{MADE}\n{rows.page()}"


PAGES = {
    "acceptance.md": acceptance_page,
    "tables.md": tables_page,
    "errors.md": errors_page,
    "policies.md": policies_page,
    "roles.md": roles_page,
    "probes.md": probes_page,
    "events.md": events_page,
    "mcp.md": tools_page,
}


def main() -> int:
    """Write the pages; say which changed."""
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"Wrote {path.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
