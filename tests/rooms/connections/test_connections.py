"""Connections are made, changed, switched off, ended; by those who may, with a row in the audit."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.connections import actions, queries
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.settings import Settings, StdioCommand
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit


def make(session: Any, who: Principal, place: kit.Place, **more: Any) -> str:
    given = {
        "environment_id": place.production,
        "slug": "files",
        "name": "Files",
        "kind": "files",
        "config": {"folder": "/srv/files"},
    }
    return actions.create_connection(session, who, **{**given, **more})


def test_a_connection_is_made_and_told_of(store: Store, acme: kit.Place, erp: str) -> None:
    with store.read() as session:
        found = queries.connection(session, acme.owner, erp)
        assert (found.row.slug, found.row.kind, found.row.state, found.row.health) == (
            "erp", "mcp_http", "active", "unknown",
        )  # fmt: skip
        assert found.hosts == ("erp.example.com",)
        assert found.secret_names == found.missing_secrets == ("ERP_TOKEN",)
        assert kit.audited(session, "connection.created") == [
            {"slug": "erp", "kind": "mcp_http", "hosts": ["erp.example.com"]}
        ]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("mcp_http", {}),
        ("mcp_http", {"url": "ftp://x"}),
        ("mcp_http", {"url": "https://{{secret.X}}.example.com/"}),
        ("mcp_http", {"url": "https://u:p@erp.example.com/"}),
        ("mcp_http", {"url": kit.URL, "headers": {"Authorization": "Bearer abcdef"}}),
        ("mcp_http", {"url": kit.URL, "headers": {"X-Api-Key": "abcdef"}}),
        ("mcp_http", {"url": kit.URL, "headers": {"Host": "other"}}),
        ("mcp_http", {"url": kit.URL, "headers": {"X": "a\r\nY: b"}}),
        ("mcp_http", {"url": kit.URL, "headers": ["X"]}),
        ("mcp_http", {"url": kit.URL, "command": "x"}),
        ("mcp_stdio", {"command": "npx", "args": ["--yes", "x"]}),
        ("mcp_stdio", {"command": "npx --yes x"}),
        ("mcp_stdio", {"command": "/bin/sh"}),
        ("mcp_stdio", {"command": ["erp"]}),
        ("mcp_stdio", {"command": "erp", "env": {}}),
        ("openapi", {}),
        ("openapi", {"url": kit.URL, "document": {}}),
        ("openapi", {"document": {"openapi": "3.1.0", "paths": {}}}),
        ("openapi", {"document": {"servers": [{"url": "file:///etc"}]}}),
        ("mail", {"folder": ""}),
        ("mail", {"folder": "a\0b"}),
        ("mail", {"folder": 3}),
        ("shell", {"command": "id"}),
        ("files", {"folder": "/srv", "timeout_seconds": 0}),
        ("files", {"folder": "/srv", "timeout_seconds": True}),
        ("files", {"folder": "/srv", "timeout_seconds": "5"}),
        ("files", {"folder": "/srv", "timeout_seconds": float("nan")}),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused_by_field(
    store: Store, acme: kit.Place, kind: str, config: dict[str, Any]
) -> None:
    with store.write() as session, pytest.raises(Malformed) as caught:
        make(session, acme.owner, acme, kind=kind, config=config)
    assert caught.value.errors


def test_with_settings_only_what_the_operator_allows_is_made(store: Store, acme: kit.Place, tmp_path: Any) -> None:
    settings = Settings(stdio_commands={"erp": StdioCommand(command="erp-server")}, mail_roots=[tmp_path])
    with store.write() as session:
        with pytest.raises(Malformed, match="they name: erp"):
            make(session, acme.owner, acme, kind="mcp_stdio", config={"command": "other"}, settings=settings)
        with pytest.raises(Malformed, match="mail_roots"):
            make(session, acme.owner, acme, config={"folder": "/etc"}, settings=settings)
        with pytest.raises(Malformed, match="mail_roots"):
            make(session, acme.owner, acme, config={"folder": f"{tmp_path}/../.."}, settings=settings)
        assert make(session, acme.owner, acme, config={"folder": str(tmp_path / "in")}, settings=settings)


def test_how_long_a_call_may_take_is_kept(store: Store, acme: kit.Place) -> None:
    with store.write() as session:
        made = make(session, acme.owner, acme, config={"folder": "/srv", "timeout_seconds": 5})
        assert queries.connection(session, acme.owner, made).config == {"folder": "/srv", "timeout_seconds": 5}


@pytest.mark.parametrize("slug", ["", "Erp", "1erp", "a b", "e/rp", "x" * 64, "ërp"])
def test_a_slug_that_could_not_stand_in_an_address_is_refused(store: Store, acme: kit.Place, slug: str) -> None:
    with store.write() as session, pytest.raises(Malformed):
        make(session, acme.owner, acme, slug=slug)


def test_a_slug_is_taken_once_per_environment(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        with pytest.raises(NotNow, match="already has a connection"):
            make(session, acme.owner, acme, slug="erp")
        assert make(session, acme.owner, acme, slug="erp", environment_id="staging")


def test_strangers_find_nothing_and_viewers_change_nothing(store: Store, acme: kit.Place, erp: str) -> None:
    other = kit.place(store, "other").owner
    with store.write() as session:
        for attempt in (
            lambda who: queries.connection(session, who, erp),
            lambda who: queries.tools_of(session, who, erp),
            lambda who: queries.used_by(session, who, erp),
            lambda who: actions.edit_connection(session, who, erp, name="x"),
            lambda who: actions.disable_connection(session, who, erp),
            lambda who: actions.disconnect(session, who, erp),
            lambda who: actions.record_discovery(session, who, erp, specs=[]),
            lambda who: actions.accept_tool(session, who, erp, tool="x"),
            lambda who: actions.set_tool_effect(session, who, erp, tool="x", effect="read"),
        ):
            with pytest.raises(NotFound):
                attempt(other)
        with pytest.raises(Malformed):
            make(session, other, acme)
        with pytest.raises(NotAllowed):
            make(session, acme.viewer, acme)
        with pytest.raises(NotAllowed):
            actions.disconnect(session, acme.viewer, erp)
        assert list(queries.connections_page(session, other).rows) == []
        in_staging = acme.as_role("manager", environment_id=acme.staging)
        with pytest.raises(NotFound):
            queries.connection(session, in_staging, erp)
        assert list(queries.connections_page(session, in_staging).rows) == []


def test_an_edit_makes_a_new_version_and_a_stale_one_is_refused(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        actions.record_health(session, erp, ok=False, error="down")
        assert actions.edit_connection(session, acme.owner, erp, name="ERP 2", version=1) == 2
        with pytest.raises(NotNow, match="meanwhile"):
            actions.edit_connection(session, acme.owner, erp, name="ERP 3", version=1)
        assert queries.connection(session, acme.owner, erp).row.health == "broken"
        actions.edit_connection(session, acme.owner, erp, config={"url": "https://new.example.com/"})
        found = queries.connection(session, acme.owner, erp)
        assert (found.row.health, found.row.last_error, found.hosts) == ("unknown", None, ("new.example.com",))
        assert kit.audited(session, "connection.edited")[-1] == {
            "version": 3,
            "hosts_before": ["erp.example.com"],
            "hosts": ["new.example.com"],
        }


def test_off_on_and_gone(store: Store, acme: kit.Place, erp: str) -> None:
    with store.write() as session:
        actions.disable_connection(session, acme.owner, erp, reason="audit")
        with pytest.raises(NotNow, match="is disabled"):
            actions.disable_connection(session, acme.owner, erp)
        actions.enable_connection(session, acme.owner, erp)
        actions.disconnect(session, acme.owner, erp, reason="sold")
        for attempt in (actions.enable_connection, actions.disconnect, actions.disable_connection):
            with pytest.raises(NotNow):
                attempt(session, acme.owner, erp)
        with pytest.raises(NotNow):
            actions.edit_connection(session, acme.owner, erp, name="x")
        assert queries.connection(session, acme.owner, erp).row.state == "disconnected"
        assert list(queries.connections_page(session, acme.owner).rows) == []
        assert [row.id for row in queries.connections_page(session, acme.owner, state="disconnected").rows] == [erp]
        assert make(session, acme.owner, acme, slug="erp"), "its slug is free again"
        assert kit.audited(session, "connection.disconnected") == [{"reason": "sold"}]


def test_health_remembers_when_it_broke(store: Store, acme: kit.Place, erp: str) -> None:
    def row(session: Any) -> Any:
        session.expire_all()
        return queries.connection(session, acme.owner, erp).row

    with store.write() as session:
        actions.record_health(session, erp, ok=False, error="first\0\ud800")
        broken_at = row(session).broken_at
        assert broken_at is not None
        actions.record_health(session, erp, ok=False, error="x" * 5000)
        assert row(session).broken_at == broken_at
        assert len(row(session).last_error) <= 1000
        actions.record_health(session, erp, ok=True)
        assert (row(session).health, row(session).broken_at, row(session).last_error) == ("ok", None, None)
        actions.record_health(session, erp, ok=False, error="of an old version", version=99)
        assert row(session).health == "ok"


def test_a_list_is_paged_and_counts_tools(store: Store, acme: kit.Place) -> None:
    with store.write() as session:
        ids = [make(session, acme.owner, acme, slug=f"s{number}") for number in range(5)]
        actions.record_discovery(session, acme.owner, ids[4], specs=[kit.spec("a"), kit.spec("b")])
        actions.record_discovery(session, acme.owner, ids[4], specs=[kit.spec("a", "other"), kit.spec("c")])
        first = queries.connections_page(session, acme.owner, size=2)
        assert [row.slug for row in first.rows] == ["s4", "s3"]
        assert (first.rows[0].tools, first.rows[0].tools_waiting) == (2, 2)
        second = queries.connections_page(session, acme.owner, size=2, cursor=first.next_cursor)
        assert [row.slug for row in second.rows] == ["s2", "s1"]
        assert list(queries.connections_page(session, acme.owner, environment="staging").rows) == []
        assert len(queries.connections_page(session, acme.owner, environment="production", kind="files").rows) == 5
        found = queries.connection_by_slug(session, acme.owner, environment="production", slug="s3")
        assert found.row.id == ids[3]
        with pytest.raises(NotFound):
            queries.connection_by_slug(session, acme.owner, environment="staging", slug="s3")
