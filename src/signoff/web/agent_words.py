"""What a revision says about its runs, in sentences."""

from __future__ import annotations

from decimal import Decimal

from signoff.agents.body import AllowedTool, Body

_TIMES = {1: "once a run", 2: "twice a run"}


def limits_in_words(body: Body) -> list[str]:
    """Return what one run of this body may use, the money first."""
    limits = body.limits
    return [
        f"Spends at most {_dollars(limits.cost_usd)} and {limits.tokens:,} tokens.",
        f"Takes at most {_count(limits.turns, 'turn')} and {_count(limits.tool_calls, 'tool call')}.",
        f"Ends after {_span(limits.wall_seconds)} at the latest.",
        f"Stops when it makes the same call {limits.same_call} times.",
        f"Reads the first {limits.input_chars:,} characters of its input.",
    ]


def _dollars(amount: Decimal) -> str:
    # Cents at least, and whatever finer digits there are.
    return f"${amount:,.2f}" if amount == round(amount, 2) else f"${amount.normalize():,f}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def _span(seconds: int) -> str:
    for size, word in ((3_600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return _count(seconds // size, word)
    return _count(seconds, "second")


def bound_in_words(tool: AllowedTool) -> str:
    """Return what this agent says about one tool beside allowing it."""
    parts: list[str] = []
    if tool.max_calls is not None:
        parts.append(_TIMES.get(tool.max_calls, f"{tool.max_calls:,} times a run"))
    if tool.args:
        parts.append("only with some " + ", ".join(sorted(tool.args)))
    return "; ".join(parts)


def model_in_words(body: Body) -> list[tuple[str, str]]:
    """Return what thinks, as pairs of a name and a value; what is left to the model is left out."""
    model, settings = body.model, body.model.settings
    pairs = [
        ("Model", model.name),
        ("Fallbacks", ", ".join(model.fallbacks)),
        ("Temperature", "" if settings.temperature is None else f"{settings.temperature:g}"),
        ("Top p", "" if settings.top_p is None else f"{settings.top_p:g}"),
        ("Answer", f"at most {settings.max_tokens:,} tokens, within {settings.timeout_seconds:g} seconds"),
        ("Retries", str(model.retry.max_retries)),
        ("No answer", "the run waits" if model.on_outage == "wait" else "the run fails"),
        ("Cache", "equal requests are answered from the record" if model.cache else ""),
    ]
    return [(name, value) for name, value in pairs if value]
