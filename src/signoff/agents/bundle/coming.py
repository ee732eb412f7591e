"""Agents that come together in one bundle: one may name another that is not stored yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from signoff.agents.bundle.files import AgentFile
from signoff.agents.lint import LintFacts
from signoff.agents.lint.parts import objects
from signoff.agents.sub_agents import LIVE, Callee, SubAgent


def with_files(facts: LintFacts, files: Sequence[AgentFile]) -> LintFacts:
    """Return what is known once these files are applied: what follows live gets what they say."""
    stored = facts.callee
    if stored is None:
        return facts
    coming = {file.slug: file for file in files}

    def callee_of(slug: str, revision: str) -> Callee | None:
        there = stored(slug, revision)
        file = coming.get(slug) if revision == LIVE else None
        return there if file is None else _coming(file, there)

    return replace(facts, callee=callee_of, agents=facts.agents | frozenset(coming))


def _coming(file: AgentFile, there: Callee | None) -> Callee:
    known = there or Callee(file.slug, file.name, "active", 0)
    return replace(known, number=known.number or known.newest + 1, calls=tuple(_calls(file.body)))


def _calls(body: Mapping[str, Any]) -> list[SubAgent]:
    found: list[SubAgent] = []
    for _, entry in objects(body.get("sub_agents")):
        with suppress(ValidationError):
            found.append(SubAgent.model_validate(entry))
    return found
