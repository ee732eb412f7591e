"""What if the model is away, the source is away, the answer is nonsense, or the same input comes twice?"""

from __future__ import annotations

from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, built_in, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted

_EDIT = ("/agents/{agent}/edit",)


def _model_outage(facts: ProbeFacts, rule: Rule) -> Answer:
    model = facts.body.model
    stands_in = bool(model.fallbacks) or model.on_outage == "wait"
    words = f"{counted(model.retry.max_retries, 'retry', 'retries')}; "
    words += f"{counted(len(model.fallbacks), 'model')} stand in" if model.fallbacks else "no model stands in"
    words += ", and the run waits." if model.on_outage == "wait" else ", and the run fails."
    return verdict(model.retry.max_retries > 0 and stands_in, words.capitalize())


def _malformed(facts: ProbeFacts, rule: Rule) -> Answer:
    if facts.body.output_schema is None:
        return verdict(False, "The revision has no output schema: any text is an answer.")
    return yes("An answer that does not fit the schema is sent back to the model, and in the end fails the run.")


def _no_doubt(facts: ProbeFacts, rule: Rule) -> Answer:
    open_ones = facts.unknown_effects
    return verdict(not open_ones, f"{counted(open_ones, 'act')} of the agent with an outcome nobody knows.")


PROBES = (
    Probe(
        "reliability.model_outage", "An outage of the model is survived", ("checklist:12",),
        "Failed model calls are repeated, and then another model stands in, or the run waits.",
        "Name a fallback, or say on_outage: wait.", _model_outage, _EDIT,
    ),
    built_in(
        "reliability.source_outage", "An outage of a source makes nothing twice", ("checklist:13",),
        "Calls that read are repeated; calls that act are written down first, and never repeated in doubt.",
        "Held for every agent: the tool gateway repeats what may be, and keeps a ledger of what may not.",
    ),
    Probe(
        "reliability.malformed_answers", "A malformed answer is noticed", ("checklist:14",),
        "The revision says what its answer looks like.", "Give the agent an output schema.", _malformed, _EDIT,
    ),
    built_in(
        "reliability.long_input", "A long input does not fail it", ("checklist:15",),
        "Input beyond the limit is cut, and the run says so.",
        "Held for every agent: limits.input_chars, and the mark `truncated` on the run.",
    ),
    Probe(
        "reliability.no_doubt", "Nothing is in doubt", ("checklist:16",),
        "No act of the agent has an outcome nobody knows.", "Look in the system itself, and say what you found.",
        _no_doubt, ("/reconciliation",),
    ),
)  # fmt: skip
