"""A run in a person's words: what kept it, what to do next, where it came from. For every page that shows runs."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.runs.views import RunRow

SOURCES: dict[str, tuple[str, str]] = {
    "manual": ("By hand", "hand"),
    "api": ("API", "square-terminal"),
    "orchestration": ("Orchestration", "workflow"),
    "cli": ("Command line", "terminal"),
    "demo": ("Demo", "mail"),
    "replay": ("Replay", "history"),
    "schedule": ("Schedule", "clock"),
    "webhook": ("Webhook", "webhook"),
    "trigger": ("Trigger", "zap"),
}
STATES = (
    ("queued", "Queued"),
    ("running", "Running"),
    ("waiting", "Waiting"),
    ("completed", "Completed"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
    ("rejected", "Rejected"),
)


@dataclass(frozen=True, slots=True)
class Next:
    """What a person would do now. `path` lies below the workspace; empty when nothing has to be clicked."""

    text: str
    link: str = ""
    path: str = ""


_CONNECTIONS = ("Check the connection, then run it again.", "Open connections", "/connections")
_PROVIDER = ("Run it again when the provider answers, or name a fallback model in the agent.", "", "")


def _in_agent(text: str) -> tuple[str, str, str]:
    return text, "Open the agent", "agent"


_MEND = ("Open the step that failed, mend the cause, then run it again.", "", "")
# Each pot has a code of its own: run_, day_, environment_budget_exceeded and more.
_NO_MONEY = _in_agent("Raise the cap of the agent or of the day, then run it again.")


_NEXT: dict[str, tuple[str, str, str]] = {
    "provider_key_refused": ("Set the right key where Signoff runs, restart it, then run this again.", "", ""),
    "provider_not_configured": ("Set the provider's key where Signoff runs, or choose another model.", "", ""),
    "provider_quota_used_up": ("Top up the account at the provider, then run it again.", "", ""),
    "provider_unreachable": _PROVIDER,
    "provider_timed_out": _PROVIDER,
    "provider_outage": _PROVIDER,
    "provider_rate_limited": _PROVIDER,
    "model_not_found": _in_agent("Name a model the provider has, in the agent's settings."),
    "unknown_provider": _in_agent("Name a model as provider:model, in the agent's settings."),
    "malformed_output": _in_agent("Open the last model step to see what it answered; then make the SOP clearer."),
    "answer_cut_off": _in_agent("Let the model answer at more length, or ask for less in the SOP; then run it again."),
    "context_too_long": _in_agent("Ask for less per call in the SOP, or choose a model that reads more."),
    "turn_limit": _in_agent("Raise the limit of turns if the work needs it, or shorten the SOP."),
    "token_limit": _in_agent("Raise the limit of tokens if the work needs it."),
    "tool_call_limit": _in_agent("Raise the limit of tool calls if the work needs it."),
    # The same limits, met at the gateways.
    "turns_exceeded": _in_agent("Raise the limit of turns if the work needs it, or shorten the SOP."),
    "tokens_exceeded": _in_agent("Raise the limit of tokens if the work needs it."),
    "tool_calls_exceeded": _in_agent("Raise the limit of tool calls if the work needs it."),
    "too_many_tool_calls": _in_agent("Ask in the SOP for fewer calls at once."),
    "loop": _in_agent("It repeated itself. Say in the SOP what to do when a tool gives no answer."),
    "repeated_call": _in_agent("It repeated itself. Say in the SOP what to do when a tool gives no answer."),
    "tool_missing": ("Set up what its revision needs, then run it again.", "Open connections", "/connections"),
    "not_granted": _in_agent("Allow the tool in a new revision, or leave it out of the SOP."),
    "stale_connection": _CONNECTIONS,
    "handover": _in_agent("Finish the hand-over, then run it again."),
    "agent_disabled": _in_agent("Enable the agent, then run it again."),
    "deadline_passed": _in_agent("Raise the time limit if the work needs it."),
    "ran_too_long": ("Open its last step to see what it was doing.", "", ""),
    "volume_cap": _in_agent("Wait for its next period, or raise the cap in a new revision."),
    "value_not_allowed": _in_agent("Add the value to the list in a new revision if it is right."),
    "precondition_unmet": _in_agent("Say in the SOP what has to be done before."),
    "window_never_opens": _in_agent("Open its window on some day, in a new revision."),
    "frozen": ("Lift the freeze when the outside is safe again, then run it again.", "", ""),
    "engine_fault": ("The worker's log has the details. Run it again; if it comes back, report it.", "", ""),
    "gateway_failed": ("The worker's log has the details. Run it again; if it comes back, report it.", "", ""),
    "not_recorded": ("The agent went another way than the recording. Run it again for real.", "", ""),
}  # fmt: skip


# What a run waits for from people: a request stands in the inbox of whoever is asked.
_ASKED = {
    "approval": "Somebody who is asked decides; the run goes on by itself.",
    "question": "Somebody who is asked answers; the run goes on by itself.",
    "login": "Somebody signs the connection in, and says so; the run goes on by itself.",
    "budget": "Somebody raises the budget of the run, or ends it.",
}


def next_of(run: RunRow) -> Next | None:
    """Return what to do about a run now; None when there is nothing to do."""
    if run.state == "waiting":
        return _of_waiting(run)
    if run.state in ("failed", "rejected") or run.code == "answer_cut_off":
        return _of_failed(run)
    if run.state == "cancelled":
        return Next("Run it again if it is still wanted.")
    return None


def _of_waiting(run: RunRow) -> Next:
    if run.waiting_for == "reconciliation":
        return Next("Look there, and say what you found: the run goes on by itself.", "Settle it", "/reconciliation")
    if run.waiting_for in _ASKED:
        return Next(_ASKED[run.waiting_for], "Open the request", f"/inbox?whose=all&run={run.id}")
    if run.waiting_for == "sub_agent":
        return Next("It goes on by itself when the other agent is done; what that one waits for stands below.")
    if run.waiting_for == "window":
        return Next("It goes on by itself at its time, and nothing runs until then. Cancel it to have it never done.")
    if run.waiting_for == "provider":
        return Next("It tries again by itself. Cancel it if the answer is no longer wanted.")
    return Next("A worker takes it up in a moment.")


def _of_failed(run: RunRow) -> Next:
    code = run.code or ""
    if code.startswith("connector_"):
        return Next(*_CONNECTIONS)
    otherwise = _NO_MONEY if code.endswith("budget_exceeded") else _MEND
    text, link, path = _NEXT.get(code, otherwise)
    return Next(text, link, f"/agents/{run.agent_slug}" if path == "agent" else path)


def failed_at(step: str | None) -> str:
    """Return the name of the step a run failed at: `erp.post_bill`, or for a model call its place."""
    if step and step.startswith("m:"):
        return f"model call {step.rsplit(':', 1)[-1]}"
    return step or ""


def reason_of(run: RunRow) -> str:
    """Return why a run is where it is, in one line; empty when there is nothing to say."""
    if run.state == "running":
        return "Being cancelled" if run.is_cancel_requested else ""
    if run.state not in ("failed", "waiting", "cancelled", "rejected"):
        return ""
    return " ".join((run.reason or "").split())
