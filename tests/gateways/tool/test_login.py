"""The token stands on the call and nowhere else; a refused one is renewed once, and only then is the call repeated."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from signoff.connections.logins.authorising import obtain_as_client
from signoff.connections.logins.setup import set_up_login
from signoff.connectors import faults
from signoff.gateways.tool.gateway import act
from signoff.tables.connections import Connection, Login
from tests.gateways.kit_world import World
from tests.kit_oauth import Provider, running_provider
from tests.rooms.connections.kit_logins import setup_of


@pytest.fixture(scope="module")
def server() -> Generator[Provider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def idp(server: Provider) -> Provider:
    for name, value in vars(Provider(url=server.url)).items():
        setattr(server, name, value)
    return server


@pytest.fixture
async def signed(world: World, idp: Provider) -> World:
    """The world's connection, signed in by client credentials."""
    settings = world.settings.model_copy(update={"allow_loopback": True})
    world = replace(world, services=replace(world.services, settings=settings))

    def work(session: Any) -> None:
        config = {"url": "https://erp.example.com/mcp", "headers": {"authorization": "Basic old", "x-kept": "1"}}
        session.execute(update(Connection).values(kind="mcp_http", config=config))
        session.flush()
        session.expire_all()
        setup = setup_of(idp, kind="oauth_client_credentials")
        vault = world.services.vault
        set_up_login(session, world.principal, vault, world.connection_id, setup, settings=settings)

    world.change(work)
    await obtain_as_client(world.store, world.services, world.principal, world.connection_id)
    return world


def sent_tokens(world: World) -> list[str]:
    return [config["headers"]["Authorization"].removeprefix("Bearer ") for config in world.link.configs]


async def test_it_stands_in_the_header_in_place_of_any_other(signed: World, idp: Provider):
    outcome = await act(signed.services, signed.run, signed.call(amount=1))
    assert outcome.kind == "value"
    assert signed.link.configs[0]["headers"] == {
        "x-kept": "1", "Authorization": f"Bearer {next(iter(idp.access))}"
    }  # fmt: skip


async def test_a_refused_token_is_renewed_once_and_the_call_made_again(signed: World, idp: Provider):
    refusals = [faults.fault(faults.SIGN_IN, "no")]
    signed.link.behave = lambda tool, args: refusals.pop() if refusals else {"posted": True}
    outcome = await act(signed.services, signed.run, signed.call(amount=1))
    assert (outcome.kind, outcome.value) == ("value", {"posted": True})
    first, second = sent_tokens(signed)
    assert first != second
    assert len(idp.grants("client_credentials")) == 2


async def test_a_system_that_refuses_every_token_is_asked_twice_and_no_more(signed: World, idp: Provider):
    signed.link.behave = lambda tool, args: faults.fault(faults.SIGN_IN, "no")
    outcome = await act(signed.services, signed.run, signed.call(amount=1))
    assert (outcome.kind, outcome.code) == ("failed", faults.SIGN_IN)
    assert len(signed.link.sent) == 2
    assert len(idp.grants("client_credentials")) == 2


@pytest.mark.parametrize("code", [faults.WRONG_SCOPE, faults.REJECTED, faults.SECOND_FACTOR, faults.OUTCOME_UNKNOWN])
async def test_nothing_else_is_a_reason_to_try_again(signed: World, idp: Provider, code: str):
    """Above all not an unknown outcome: the call may have been carried out."""
    signed.link.behave = lambda tool, args: faults.fault(code, "no")
    await act(signed.services, signed.run, signed.call(amount=1))
    assert len(signed.link.sent) == 1
    assert len(idp.grants("client_credentials")) == 1


async def test_what_comes_back_is_masked_also_with_a_token_of_a_moment_ago(signed: World, idp: Provider):
    """A server that repeats the fresh token, in an answer and in an error."""
    said: list[Any] = [faults.fault(faults.SIGN_IN, "no")]

    def echo(tool: str, args: dict[str, Any]) -> Any:
        return said.pop() if said else {"you_sent": signed.link.configs[-1]["headers"]["Authorization"]}

    signed.link.behave = echo
    outcome = await act(signed.services, signed.run, signed.call(amount=1))
    assert outcome.value == {"you_sent": "Bearer {{secret.login.erp}}"}
    failing = [faults.fault(faults.SIGN_IN, "no")]

    def complain(tool: str, args: dict[str, Any]) -> Any:
        token = signed.link.configs[-1]["headers"]["Authorization"]
        return failing.pop() if failing else faults.fault(faults.REJECTED, f"bad {token}")

    signed.link.behave = complain
    call = signed.call(number=2, amount=2)
    outcome = await act(signed.services, signed.run, call)
    step = signed.step(call.key)
    kept = repr((outcome, step.detail, step.reason, step.response))
    assert all(token not in kept for token in idp.access)


async def test_nobody_has_authorised_it(signed: World, idp: Provider):
    signed.change(lambda session: session.execute(update(Login).values(state="needs_login", tokens=None)))
    call = signed.call(amount=1)
    outcome = await act(signed.services, signed.run, call)
    assert (outcome.kind, outcome.code) == ("failed", "login_needed")
    assert signed.step(call.key).detail["diagnosis"] == "never_attached"
    effect = signed.effect(call.key)
    assert signed.link.sent == []
    assert effect is not None
    assert effect.state == "failed", "nothing was sent, and the ledger says so"


async def test_a_connection_without_a_login_is_left_alone(world: World):
    await act(world.services, world.run, world.call(amount=1))
    assert world.link.configs == [{"command": "erp"}]
