"""Logins: set up, authorised once by one browser, refreshed by one worker, given back; with a real provider."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, update

from signoff.connections import actions, queries
from signoff.connections.logins import authorising, keeping
from signoff.connections.logins.queries import due_logins, login_of
from signoff.connections.logins.refreshing import LoginNeeded, bearer_of, refresh_now, renewed
from signoff.connections.logins.revoking import REVOKE, forget_login, revoke_at_provider
from signoff.connections.logins.sealing import opened_tokens
from signoff.connections.logins.setup import set_up_login
from signoff.connections.logins.states import due_at
from signoff.connections.secrets import rotate_master_key
from signoff.connections.vault import Vault
from signoff.gateways.masking import Masking
from signoff.kit import clock
from signoff.kit.errors import ConnectorError, Malformed, NotAllowed, NotFound, NotNow
from signoff.record import alarms
from signoff.settings import Settings
from signoff.tables.connections import Login, LoginAttempt
from signoff.tables.session import Store
from tests.kit_oauth import Provider, running_provider
from tests.rooms.connections import kit_connections as kit
from tests.rooms.connections.kit_logins import BACK, BROWSER, Desk, setup_of


@pytest.fixture(scope="module")
def server() -> Generator[Provider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def provider(server: Provider) -> Provider:
    for name, value in vars(Provider(url=server.url)).items():
        setattr(server, name, value)
    return server


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    return Settings(data_dir=tmp_path, allow_loopback=True)


@pytest.fixture
def desk(store: Store, acme: kit.Place, vault: Vault, settings: Settings, provider: Provider) -> Desk:
    return Desk(store, vault, settings, acme.owner, acme.production, provider)


async def test_a_person_authorises_it_and_it_can_be_used(desk: Desk):
    with pytest.raises(LoginNeeded, match="Nobody has authorised ERP"):
        await bearer_of(desk.store, desk.services, desk.login_id)
    await desk.authorise()
    bearer = await bearer_of(desk.store, desk.services, desk.login_id)
    assert desk.provider.look_up(bearer.token) is not None
    with desk.store.read() as session:
        view = login_of(session, desk.who, desk.connection_id)
        told = kit.audited(session, "login.authorised")
    assert view is not None
    assert (view.state, view.scopes_granted, view.authorised_by) == ("active", ("orders:read",), "Alice")
    assert told[0]["scopes"] == ["orders:read"]
    assert bearer.token not in repr(bearer) + repr(view) + repr(told)


async def test_what_is_stored_is_sealed_and_opens_nowhere_else(desk: Desk, vault: Vault):
    await desk.authorise()
    row = desk.row()
    token = next(iter(desk.provider.access))
    assert row.tokens is not None
    assert token.encode() not in row.tokens
    assert b"client-secret-1" not in (row.client_secret or b"")
    row.version += 1
    with pytest.raises(Exception, match="does not open"):
        opened_tokens(vault, row)


async def test_a_state_is_good_once_in_one_browser_and_for_a_while(desk: Desk, vault: Vault):
    def begin() -> dict[str, str]:
        with desk.store.write() as session:
            url = authorising.begin_authorisation(
                session, desk.who, vault, desk.connection_id, browser=BROWSER, redirect_uri=BACK
            ).url
        answer = httpx2.get(url, trust_env=False)
        return dict(httpx2.URL(answer.headers["location"]).params)

    def back(state: str, browser: str = BROWSER) -> Any:
        with desk.store.read() as session:
            return authorising.returning(session, state, browser)

    query = begin()
    for state, browser in ((query["state"], "ses_of-another"), ("made-up", BROWSER)):
        with pytest.raises(authorising.NotAuthorised, match="did not begin such a sign-in"):
            back(state, browser)
    found = back(query["state"])
    await authorising.complete_authorisation(
        desk.store, desk.services, desk.who, found, code=query["code"], issuer=None
    )
    with pytest.raises(authorising.NotAuthorised, match="used already"):
        back(query["state"])
    with pytest.raises(authorising.NotAuthorised, match="used already"):
        await authorising.complete_authorisation(desk.store, desk.services, desk.who, found, code="x", issuer=None)
    late = begin()
    with desk.store.write() as session:
        session.execute(update(LoginAttempt).values(expires_at=clock.now()))
    with pytest.raises(authorising.NotAuthorised, match="took too long"):
        back(late["state"])


async def test_an_answer_from_another_provider_is_not_taken(desk: Desk, vault: Vault):
    with desk.store.write() as session:
        away = authorising.begin_authorisation(
            session, desk.who, vault, desk.connection_id, browser=BROWSER, redirect_uri=BACK
        )
    state = httpx2.URL(away.url).params["state"]
    with desk.store.read() as session:
        back = authorising.returning(session, state, BROWSER)
    for _ in range(2):
        with pytest.raises(authorising.NotAuthorised):
            await authorising.complete_authorisation(
                desk.store, desk.services, desk.who, back, code="stolen", issuer="https://evil.example.com"
            )
    assert desk.provider.asked == [], "the code was shown to nobody"


async def test_a_client_signs_in_for_itself(
    store: Store, acme: kit.Place, vault: Vault, settings: Settings, provider: Provider
):
    desk = Desk(store, vault, settings, acme.owner, acme.production, provider, kind="oauth_client_credentials")
    provider.clients["cli-1"] = "another"
    with pytest.raises(authorising.NotAuthorised, match="secret is wrong"):
        await authorising.obtain_as_client(store, desk.services, acme.owner, desk.connection_id)
    assert desk.row().state == "needs_login"
    provider.clients["cli-1"] = "client-secret-1"
    await authorising.obtain_as_client(store, desk.services, acme.owner, desk.connection_id)
    desk.runs_out()
    assert provider.look_up((await bearer_of(store, desk.services, desk.login_id)).token) is not None
    assert len(provider.grants("client_credentials")) == 3


async def test_a_client_that_asks_for_itself_takes_its_token_nowhere_else(
    store: Store, acme: kit.Place, vault: Vault, settings: Settings, provider: Provider
):
    desk = Desk(store, vault, settings, acme.owner, acme.production, provider, kind="oauth_client_credentials")
    await authorising.obtain_as_client(store, desk.services, acme.owner, desk.connection_id)
    with store.write() as session:
        actions.edit_connection(session, desk.who, desk.connection_id, config={"url": "https://evil.example.com/mcp"})
    with pytest.raises(NotNow, match="leads elsewhere") as refused:
        await authorising.obtain_as_client(store, desk.services, acme.owner, desk.connection_id)
    assert refused.value.code == "login_locked"
    assert desk.row().hosts == ["erp.example.com"]
    with pytest.raises(LoginNeeded, match="leads elsewhere"):
        await bearer_of(store, desk.services, desk.login_id)
    # Whoever has the client's secret may say so.
    for secret, hosts in ((None, ["erp.example.com"]), ("client-secret-1", ["evil.example.com"])):
        with store.write() as session:
            setup = setup_of(provider, kind="oauth_client_credentials", client_secret=secret)
            set_up_login(session, acme.owner, vault, desk.connection_id, setup, settings=settings)
        assert desk.row().hosts == hosts
    await authorising.obtain_as_client(store, desk.services, acme.owner, desk.connection_id)
    assert provider.look_up((await bearer_of(store, desk.services, desk.login_id)).token) is not None


async def test_a_token_that_ran_out_is_refreshed_and_the_pair_kept_together(desk: Desk, vault: Vault):
    await desk.authorise()
    before = opened_tokens(vault, desk.row())
    desk.runs_out()
    bearer = await bearer_of(desk.store, desk.services, desk.login_id)
    after = opened_tokens(vault, desk.row())
    assert before is not None
    assert after is not None
    assert (after.access, after.earlier) == (bearer.token, (before.access,))
    assert after.refresh != before.refresh
    assert before.access in bearer.masked, "an earlier token may still be good at the provider, so it stays masked"
    desk.runs_out()
    await bearer_of(desk.store, desk.services, desk.login_id)
    assert desk.provider.reuses == 0


async def test_a_provider_that_does_not_rotate_keeps_its_refresh_token(desk: Desk, vault: Vault):
    desk.provider.rotates = False
    await desk.authorise()
    for _ in range(3):
        desk.runs_out()
        await bearer_of(desk.store, desk.services, desk.login_id)
    assert len({one["refresh_token"] for one in desk.provider.grants("refresh_token")}) == 1


async def test_of_many_who_need_it_at_once_one_asks(desk: Desk):
    await desk.authorise()
    desk.runs_out()
    desk.provider.trouble = "slow"
    found = await asyncio.gather(*(bearer_of(desk.store, desk.services, desk.login_id) for _ in range(20)))
    assert len({bearer.token for bearer in found}) == 1
    assert len(desk.provider.grants("refresh_token")) == 1
    assert desk.provider.reuses == 0


async def test_a_refusal_ends_it_breaks_the_connection_and_alerts_at_once(desk: Desk):
    await desk.authorise()
    desk.runs_out()
    desk.provider.trouble = "invalid_grant"
    with pytest.raises(LoginNeeded, match="could not be refreshed.*Authorise it again"):
        await bearer_of(desk.store, desk.services, desk.login_id)
    with desk.store.read() as session:
        row = queries.connection(session, desk.who, desk.connection_id).row
    assert (desk.row().state, row.health) == ("refresh_failed", "broken")
    assert row.diagnosis is not None
    assert row.diagnosis.code == "expired_or_revoked"
    assert [told["kind"] for told in desk.messages(alarms.RAISE)] == ["login_refresh_failed"]
    with pytest.raises(LoginNeeded):
        await bearer_of(desk.store, desk.services, desk.login_id)
    assert len(desk.provider.grants("refresh_token")) == 1, "what was refused for good is not asked again"
    desk.provider.trouble = ""
    await desk.authorise()
    assert (await bearer_of(desk.store, desk.services, desk.login_id)).token
    assert desk.messages(alarms.RESOLVE)
    with desk.store.read() as session:
        assert queries.connection(session, desk.who, desk.connection_id).row.health == "unknown"


@pytest.mark.parametrize("trouble", ["500", "429", "garbage"])
async def test_a_passing_failure_is_told_and_tried_again_later(desk: Desk, trouble: str):
    await desk.authorise()
    desk.runs_out(seconds=60)
    desk.provider.trouble = trouble
    assert not await refresh_now(desk.store, desk.services, desk.login_id, desk.row().version)
    row = desk.row()
    assert (row.state, row.failures, row.lease_until) == ("active", 1, None)
    assert row.refresh_due_at is not None
    assert row.refresh_due_at > clock.now()
    assert desk.messages(alarms.RAISE)[0]["kind"] == "login_refresh_failing"
    assert "still good" in desk.messages(alarms.RAISE)[0]["text"]
    assert (await bearer_of(desk.store, desk.services, desk.login_id)).token, "the present token still works"


async def test_a_lost_answer_is_told_for_what_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Killed between the provider's answer and our commit: the refresh token that replaced ours is lost."""
    await desk.authorise()
    desk.runs_out()

    class Killed(BaseException):
        """As a power cut would."""

    def die(*_: Any) -> bool:
        raise Killed

    monkeypatch.setattr("signoff.connections.logins.refreshing.keep_refreshed", die)
    with pytest.raises(Killed):
        await bearer_of(desk.store, desk.services, desk.login_id)
    monkeypatch.undo()
    row = desk.row()
    assert (row.is_in_doubt, row.version) == (True, 2)
    desk.change(lease_until=clock.now() - timedelta(seconds=1))
    with pytest.raises(LoginNeeded, match="cut off after the provider had been asked"):
        await bearer_of(desk.store, desk.services, desk.login_id)
    assert (desk.row().state, desk.provider.reuses) == ("refresh_failed", 1)


async def test_a_lost_answer_of_a_provider_that_does_not_rotate_costs_nothing(desk: Desk):
    desk.provider.rotates = False
    await desk.authorise()
    desk.runs_out()
    desk.change(is_in_doubt=True, lease_until=clock.now() - timedelta(seconds=1), lease_holder="lea_dead")
    assert (await bearer_of(desk.store, desk.services, desk.login_id)).token
    assert not desk.row().is_in_doubt


async def test_a_refused_token_is_renewed_once_unless_it_was_already(desk: Desk):
    await desk.authorise()
    first = await bearer_of(desk.store, desk.services, desk.login_id)
    second = await renewed(desk.store, desk.services, desk.login_id, first.version)
    assert second.token != first.token
    third = await renewed(desk.store, desk.services, desk.login_id, first.version)
    assert third.token == second.token, "somebody else had renewed it meanwhile"


async def test_without_a_refresh_token_its_end_is_told(desk: Desk):
    desk.provider.gives_refresh = False
    await desk.authorise()
    bearer = await bearer_of(desk.store, desk.services, desk.login_id)
    with pytest.raises(LoginNeeded, match="gave nothing to refresh it with"):
        await renewed(desk.store, desk.services, desk.login_id, bearer.version)
    assert desk.row().state == "refresh_failed"
    assert desk.messages(alarms.RAISE)


async def test_it_is_bound_to_the_hosts_it_was_authorised_for(desk: Desk):
    await desk.authorise()
    with desk.store.write() as session:
        actions.edit_connection(session, desk.who, desk.connection_id, config={"url": "https://evil.example.com/mcp"})
    with pytest.raises(LoginNeeded, match="leads elsewhere"):
        await bearer_of(desk.store, desk.services, desk.login_id)
    desk.runs_out()
    with pytest.raises(LoginNeeded, match="leads elsewhere"):
        await bearer_of(desk.store, desk.services, desk.login_id)


async def test_disconnecting_gives_the_tokens_back_and_reconnecting_takes_the_slot(desk: Desk, vault: Vault):
    await desk.authorise()
    token = (await bearer_of(desk.store, desk.services, desk.login_id)).token
    with desk.store.write() as session:
        actions.disconnect(session, desk.who, desk.connection_id)
    with pytest.raises(LoginNeeded, match="given back"):
        await bearer_of(desk.store, desk.services, desk.login_id)
    assert await due(desk) == []
    told = desk.messages(REVOKE)
    assert len(told) == 1
    assert token not in repr(told)
    await revoke_at_provider(desk.store, desk.services, **told[0], is_last_try=False)
    assert desk.provider.look_up(token) is None
    assert len(desk.provider.revoked) == 2
    assert desk.row().tokens is None
    with desk.store.write() as session:
        actions.reconnect(session, desk.who, desk.connection_id, slug="erp")
        assert queries.connection(session, desk.who, desk.connection_id).row.state == "active"
        with pytest.raises(NotNow, match="nothing to reconnect"):
            actions.reconnect(session, desk.who, desk.connection_id, slug="erp")
    await desk.authorise()
    assert (await bearer_of(desk.store, desk.services, desk.login_id)).token != token


async def due(desk: Desk) -> list[Any]:
    return await desk.store.read_async(due_logins)


async def test_a_provider_that_does_not_take_them_back_is_told_of(desk: Desk):
    await desk.authorise()
    desk.provider.revoke_trouble = "503"
    with desk.store.write() as session:
        forget_login(session, desk.who, desk.connection_id)
        with pytest.raises(NotNow, match="nothing to give back"):
            forget_login(session, desk.who, desk.connection_id)
    told = desk.messages(REVOKE)[0]
    with pytest.raises(ConnectorError):
        await revoke_at_provider(desk.store, desk.services, **told, is_last_try=False)
    assert desk.row().tokens is not None
    await revoke_at_provider(desk.store, desk.services, **told, is_last_try=True)
    assert desk.row().tokens is None
    assert desk.messages(alarms.RAISE)[-1]["kind"] == "login_not_revoked"


async def test_tokens_that_come_for_an_ended_login_are_given_back(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    await desk.authorise()
    desk.runs_out()
    desk.provider.trouble = "slow"
    asking = asyncio.create_task(bearer_of(desk.store, desk.services, desk.login_id))
    while not desk.provider.grants("refresh_token"):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    with desk.store.write() as session:
        actions.disconnect(session, desk.who, desk.connection_id)
    with pytest.raises(LoginNeeded, match="given back"):
        await asking
    assert desk.provider.revoked
    assert all(desk.provider.look_up(token) is None for token in desk.provider.access)


def test_when_a_token_is_due(desk: Desk):
    start = clock.now()

    def left(life: float, chance: float) -> float:
        at = due_at(start, life, chance)
        assert at is not None
        return life - (at - start).total_seconds()

    assert [round(left(life, 0)) for life in (36_000, 3_600, 600, 60)] == [7_200, 720, 300, 30]
    assert round(left(3_600, 1)) == 900
    assert due_at(start, None, 0) is None


async def test_what_is_due_is_found_most_urgent_first_and_not_while_leased(desk: Desk):
    await desk.authorise()
    assert await due(desk) == []
    desk.runs_out(seconds=60)
    assert [found.id for found in await due(desk)] == [desk.login_id]
    desk.change(lease_until=clock.now() + timedelta(seconds=9))
    assert await due(desk) == []


async def test_every_token_is_masked_whatever_version(desk: Desk, vault: Vault):
    await desk.authorise()
    masking = Masking(vault)

    def masked(text: str) -> str:
        with desk.store.read() as session:
            return masking.redactor(session, desk.row().environment_id).text(text)

    first = (await bearer_of(desk.store, desk.services, desk.login_id)).token
    assert masked(f"it was {first}") == "it was {{secret.login.erp}}"
    second = (await renewed(desk.store, desk.services, desk.login_id, 2)).token
    for value in (first, second, "client-secret-1", *desk.provider.refresh):
        assert value not in masked(f"and {value}") or value not in {first, second, "client-secret-1"}
    live = [value for value, token in desk.provider.refresh.items() if not token.is_used]
    assert all(value not in masked(value) for value in live)


async def test_the_master_key_is_rotated_with_tokens_in_it(desk: Desk, vault: Vault):
    await desk.authorise()
    token = (await bearer_of(desk.store, desk.services, desk.login_id)).token
    new = kit.rotated(vault.keys)
    assert [step.values for step in rotate_master_key(desk.store, new)][-1] == 1
    desk.services.vault = Vault(type(new.keys)(new.keys.current))
    assert (await bearer_of(desk.store, desk.services, desk.login_id)).token == token
    desk.runs_out()
    assert (await bearer_of(desk.store, desk.services, desk.login_id)).token != token


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "password"}, "kind"),
        ({"token_url": "http://login.example.com/token"}, "token_url"),
        ({"token_url": "javascript:alert(1)"}, "token_url"),
        ({"authorize_url": None}, "authorize_url"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": "a\nb"}, "client_id"),
        ({"client_secret": None}, "client_secret"),
        ({"scopes": ["two words"]}, "scopes"),
        ({"scopes": [f"s{n}" for n in range(101)]}, "scopes"),
        ({"kind": "oauth_client_credentials", "principal": "personal"}, "principal"),
        ({"kind": "oauth_client_credentials", "client_auth": "none"}, "client_auth"),
        ({"resource": "not an address"}, "resource"),
    ],
)
def test_a_wrong_setup_says_where(
    store: Store, acme: kit.Place, vault: Vault, settings: Settings, provider: Provider, changes: Any, field: str
):
    with pytest.raises(Malformed) as refusal:
        Desk(store, vault, settings, acme.owner, acme.production, provider, **changes)
    assert list(refusal.value.errors) == [field]


async def test_a_kept_client_secret_does_not_follow_to_another_host(desk: Desk, vault: Vault, settings: Settings):
    await desk.authorise()

    def save(**changes: Any) -> None:
        with desk.store.write() as session:
            setup = setup_of(desk.provider, client_secret=None, **changes)
            set_up_login(session, desk.who, vault, desk.connection_id, setup, settings=settings)

    for changes in ({"token_url": "https://evil.example.com/token"}, {"revoke_url": "https://evil.example.com/x"}):
        with pytest.raises(Malformed, match="another host"):
            save(**changes)
    assert desk.row().state == "active"
    save(scopes=("orders:read", "orders:write"))
    assert desk.row().state == "active", "asking for more takes nothing away until it is authorised again"
    save(token_url=f"{desk.provider.url}/token2")
    assert (desk.row().state, desk.row().tokens) == ("needs_login", None)


async def test_strangers_viewers_and_programs_cannot(desk: Desk, acme: kit.Place, vault: Vault, settings: Settings):
    other = kit.place(desk.store, "other")

    def attempt(who: Any) -> None:
        with desk.store.write() as session:
            authorising.begin_authorisation(session, who, vault, desk.connection_id, browser="b", redirect_uri=BACK)

    with pytest.raises(NotFound):
        attempt(other.owner)
    with pytest.raises(NotAllowed):
        attempt(acme.viewer)
    with desk.store.read() as session, pytest.raises(NotFound):
        login_of(session, other.owner, desk.connection_id)
    with desk.store.write() as session, pytest.raises(NotAllowed):
        set_up_login(session, acme.viewer, vault, desk.connection_id, setup_of(desk.provider), settings=settings)


async def test_old_attempts_are_forgotten(desk: Desk, vault: Vault):
    with desk.store.write() as session:
        authorising.begin_authorisation(session, desk.who, vault, desk.connection_id, browser="b", redirect_uri=BACK)
        session.execute(update(LoginAttempt).values(expires_at=clock.now() - timedelta(hours=2)))
    with desk.store.write() as session:
        authorising.forget_attempts(session)
        assert session.scalars(select(LoginAttempt.id)).all() == []
        assert session.scalars(select(Login.id)).all() == [desk.login_id]


def test_a_lease_outlives_every_request():
    from signoff.connectors.oauth.asking import SECONDS_MAX

    assert keeping.LEASE_SECONDS > 2 * SECONDS_MAX
