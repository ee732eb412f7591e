"""The policy file: its strict form, the shipped default, and a workspace's own laid over it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import Field, StringConstraints, ValidationError

from signoff.agents.bundle.yaml_text import YamlText, read_yaml
from signoff.agents.findings import path_of
from signoff.agents.part import Part
from signoff.kit.canonical import content_hash
from signoff.kit.errors import Malformed
from signoff.kit.misfits import misfit
from signoff.watch.probes.evidence import Tier
from signoff.watch.probes.facts import Expected
from signoff.watch.probes.follow_policy import AfterPolicy, AfterText, after_of, after_problems
from signoff.watch.probes.probe import Probe, attested
from signoff.watch.probes.registry import BY_ID, PROBES
from signoff.watch.probes.rule import BlockFrom, Rule

DEFAULT = Path(__file__).parent / "policy.yaml"
TEXT_CHARS_MAX = 64_000
_DAY_SECONDS = 86_400
_Clock = Annotated[str, Field(pattern=r"^(?:[01]\d|2[0-3]):[0-5]\d$", examples=["08:00"])]
# Blanks say nothing.
_Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
_Days = Annotated[int, Field(ge=1, le=366)]


class RuleText(Part):
    """What the file says of one probe; what it leaves out stays. What relaxes it needs a reason."""

    block_from: BlockFrom | None = None
    elsewhere: bool | None = None
    threshold: Annotated[float, Field(ge=0, le=1_000_000)] | None = None
    fresh_days: _Days | None = None
    reason: _Reason | None = None


class OwnItem(Part):
    """An item of the workspace's own that a person attests."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]
    group: Annotated[str, Field(min_length=1, max_length=60)] = "own"
    wanted: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
    block_from: BlockFrom = "high"
    lapse_days: _Days = 90
    reason: _Reason


class ExpectedText(Part):
    """What is expected of one agent."""

    runs_per_day: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    run_seconds_max: Annotated[int, Field(ge=1, le=86_400 * 30)] | None = None
    starts_at: _Clock | None = None
    done_by: _Clock | None = None
    drill_every_days: _Days | None = None
    # Raises what is computed, never lowers it.
    risk_tier: Tier | None = None


class VouchingText(Part):
    """For how long people may vouch. Longer than the shipped policy says needs a reason."""

    waiver_days_max: _Days | None = None
    attestation_days_max: _Days | None = None
    reason: _Reason | None = None


class ReviewersText(Part):
    """How many people sign a release of one tier. Fewer than the shipped policy asks for needs a reason."""

    people: Annotated[int, Field(ge=0, le=10)]
    reason: _Reason | None = None


class DrillsText(Part):
    """How often going back is rehearsed by itself; left out, people do it when they want to."""

    every_days: _Days | None = None


class PolicyText(Part):
    """The whole file."""

    version: Literal[1]
    vouching: VouchingText = VouchingText()
    drills: DrillsText = DrillsText()
    reviewers: dict[Tier, ReviewersText] = Field(default_factory=dict[Tier, ReviewersText])
    after: AfterText = AfterText()
    probes: dict[str, RuleText] = Field(default_factory=dict[str, RuleText], max_length=300)
    attestations: list[OwnItem] = Field(default_factory=list[OwnItem], max_length=50)
    expected: dict[Annotated[str, Field(max_length=63)], ExpectedText] = Field(
        default_factory=dict[str, ExpectedText], max_length=500
    )


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds: every probe with its rule, the workspace's own items with theirs, what is expected of agents."""

    rules: Mapping[str, Rule]
    own: tuple[Probe, ...]
    lapse_days: Mapping[str, int]
    expected: Mapping[str, Expected]
    waiver_days_max: int
    attestation_days_max: int
    # How many people, neither author nor requester, sign a release into production; of other tiers nobody.
    reviewers: Mapping[Tier, int]
    # How often going back is rehearsed by itself, where nothing else is said of an agent; None: by hand only.
    drill_every_days: int | None = None
    # What follows a release.
    after: AfterPolicy = field(default_factory=AfterPolicy)

    @property
    def digest(self) -> str:
        """Return the name of this policy: the hash of all that holds, of the shipped default as well."""
        return content_hash(self.plain())

    def plain(self) -> dict[str, Any]:
        """Return plain JSON."""
        return {
            "rules": {name: asdict(rule) for name, rule in self.rules.items()},
            "own": {probe.id: [probe.title, probe.group, probe.wanted] for probe in self.own},
            "lapse_days": dict(self.lapse_days),
            "expected": {slug: asdict(one) for slug, one in self.expected.items()},
            "vouching": [self.waiver_days_max, self.attestation_days_max],
            "reviewers": dict(self.reviewers),
            "drills": self.drill_every_days,
            "after": asdict(self.after),
        }

    def expected_of(self, slug: str) -> Expected:
        """Return what is expected of an agent; how often it is drilled is the workspace's to say, unless said of it."""
        found = self.expected.get(slug, Expected())
        return found if found.drill_every_days else replace(found, drill_every_days=self.drill_every_days)

    @property
    def has_drills(self) -> bool:
        """Return whether going back is rehearsed by itself for any agent."""
        return bool(self.drill_every_days or any(one.drill_every_days for one in self.expected.values()))

    @property
    def probes(self) -> tuple[Probe, ...]:
        """Return every item, the workspace's own last."""
        return (*PROBES, *self.own)

    def probe(self, name: str) -> Probe | None:
        """Return an item by its id."""
        return BY_ID.get(name) or next((one for one in self.own if one.id == name), None)

    def days_max(self, probe: Probe, kind: str) -> int:
        """Return for how long a person may vouch for an item."""
        if kind == "waive":
            return self.waiver_days_max
        return self.lapse_days.get(probe.id, self.attestation_days_max)


def read_policy(text: str) -> PolicyText:
    """Return what a policy file says.

    Raises:
        Malformed: it cannot be read, or says what it may not; `errors` has every place with its line.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise Malformed(f"The policy has {len(text):,} characters; at most {TEXT_CHARS_MAX:,} are kept.",
                        code="too_large")  # fmt: skip
    read = read_yaml(text)
    if read.findings:
        _refuse({f"line {one.line}": [f"{one.text} {one.fix}"] for one in read.findings})
    try:
        return PolicyText.model_validate(read.value)
    except ValidationError as error:
        _refuse(_errors(error, read))


@cache
def default_policy() -> Policy:
    """Return the shipped policy."""
    text = read_policy(DEFAULT.read_text(encoding="utf-8"))
    rules = {
        name: Rule(
            one.block_from or "never", bool(one.elsewhere), one.threshold,
            one.fresh_days * _DAY_SECONDS if one.fresh_days else None, one.reason or "",
        )
        for name, one in text.probes.items()
    }  # fmt: skip
    waiver, attestation = text.vouching.waiver_days_max, text.vouching.attestation_days_max
    if waiver is None or attestation is None:
        raise ValueError("policy.yaml says for how long people may vouch")
    signers: dict[Tier, int] = {tier: one.people for tier, one in text.reviewers.items()}
    return Policy(rules, (), {}, {}, waiver, attestation, signers, after=after_of(text.after, AfterPolicy()))


def policy_of(text: PolicyText | None) -> Policy:
    """Return what holds when a workspace says this; nothing said is the shipped policy.

    Raises:
        Malformed: it names what is not there, relaxes what it may not, or without a reason.
    """
    base = default_policy()
    if text is None:
        return base
    errors: dict[str, list[str]] = {}
    rules = dict(base.rules)
    for name, said in text.probes.items():
        path = f"probes.{name}"
        probe = BY_ID.get(name)
        if probe is None:
            errors[path] = ["There is no such probe. `signoff policy show` lists them."]
            continue
        rules[name] = _laid_over(base.rules[name], said)
        if problem := _problem(probe, base.rules[name], rules[name], said):
            errors[path] = [problem]
    for tier, asked in text.reviewers.items():
        if asked.people < base.reviewers.get(tier, 0) and not asked.reason:
            errors[f"reviewers.{tier}"] = ["This asks for fewer people than the shipped policy. Say why, under reason."]
    errors |= after_problems(text.after, base.after)
    own = [_own(one) for one in text.attestations]
    doubles = {probe.id for probe in own if sum(other.id == probe.id for other in own) > 1}
    errors |= {f"attestations.{name.removeprefix('own.')}": ["Two items have this id."] for name in sorted(doubles)}
    if errors:
        _refuse(errors)
    rules |= {f"own.{one.id}": Rule(one.block_from, reason=one.reason) for one in text.attestations}
    return Policy(
        rules,
        tuple(own),
        {f"own.{one.id}": one.lapse_days for one in text.attestations},
        {slug: Expected(**one.model_dump()) for slug, one in text.expected.items()},
        text.vouching.waiver_days_max or base.waiver_days_max,
        text.vouching.attestation_days_max or base.attestation_days_max,
        {**base.reviewers, **{tier: one.people for tier, one in text.reviewers.items()}},
        text.drills.every_days,
        after_of(text.after, base.after),
    )


def new_policy(text: str) -> Policy:
    """Return what would hold when a workspace set this file now. One that was set before this was asked still holds.

    Raises:
        Malformed: as `read_policy` and `policy_of`, or people may vouch for longer than shipped and nobody says why.
    """
    said = read_policy(text)
    found, base = policy_of(said), default_policy()
    is_longer = found.waiver_days_max > base.waiver_days_max or found.attestation_days_max > base.attestation_days_max
    if is_longer and not said.vouching.reason:
        _refuse(
            {"vouching": ["People could vouch for longer than the shipped policy lets them. Say why, under reason."]}
        )
    return found


def is_relaxed(probe: Probe, before: Rule, after: Rule) -> bool:
    """Return whether a rule asks less than another in any way."""
    order = ("low", "medium", "high", "critical", "never")
    if order.index(after.block_from) > order.index(before.block_from) or (before.elsewhere and not after.elsewhere):
        return True
    if before.fresh_seconds is not None and (after.fresh_seconds or 0) > before.fresh_seconds:
        return True
    if before.threshold is None or after.threshold is None or probe.tighter is None:
        return False
    return after.threshold < before.threshold if probe.tighter == "more" else after.threshold > before.threshold


def _laid_over(base: Rule, said: RuleText) -> Rule:
    return Rule(
        said.block_from or base.block_from,
        base.elsewhere if said.elsewhere is None else said.elsewhere,
        base.threshold if said.threshold is None else said.threshold,
        base.fresh_seconds if said.fresh_days is None else said.fresh_days * _DAY_SECONDS,
        said.reason or base.reason,
    )


def _problem(probe: Probe, before: Rule, after: Rule, said: RuleText) -> str:
    if said.threshold is not None and before.threshold is None:
        return "This probe has no threshold."
    if said.fresh_days is not None and before.fresh_seconds is None:
        return "This probe is measured at the moment it is asked, so it cannot be stale."
    if not is_relaxed(probe, before, after):
        return ""
    if probe.is_safety:
        return "This is about safety: it blocks in production in every tier, and cannot be made less."
    return "" if said.reason else "This asks less than the shipped policy. Say why, under reason."


def _own(item: OwnItem) -> Probe:
    return replace(attested(f"own.{item.id}", item.title, (), item.wanted), own_group=item.group)


def _errors(error: ValidationError, read: YamlText) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in error.errors(include_url=False):
        path = path_of(one["loc"])
        line = read.lines.get(path)
        where = path or "policy"
        found.setdefault(where, []).append(f"{misfit(one, PolicyText)}{f' (Line {line}.)' if line else ''}")
    return found


def _refuse(errors: Mapping[str, list[str]]) -> NoReturn:
    first = next(iter(errors.items()))
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    raise Malformed(f"The policy is not kept. {first[0]}: {first[1][0]}{more}", errors=errors, code="policy_wrong")
