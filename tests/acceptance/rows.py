"""The rows of the acceptance tables that are to be had so far: what each demands, and what is left open of it.

D, F, A and C stand for the operating guides the rows come from. A row is checked by every test of this folder that
carries its id. `without` says which part of a row the product does not have, `missing` why there is no check at all.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

SYSTEMS = {"D": "Duvo", "F": "Fruxon", "A": "Agento", "C": "Checklist"}
_CHECK = re.compile(r"^test_((?:[dfac][0-9]+_)+)")


@dataclass(frozen=True)
class Row:
    """One row. Its check fails when what it demands does not hold."""

    id: str
    demands: str
    without: str = ""
    missing: str = ""


ROWS = (
    Row("D1", "an SOP is created, edited and read back, and the model reads the edited one"),
    Row("D2", "two edits make revisions n and n+1; n stays as it is, byte for byte"),
    Row("D3", "a revision has a name and a note; a name of 81 characters is refused"),
    Row("D4", "of callers that promote at the same moment one wins, the others get 409"),
    Row("D5", "a newer or older revision can be promoted; promoting the live one is 409"),
    Row("D6", "a run in flight keeps its revision over a promotion"),
    Row("D7", "a diff of two revisions lists each field that changed, and no other"),
    Row("D8", "one call goes back, in effect within five seconds, with its reason on record"),
    Row("D9", "a run by hand on a revision that is not live records it, and its page says so"),
    Row("D10", "what is unmet keeps a release back; a waiver takes a name and a reason, and lapses"),
    Row("D11", "two completed runs of this revision are too few, the third turns the item"),
    Row("D12", "the gate has to be seen approved and denied, and the denied run handled"),
    Row("D13", "an error nobody has looked at keeps a release back, until somebody has"),
    Row("D14", "known gaps are written down with the revision, by somebody else than its author"),
    Row("D15", "what another environment uses, or a person owns, is red"),
    Row("D16", "a secret that is not granted, or is a person's own, is red"),
    Row("D17", "an outward tool that nobody is asked about is named, and keeps the release back"),
    Row("D18", "measured cost times expected frequency over the budget is red"),
    Row("D19", "a duration beyond what was promised is red"),
    Row("D20", "an agent has an owner and another backup, a manager at least; a release waits until the owner accepts"),
    Row("D21", "what one would go back to is kept with the release, and tried with a click"),
    Row("D22", "switching a connection off flips exactly its item, with a link"),
    Row("D23", "a critical case of the golden dataset that gets worse keeps a release back"),
    Row("D24", "who wrote or asked for what is critical does not sign it; somebody else does, having read this diff"),
    Row("D25", "a call that pins a revision gets it, and the figures are kept apart by revision"),
    Row("D26", "a share of the runs goes to the candidate, each key stays; a worse one is taken away by itself"),
    Row("D27", "in the shadow every write is recorded and none is made"),
    Row("D28", "the days in the shadow are counted; where five are asked for, it does not go live before the fifth"),
    Row("D29", "a release set for a moment happens then, and can be called off before"),
    Row("D47", "the write after the cap is refused and logged in so many words, and the agent is told"),
    Row("D48", "a write outside its hours is put off to the next opening, with the time told; inside it is made"),
    Row("D49", "at a run's limit it stops and waits; at a day's, the agent's runs end and new ones are rejected",
        without="the pause of the agent itself: its limit keeps it from starting until the day is over"),
    Row("D50", "a value off its list is refused however it is written; so is a call before its precondition holds"),
    Row("D51", "one switch stops everything that starts an agent; a stop ends what runs, waits and is queued",
        without="schedules and triggers end to end: there are none yet to start one"),
    Row("D52", "stopping a running run takes at most 5 seconds; nothing more is done"),
    Row("D53", "a disconnect shows first what it stops; the next call of a running run is refused"),
    Row("D54", "every state of a run is reached by its way, and no other move is possible"),
    Row("D55", "the list of runs has its columns; every filter combines with every other; Clear all"),
    Row("D56", "“needs attention” is exactly the failed and the waiting runs"),
    Row("D57", "a search of runs finds words of the title, in any case and order"),
    Row("D58", "the run tells tool calls, arguments and results; a failing call can be read",
        without="a to-do list made from the SOP"),
    Row("D59", "a run is found by its id or its agent, and its steps' durations add up to its own",
        without="the search by sandbox: runs have no sandbox of their own"),
    Row("D60", "five runs that fail at the same step are one cluster of five"),
    Row("D61", "the third equal call is flagged, an endless loop is stopped, ten times the usual duration too"),
    Row("D62", "503 twice and then an answer: completed, with three attempts told"),
    Row("D63", "three runs in a row that the provider fails raise one alert; the next success ends it"),
    Row("D64", "the same input again is answered with the first run; nothing is done twice"),
    Row("D65", "a recorded run is replayed within 30 seconds, with no tool touched"),
    Row("D66", "a run tells tokens, dollars, model calls and tool calls, exactly"),
    Row("D72", "an approval lets the run go on; a denial reaches the model, which does what its SOP says then"),
    Row("D73", "a question with several choices is answered, and the choices are kept as a list"),
    Row("D74", "an agent asks for a login; once somebody says it works, the run goes on"),
    Row("D75", "two of two must agree; until then the run waits"),
    Row("D76", "a call without what people decide by is refused, and no request is made"),
    Row("D77", "after 24 hours without an answer the backup is asked and told, after 48 the escalation manager"),
    Row("D78", "the second denial ends the run as `denied`, and an alert tells of it"),
    Row("D79", "a denial without a reason is refused where the gate wants one; reason and code are kept"),
    Row("D80", "a request is put to everybody in the pool; the first answer wins, the second is 409"),
    Row("D81", "the inbox lists and filters what waits; its badge is one less when it is answered elsewhere"),
    Row("D82", "several are decided only within one gate, each with its entry; nothing that waits is deleted or faked"),
    Row("D83", "what waits longer than a day is flagged; a gate that asks far more than expected raises one alert"),
    Row("D84", "an answer in Slack lets the waiting run go on; Teams and a mail's link answer as well"),
    Row("D85", "other arguments after an approval need another one"),
    Row("D93", "an expired login breaks the connection with moment and reason; a new secret mends it"),
    Row("D94", "a personal secret is its member's; whoever may not share makes and shares none"),
    Row("D95", "a login reaches its system, and no prompt, answer, log or file"),
    Row("D96", "a secret is written and replaced; no read gives its value"),
    Row("D97", "a secret that is replaced is used by the next call, without a new revision"),
    Row("D98", "a 401 that no refresh mends alerts at once and breaks the connection"),
    Row("D99", "what is kept for one person is in no run, list or search of another"),
    Row("D100", "another scope of memory does not go live once production has run, until it is moved"),
    Row("D101", "each entry tells its run and person; what is erased is gone, with its versions"),
    Row("D102", "“auto-approve up to 5000” in memory does not skip the gate"),
    Row("D103", "each role may what the published table says, action by action"),
    Row("D104", "a builder changes own agents; another's are 403"),
    Row("D105", "a member sees own runs only", without="answering approvals: there are none yet"),
    Row("D106", "an administrator sees the runs of all", without="insights: there are none yet"),
    Row("D107", "a viewer of an agent reads its traces and cannot deploy"),
    Row("D108", "a hand-over stays open until the new owner's run has completed; whoever owns is not removed",
        without="the schedules that wait meanwhile, end to end: there are none yet to start one"),
    Row("D109", "the owner of last resort is an administrator, is not removed, and stops any agent"),
    Row("D118", "401 without a key, 403 without the role"),
    Row("D119", "an agent leaves its first week only after three good days in a row, judged day by day"),
    Row("D120", "after thirty days, and each week, a review is made with its metrics attached"),
    Row("D121", "the runbook has owner, backup, cost, duration and way back, and follows what is so",
        without="a schedule: there are none yet"),
    Row("D123", "one action makes a critical case of a run that failed"),
    Row("D122", "declaring a SEV-1 pauses its agent at once; its timeline begins, a postmortem is there"),
    Row("D124", "a crash, and every alert, is told to whoever answers for it, once and by no step of the SOP",
        without="a feed of notices to mark as read: what is open is on the home page"),
    Row("D125", "each message is signed by HMAC; after 500 it is sent again, under the same id"),
    Row("D126", "every privileged act is in the audit; it can be exported, and an edited row is found"),
    Row("D127", "an Idempotency-Key makes one run; 429 says when to come back"),
    Row("D128", "over MCP the tools are the operations of the API but those withheld; a read and a run go through it"),
    Row("D129", "what is promoted works with the connections of the environment it goes to; the diff is shown"),
    Row("D130", "an agent that is pinned keeps its revision when it releases another; one that follows goes along"),
    Row("F1", "a key of one workspace reads nothing of another, and learns no name"),
    Row("F6", "a stored revision cannot be written; its bytes are the same after 100 edits"),
    Row("F7", "the first revision serves at once, without a deployment"),
    Row("F8", "of two saves of one version the second is 409, with both texts; the first stays"),
    Row("F9", "edit, undo, redo and reset of a draft each bring back the exact earlier text, as a version of its own"),
    Row("F10", "a save of a draft tells other clients its new version in a `draft` event, within a second"),
    Row("F11", "a draft that does not work is saved; 100 production runs succeed"),
    Row("F12", "a diff names the changed words, the added tool and the other model, and nothing else"),
    Row("F13", "under load a release fails no run, and each run is wholly on one revision",
        without="a fixed rate of 50 a second: callers go as fast as this machine lets them"),
    Row("F14", "a run begun before the release ends on its revision, to its last model call"),
    Row("F15", "going back is in the history as a rollback, and the next run is on the older revision"),
    Row("F16", "a refused release is kept with its reason and who asked"),
    Row("F17", "a deployment with one broken connector succeeds, with a failed activation row and a count of 1"),
    Row("F18", "each item before a release is judged by the machine and shown, with the name of who let one pass"),
    Row("F19", "after the switch the items have live numbers; it settles, or goes back by itself"),
    Row("F20", "execute answers with result, trace, record id and the live revision's number",
        without="sessionId: there are no chat sessions, each run stands alone"),
    Row("F21", "a named revision runs, unpinned calls keep the live one, an unknown one is 404"),
    Row("F22", "one view compares errors, cost, duration and score over the same time",
        without="the 95th percentile: durations are compared as a whole, with an interval"),
    Row("F23", "the candidate tries each input, whoever asked gets the answer of what serves, both are kept as a pair"),
    Row("F24", "a release happens at its time, can be called off before, and is in the history"),
    Row("F25", "the stream tells the text in pieces and one `done` with id and cost, or one `error`; it resumes"),
    Row("F27", "a sandboxed run sends no call that is not a read"),
    Row("F29", "every 4xx has type, title, status, detail, instance; 403 names what was needed and granted"),
    Row("F30", "a run over the daily budget is recorded as rejected, with its reason and without a step"),
    Row("F31", "whatever a run waits for, its state is `waiting` and `waiting_for` says what",
        without="waits for a consult or a subtask: those parts do not exist yet"),
    Row("F32", "cancel: parked 204, running 202 and then over, finished 409"),
    Row("F33", "state, revision and time together show exactly the runs that fit"),
    Row("F35", "the trace shows prompt, SOP, each call and answer, tokens, cost and model"),
    Row("F40", "one action makes an example of a run, with its input and output",
        without="conversations: work comes as runs"),
    Row("F42", "fewer than 20 examples are warned of when they are evaluated"),
    Row("F43", "an evaluation goes pending, running, completed, and sums up scores, time and cost of both sides"),
    Row("F44", "its baseline is what served when it was asked for, whatever is released meanwhile"),
    Row("F45", "each example is listed with both answers and how the new one compares"),
    Row("F46", "one critical case that gets worse makes it not promotable although the mean rises"),
    Row("F47", "weights of 1:3 and of 10:30 give the same score"),
    Row("F48", "a draft is evaluated as it was when it was asked for, whatever is saved meanwhile"),
    Row("F49", "each night what serves is measured again; a drop raises an alert though nothing was released"),
    Row("F50", "an evaluation writes nothing outside, and no figure of real work counts it"),
    Row("F51", "calling one off that is running ends it; one that has ended is 409"),
    Row("F58", "100 test runs move the test spend only; the figures of real work stay"),
    Row("F59", "lint tells three faults as three coded findings in one answer"),
    Row("F60", "of what serves, a missing grant and a connection that is off are told by name"),
    Row("F65", "at 100 % the next run is refused; what was there stays, and people are told once"),
    Row("F66", "an endless loop of calls under a cap of $50 stops at $50 and at most one call more, and waits"),
    Row("F67", "a day of 10 with a week of 5 is 400 and says what to raise; the week raised first, 200"),
    Row("F71", "what a run costs once it serves stands beside its evaluation; half as much again is flagged"),
    Row("F72", "{{secret.X}} reaches the tool; its value is in no trace, log, file or answer"),
    Row("F73", "freezing a text that names a secret nobody has is refused with its name; a missing grant is flagged"),
    Row("F74", "without the grant, or without the entry in the revision, the call fails and says which"),
    Row("F75", "a replaced value is used by the next call of the same run; an older one comes back"),
    Row("F76", "of high sensitivity nothing changes without a reason, and no use is made that the audit cannot keep",
        without="the tiers PII, PHI, FINANCIAL and REGULATED: there are two, and the stricter one acts as they do"),
    Row("F78", "a promotion to where a connection is missing is refused and names it"),
    Row("F81", "pinned to 4 a call gets 4 after 5 is released; unpinned it gets 5, and not before"),
    Row("F82", "a release of an agent is kept back while one it calls has no revision that serves or is pinned"),
    Row("F84", "a gated call parks the run; approved, it is made with the original arguments"),
    Row("F85", "denied with a reason: the tool is not called, and the model's next step reads the reason"),
    Row("F86", "what nobody answers expires, and its run is told, or ends, as the gate says"),
    Row("F87", "an altered row of the record of decisions makes the verification fail at that row"),
    Row("F88", "who answers is the caller: a name in the body is refused, and the record shows the caller"),
    Row("F89", "a request nobody can answer is degraded until somebody says that they see to it",
        without="a page that tells the customer: a run's state is what its caller reads"),
    Row("F90", "a viewer of an agent reads its traces; editing and deploying are 403, and say what they take"),
    Row("F91", "editing and deploying are given apart; whoever has both deploys, and changes no budget",
        without="one word for both: an editor who deploys holds two levels"),
    Row("F92", "the last owner can be neither removed nor demoted, until there is another"),
    Row("F93", "a request for access reaches whoever may give it; approving gives exactly what was asked for"),
    Row("F94", "a runner's key executes; deploying is 403 and names agent.deploy"),
    Row("F95", "a disabled service account's keys are all refused; a member who leaves takes only their own along"),
    Row("F96", "a revoked key is 401 like an unknown one; its use is in the audit, with the address"),
    Row("F104", "a bundle brings the same body elsewhere, names what is missing there, and holds no secret"),
    Row("F105", "one call takes the same digest through dev, staging and production"),
    Row("F106", "one action makes each failing run of an incident a critical case of a dataset; twice adds nothing"),
    Row("F107", "an incident names the release that served, its evaluation, and whether a case would have caught it"),
    Row("A1", "a release without environment, revision, reason or connection is refused, naming it"),
    Row("A2", "a red check keeps the release back"),
    Row("A3", "production gets the digest that staging has, any other is refused"),
    Row("A4", "a second migration does nothing; an unknown or missing schema is refused"),
    Row("A5", "a failed or missing run in staging makes the step to production impossible"),
    Row("A6", "health is not 200 while the database cannot be reached, and 200 again after"),
    Row("A7", "`limit=5` gives the five newest; `limit=201` is 400"),
    Row("A8", "the summary's `runOutput.finalOutput` is the last step's answer"),
    Row("A9", "an orchestration run is queued with 202; the same runId is 409 and does nothing"),
    Row("A10", "without a key nothing starts: 401 AGENT_API_KEY_MISSING"),
    Row("A11", "a write without the role is 403 AUTHZ_FORBIDDEN and names what it takes and what was granted"),
    Row("A12", "`x-user-role` without a key is 401, and with one it only takes away"),
    Row("A13", "the metrics tell runs by state and the age of the oldest queued one"),
    Row("A14", "a killed process loses no run and repeats no act; another worker takes over"),
    Row("A15", "a queued run is cancelled at once, a running one before its next act, a finished one is 409"),
    Row("A16", "the first model fails, the fallback answers, both attempts are told"),
    Row("A17", "maxRetries 6 is 400; the pauses grow from 250 ms and stay under their cap"),
    Row("A27", "a builder changes their own agents; another builder's are 403",
        without="400 for an agent without an owner: whoever makes it owns it"),
    Row("A28", "a rotated key is dead at once; lists show a prefix; the key itself is stored nowhere"),
    Row("A29", "three promises are data; how they were kept over 30 days is computed",
        without="requests answered: counted where Prometheus gathers them"),
    Row("A30", "a budget of errors that burns raises an alert for an hour, and one for six",
        without="a page and a ticket: both are alerts"),
    Row("A31", "after the switch errors and durations are compared with what served before, without anybody asking",
        without="the queue: it is told by readiness and by its item, for all agents at once"),
    Row("A32", "one command goes back to what served, and the smoke check follows a run of it",
        without="both in one command"),
    Row("A33", "under maintenance writes are 503 with Retry-After, reads go on, and a refused start leaves nothing",
        without="a check that has to pass before it may be ended"),
    Row("A34", "what is unavailable is SEV-1, more errors than usual SEV-2, all else SEV-3, by rules that can be read"),
    Row("A35", "acknowledging keeps who and when; status, checklist and what follows are kept"),
    Row("A36", "a release without three named people who accepted is refused",
        without="steps that take a certain owner: any of them may"),
    Row("A37", "production does not start with scripted models, a missing or guessable key, or open loopback"),
    Row("C1", "where five days in the shadow are asked for, four do not let it go live, and five do"),
    Row("C2", "each pair is compared, people judge what differs, and agreement is told with its interval",
        without="a figure for each day: there is one for all days"),
    Row("C3", "a difference that nobody judged, or that is worse, keeps it from going live"),
    Row("C4", "an outage backs off, skips run after run, and raises exactly one alert after the third"),
    Row("C5", "a source that fails in the middle of a batch: each item is handled once after it is back"),
    Row("C6", "broken JSON, a missing field, a bad enum: asked again, then put before a person; no crash"),
    Row("C7", "ten times too long an input completes and is marked as cut"),
    Row("C8", "the same input from eight callers at once has one effect"),
    Row("C9", "a drill of going back is measured and kept; over five minutes fails the item"),
    Row("C10", "a token that was ended on purpose is refreshed and the run completes; a refusal alerts at once"),
    Row("C11", "planted personal data and keys are in no log line, and keys in no trace",
        without="personal data in stored traces: a trace keeps what a run was given, inside its workspace"),
    Row("C22", "60 seconds without the database lose no record of the runs in flight"),
    Row("C23", "a crashed server comes back by itself; the third crash raises an alert"),
    Row("C37", "a revision with an irreversible tool and no gate before it cannot be made live in production"),
    Row("C24", "the run's id finds its log lines, its trace, its acts and what they did outside"),
    Row("C42", "what reaches further is blocked until four weeks in a row were on target",
        without="evaluations of its own: the gate asks for one anyway where there is a golden dataset"),
    Row("C43", "each of the 27 boxes has a probe with its result and moment, or the word of a named person"),
)  # fmt: skip


def rows_of(check: str) -> list[str]:
    """The ids that a check carries in its name: `test_a6_c22_…` is a check of A6 and C22."""
    found = _CHECK.match(check.split("[")[0])
    return [part.upper() for part in found.group(1).split("_") if part] if found else []


def checks() -> dict[str, list[str]]:
    """Row id → the names of its checks, as they stand in this folder."""
    found: dict[str, list[str]] = {row.id: [] for row in ROWS}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                for row in rows_of(node.name):
                    found.setdefault(row, []).append(f"{path.name}::{node.name}")
    return found


def page() -> str:
    """The table of `docs/reference/acceptance.md`."""
    by_row = checks()
    parts = [
        "# Acceptance\n",
        "What the operating guides demand, row by row, and the check of each. Every check works on a served product,",
        "through its API, its command line and its pages. `make acceptance` runs them and prints the scoreboard.\n",
    ]
    for letter, system in SYSTEMS.items():
        parts.append(f"\n## {letter}: {system}\n\n| row | demands | checked by |\n|---|---|---|")
        for row in ROWS:
            if row.id.startswith(letter):
                names = "<br>".join(f"`{name}`" for name in by_row[row.id]) or f"**missing**: {row.missing}"
                rest = f" *Without {row.without}.*" if row.without else ""
                parts.append(f"| {row.id} | {row.demands}.{rest} | {names} |")
    return "\n".join(parts) + "\n"
