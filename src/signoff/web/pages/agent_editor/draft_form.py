"""A draft as the fields of a form, and back. What the form does not know of a draft stays in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, cast

from signoff.agents.body import EFFECTS, Limits, ModelSettings, Retry
from signoff.agents.rules import Rules
from signoff.web.forms import Form, NotJson, json_text, parse_json
from signoff.web.pages.agent_editor.sub_agents import entries_from

LIMITS = tuple(Limits.model_fields)
SETTINGS = tuple(ModelSettings.model_fields)
SCHEMAS = ("input_schema", "output_schema")
FLOW: str = Rules().flow
DEFAULTS = {
    # Of some the content of a draft says nothing while they are what they are by default.
    **{f"limit-{name}": str(getattr(Limits(), name)) for name in Limits.quiet},
    **{f"limit-{name}": str(value) for name, value in Limits().model_dump(mode="json").items()},
    **{f"set-{name}": "" if value is None else str(value) for name, value in ModelSettings().model_dump().items()},
    "max_retries": str(Retry().max_retries),
}
_WHOLE, _DECIMAL = re.compile(r"-?\d{1,18}"), re.compile(r"-?\d{0,18}\.\d{1,12}")


@dataclass(frozen=True, slots=True)
class DraftFields:
    """What the form shows of a draft; every value as the text a person edits."""

    sop: str
    model: str
    fallbacks: str
    settings: Mapping[str, str]
    max_retries: str
    on_outage: str
    is_cached: bool
    limits: Mapping[str, str]
    schemas: Mapping[str, str]
    secrets: tuple[str, ...]
    memory: str
    flow: str = "recommended"


def fields_of(body: Mapping[str, Any]) -> DraftFields:
    """Return the fields of a draft, however wrong it is."""
    model, limits = _dict(body.get("model")), _dict(body.get("limits"))
    settings, retry = _dict(model.get("settings")), _dict(model.get("retry"))
    fallbacks, secrets = model.get("fallbacks"), body.get("secrets")
    return DraftFields(
        sop=_text(body.get("sop")),
        model=_text(model.get("name")),
        fallbacks="\n".join(map(_text, cast("list[Any]", fallbacks))) if isinstance(fallbacks, list) else "",
        settings={name: _text(settings.get(name)) for name in SETTINGS},
        max_retries=_text(retry.get("max_retries")),
        on_outage=_text(model.get("on_outage")) or "fail",
        is_cached=model.get("cache") is True,
        limits={name: _text(limits.get(name)) for name in LIMITS},
        schemas={name: _schema_text(body.get(name)) for name in SCHEMAS},
        secrets=tuple(map(_text, cast("list[Any]", secrets))) if isinstance(secrets, list) else (),
        flow=_text(_dict(body.get("rules")).get("flow")) or FLOW,
        memory=_text(_dict(body.get("memory")).get("scope") or "person") if body.get("memory") is not None else "",
    )


def _dict(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json_text(value)


def _schema_text(value: Any) -> str:
    # A text is a schema that is not JSON yet: it is shown as it was typed.
    return "" if value is None else value if isinstance(value, str) else json_text(value)


def body_from(form: Form, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the draft that a form describes, on top of `base`. Nothing typed is lost: what cannot be read as a number
    or as JSON is kept as the text it is, and the checks say so."""
    body = deepcopy(dict(base))
    body["sop"] = form.text("sop")
    body["model"] = _model(form, _dict(body.get("model")))
    body["limits"] = _numbers(form, "limit-", LIMITS, _dict(body.get("limits")))
    for name in SCHEMAS:
        text = form.text(name)
        value = parse_json(text) if text.strip() else None
        _put(body, name, text if isinstance(value, NotJson) else value)
    body["secrets"] = list(form.texts("secret"))
    if "flow" in form and isinstance(body.get("rules", {}), dict):
        rules = _dict(body.get("rules"))
        _put(rules, "flow", None if form.text("flow") == FLOW else form.text("flow"))
        _put(body, "rules", rules or None)
    if "memory" in form:
        scope = form.text("memory")
        _put(body, "memory", {**_dict(body.get("memory")), "scope": scope} if scope else None)
    if "tools" in form:
        value = parse_json(form.text("tools"))
        body["tools"] = form.text("tools") if isinstance(value, NotJson) else value
    elif "tools-shown" in form:
        body["tools"] = _tools(form, body.get("tools"))
    if "sub_agents" in form:
        value = parse_json(form.text("sub_agents"))
        body["sub_agents"] = form.text("sub_agents") if isinstance(value, NotJson) else value
    elif "sub_agents-shown" in form:
        found = entries_from(form, body.get("sub_agents"))
        _put(body, "sub_agents", found if found or "sub_agents" in body else None)
    return body


def _model(form: Form, model: dict[str, Any]) -> dict[str, Any]:
    model["name"] = form.text("model").strip()
    model["fallbacks"] = [line.strip() for line in form.text("fallbacks").splitlines() if line.strip()]
    _put(model, "settings", _numbers(form, "set-", SETTINGS, _dict(model.get("settings"))) or None)
    retry = _dict(model.get("retry"))
    _put(retry, "max_retries", _number(form.text("max_retries")))
    _put(model, "retry", retry or None)
    model["on_outage"] = form.text("on_outage", "fail")
    model["cache"] = form.is_on("cache")
    return model


def _numbers(form: Form, prefix: str, names: tuple[str, ...], found: dict[str, Any]) -> dict[str, Any]:
    for name in names:
        if prefix + name not in form:
            continue
        text = form.text(prefix + name)
        # Money is a text in JSON, so that no float rounds it.
        _put(found, name, text.strip() or None if name == "cost_usd" else _number(text))
    return found


def _number(text: str) -> Any:
    plain = text.strip()
    if _WHOLE.fullmatch(plain):
        return int(plain)
    return float(plain) if _DECIMAL.fullmatch(plain) else plain or None


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        found.pop(name, None)
    else:
        found[name] = value


def _tools(form: Form, before: Any) -> list[dict[str, Any]]:
    """Return the allow-lists: the slots in the order shown, with what the form does not show of an entry kept, and
    the entries that it does not show at all."""
    old_slots = {slot["slot"]: slot for slot in well_formed_slots(before) or []}
    # A page that says nothing of single rows shows them all.
    shown = set(form.texts("tool-shown")) if form.text("tools-shown") == "rows" else None
    ticked: dict[str, list[str]] = {}
    for both in form.texts("allow"):
        slot, _, tool = both.partition(".")
        if slot and tool and tool not in ticked.setdefault(slot, []):
            ticked[slot].append(tool)
    for slot, old in old_slots.items():
        names = [entry["tool"] for entry in old.get("allow", [])]
        unseen = [name for name in names if shown is not None and f"{slot}.{name}" not in shown]
        if unseen:
            ticked[slot] = [*unseen, *ticked.get(slot, [])]
    order = [*(slot for slot in form.texts("slot") if slot in ticked), *ticked]
    found: list[dict[str, Any]] = []
    for slot in dict.fromkeys(order):
        old = old_slots.get(slot, {})
        entries = {entry["tool"]: entry for entry in old.get("allow", [])}
        kept = [*(tool for tool in entries if tool in ticked[slot]), *ticked[slot]]
        allow = [
            entries[tool]
            if shown is not None and f"{slot}.{tool}" not in shown
            else _tool(form, slot, tool, entries.get(tool, {}))
            for tool in dict.fromkeys(kept)
        ]
        found.append({**old, "slot": slot, "allow": allow})
    return found


def _tool(form: Form, slot: str, tool: str, old: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {**old, "tool": tool}
    both = f"{slot}.{tool}"
    effect, args = form.text(f"effect.{both}"), form.text(f"args.{both}")
    _put(entry, "effect", effect if effect in EFFECTS else None)
    _put(entry, "max_calls", _number(form.text(f"max.{both}")))
    value = parse_json(args) if args.strip() else None
    _put(entry, "args", args if isinstance(value, NotJson) else value)
    return entry


def well_formed_slots(tools: Any) -> list[dict[str, Any]] | None:
    """Return the slots of a draft when the form can show them; None when only their JSON can be."""
    if tools is None:
        return []
    if not isinstance(tools, list):
        return None
    slots = [_dict(slot) for slot in cast("list[Any]", tools)]
    names = [slot.get("slot") for slot in slots]
    if not all(isinstance(name, str) and "." not in name for name in names) or len(set(map(str, names))) != len(names):
        return None
    for slot in slots:
        allow = slot.get("allow", [])
        if not isinstance(allow, list):
            return None
        entries = [_dict(entry).get("tool") for entry in cast("list[Any]", allow)]
        if not all(isinstance(tool, str) for tool in entries) or len(set(map(str, entries))) != len(entries):
            return None
    return slots
