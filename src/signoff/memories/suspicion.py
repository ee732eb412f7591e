"""Whether a text reads like a rule: who may, what is always allowed, up to which amount, without whom. Pure.

A hint for people, nothing more: memory loosens no rule whatever it says, and what slips through here is as powerless
as what does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

CHARS_MAX = 200
_ACTS = (
    r"(?:allow|accept|pay|send|post|delete|transfer|refund|book|skip|ask|check|trust|zahl|lösch|frag|prüf|vertrau)\w*"
)
_GUARDS = r"(?:ask|approv|confirm|check|permission|review|limit|gate|rule|polic|rückfrag|freigab|genehmig)\w*"
_PATTERNS: dict[str, str] = {
    "speaks of approving": r"\b(?:auto-? ?)?(?:approv|genehmig|freigeb|freigab)\w*|\bsign(?:ed)? off\b",
    "says what is always or never to be done": (
        rf"\b(?:always|never|every ?time|in every case|immer|niemals|stets)\b.{{0,80}}?\b{_ACTS}"
    ),
    "says that nobody has to be asked": (
        r"\b(?:without|no need (?:to|for)|(?:no|not) (?:need|have|required?) to|don'?t|do not)\b"
        rf".{{0,40}}?\b{_GUARDS}"
    ),
    "says that something is passed by": rf"\b(?:skip|bypass|ignore|ohne)\b.{{0,40}}?\b{_GUARDS}",
    "sets a limit": (
        r"\b(?:up to|at most|below|under|less than|limit(?: is| of)?|threshold|bis zu|höchstens|unter)\b"
        r".{0,20}?\d[\d.,]*"
    ),
    "speaks of rules and rights": (
        r"\b(?:allow(?:ed)?|permitted|authori[sz]ed|policy|policies|rules?|gates?|erlaubt|befugt|richtlinie)\b"
    ),
    "speaks to the model about its instructions": (
        r"\b(?:system prompt|previous instructions|your instructions|you (?:must|shall)|from now on|ab sofort)\b"
    ),
}
_MARKS = tuple((words, re.compile(pattern)) for words, pattern in _PATTERNS.items())


def suspicion(text: str) -> str:
    """Return why a text reads like a rule, as one short sentence without an end; empty when it does not."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return _joined(words for words, pattern in _MARKS if pattern.search(plain))


def _joined(found: Iterable[str]) -> str:
    return ", ".join(found)[:CHARS_MAX]
