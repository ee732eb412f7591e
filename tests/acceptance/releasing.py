"""Releases for the checks: asking for one, what keeps it back, what serves, who else signs."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2

from tests.acceptance.product import Product, until
from tests.kit_policy import told_only

_NUMBER = count(1)
GATE: dict[str, Any] = {
    "name": "payments", "effects": ["irreversible"], "title": "Pay {{args.n}}", "self_approval": "allowed",
}  # fmt: skip


@dataclass(frozen=True)
class Colleague:
    """A member who came by an invitation's link and is signed in."""

    id: str
    product: Product
    cookies: dict[str, str]

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        where = f"{self.product.address}/v1/{self.product.workspace}/{path}"
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": self.product.address}
        return httpx2.request(method, where, headers=headers, cookies=self.cookies, timeout=60, **more)

    def sit(self, slug: str, seat: str) -> None:
        """Take a seat of this agent."""
        seated = self.product.call("PUT", f"agents/{slug}/owners/{seat}/{self.id}", json={})
        assert seated.status_code == 200, seated.text
        accepted = self.call("POST", f"agents/{slug}/owners/{seat}:accept")
        assert accepted.status_code == 200, accepted.text


def colleague(product: Product, name: str, role: str = "administrator") -> Colleague:
    """Let somebody in."""
    member = product.post("members", {"email": f"shipping-{next(_NUMBER)}@example.com", "name": name, "role": role})
    link = product.post(f"members/{member['id']}:link")["path"]
    with httpx2.Client(headers={"Sec-Fetch-Site": "same-origin", "Origin": product.address}, timeout=60) as browser:
        words = "four plain words together"
        entered = browser.post(f"{product.address}{link}", data={"password": words, "again": words})
        assert entered.status_code == 303, entered.text
        return Colleague(member["id"], product, dict(browser.cookies))


def tell_only(product: Product, *blocking: str, critical: int = 0) -> None:
    """Let the gate hold nothing back but what is unsafe and these items; so many people sign what is critical."""
    lines: list[str] = []
    for line in told_only().splitlines():
        name = line.strip().partition(": ")[0]
        rule = '{block_from: low, reason: "looked at here"}' if name in blocking else line.partition(": ")[2]
        rule = rule.replace("people: 0", f"people: {critical}") if name == "critical" else rule
        lines.append(f"{line.partition(': ')[0]}: {rule}" if rule else line)
    set_policy(product, "\n".join(lines))


def set_policy(product: Product, text: str) -> None:
    """Let a policy file hold, as it may already."""
    now = product.get("probe-policy")["version"]
    answer = product.call("PUT", "probe-policy", json={"text": text, "reason": "as agreed", "version": now})
    assert answer.status_code == 200 or answer.json()["code"] == "same_policy", answer.text


def ask(product: Product, slug: str, revision: int, **more: Any) -> httpx2.Response:
    """Ask for a release, at once and whole unless a strategy says otherwise."""
    plain = {"environment": "production", "revision": str(revision), "reason": "a check", "strategy": {}}
    wanted = {**plain, **more}
    return product.call("POST", f"agents/{slug}/releases", json=wanted)


def released(product: Product, slug: str, revision: int, **more: Any) -> str:
    """Ask for a release that begins; return its id."""
    made = ask(product, slug, revision, **more)
    assert made.status_code == 201, made.text
    return made.json()["id"]


def kept_back_by(product: Product, slug: str, revision: int = 2) -> dict[str, str]:
    """Ask for a release in production; return what keeps it back, item → what was measured. It serves if nothing."""
    made = ask(product, slug, revision)
    if made.status_code == 201:
        return {}
    assert (made.status_code, made.json()["code"]) == (409, "gate_not_met"), made.text
    return {one["probe"]: one["measured"] for one in made.json()["blockers"]}


def facts(product: Product, release: str) -> dict[str, Any]:
    """What a release is now."""
    return product.get(f"releases/{release}")["facts"]


def reached(product: Product, release: str, *states: str, seconds: float = 90.0) -> dict[str, Any]:
    """Wait until a release is in one of these states; return what it is."""

    def look() -> dict[str, Any]:
        found = facts(product, release)
        return found if found["state"] in states else {}

    return until(look, f"the release to be {' or '.join(states)}", seconds)


def serving(product: Product, slug: str, environment: str = "production") -> int | None:
    """The number of the revision that serves."""
    found = product.get(f"agents/{slug}")["live"]
    return next((one["revision_number"] for one in found if one["environment"] == environment), None)


def evidence(product: Product, slug: str, **params: Any) -> dict[str, dict[str, Any]]:
    """What the probes say, by item."""
    return {one["probe"]: one for one in product.get(f"agents/{slug}/evidence", **params)["results"]}


def aged(product: Product, table: str, column: str, by: str, where: str, *values: Any) -> None:
    """Let a moment that is kept lie further back, in an installation of one's own: nobody waits for days."""
    moved = f"update {table} set {column} = strftime('%Y-%m-%d %H:%M:%f', {column}, ?) where {where}"
    with sqlite3.connect(product.data / "signoff.sqlite") as database:
        assert database.execute(moved, (by, *values)).rowcount > 0
