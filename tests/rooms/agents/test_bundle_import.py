"""From one installation to another: the same revision, its bindings named, its way told."""

from __future__ import annotations

import base64
import json

import pytest
from sqlalchemy import func, select

from signoff.agents.actions import create_agent, freeze_revision, save_draft
from signoff.agents.signed_bundle import (
    check_bundle,
    distrust_key,
    export_bundle,
    import_bundle,
    importing,
    plan_import,
    provenance_of,
    trust_key,
)
from signoff.agents.signed_bundle.leaks import SecretInBundle
from signoff.agents.signed_bundle.refusals import AgentExists, BindingsMissing, BundleRefused
from signoff.connections.secrets import replace_secret
from signoff.deployments.queries import live_revisions
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.kit.redact import Redactor
from signoff.record import audit
from signoff.releases.actions import switch_live
from signoff.tables.agents import Agent, Draft, RefusedSave, Revision
from signoff.tables.bundles import RevisionOrigin
from signoff.tables.connections import Secret, Tool
from tests.rooms.agents.kit_agents import body, person
from tests.rooms.agents.kit_instances import Instance
from tests.rooms.agents.test_bundle_checks import BOUND


def bind(at: Instance, environment: str, value: str = "correct-horse-battery") -> None:
    erp = at.connect(environment, "erp", find="read", post="write")
    at.keep("ERP_TOKEN", erp, value)


@pytest.fixture
def bundle(here: Instance) -> bytes:
    bind(here, "production")
    here.freeze(**BOUND)
    return here.export()


def test_the_revision_has_the_same_hash_there_and_serves_nowhere(here: Instance, there: Instance, bundle: bytes):
    there.trust(here)
    bind(there, "staging")
    with there.store.write() as session:
        plan = plan_import(session, there.ann, bundle)
        assert (plan.kind, plan.agent, plan.number, plan.environment) == ("create", "supplier-mail", 1, "staging")
        assert (plan.lacks, plan.signer) == ((), "https://here.example")
        assert session.scalar(select(func.count()).select_from(Agent)) == 0
        made = import_bundle(session, there.ann, bundle, seen=plan.seen)
    with here.store.read() as session:
        ours = session.scalars(select(Revision.hash)).one()
    with there.store.read() as session:
        row = session.get_one(Revision, made.revision_id)
        assert (row.hash, made.hash, made.number) == (ours, ours, 1)
        assert live_revisions(session, there.ann, [made.agent_id])[made.agent_id] == []
        assert audit.verify(session, there.at.workspace_id).first_broken_seq is None


def test_both_missing_bindings_are_named_and_nothing_is_imported(here: Instance, there: Instance, bundle: bytes):
    there.trust(here)
    with pytest.raises(BindingsMissing) as refused, there.store.write() as session:
        import_bundle(session, there.ann, bundle)
    assert "connection erp" in refused.value.detail
    assert "secret ERP_TOKEN" in refused.value.detail
    assert [one["name"] for one in refused.value.extra["missing"]] == ["erp", "ERP_TOKEN"]
    with there.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Agent)) == 0
        assert session.scalar(select(func.count()).select_from(RevisionOrigin)) == 0


def test_imported_although_bindings_are_missing_it_goes_live_only_where_they_are(
    here: Instance, there: Instance, bundle: bytes
):
    there.trust(here)
    with there.store.write() as session:
        made = import_bundle(session, there.ann, bundle, allow_missing=True)
    assert made.missing == ("erp", "ERP_TOKEN")
    with pytest.raises(BindingsMissing, match=r"connection erp, secret ERP_TOKEN"):
        switch_live(there.store, there.ann, made.agent_id, environment="staging", revision=1, reason="try")
    bind(there, "staging")
    switch_live(there.store, there.ann, made.agent_id, environment="staging", revision=1, reason="bound now")
    with pytest.raises(BindingsMissing, match="production lacks"):
        switch_live(there.store, there.ann, made.agent_id, environment="production", revision=1, reason="not there")
    with there.store.read() as session:
        live = live_revisions(session, there.ann, [made.agent_id])[made.agent_id]
        assert [one.environment for one in live] == ["staging"]


def test_a_tool_that_is_not_accepted_or_has_another_schema_is_named(here: Instance, there: Instance, bundle: bytes):
    there.trust(here)
    erp = there.connect("staging", "erp", find="read")
    there.keep("ERP_TOKEN", erp, "correct-horse-battery")
    with there.store.write() as session:
        tool = session.scalars(select(Tool).where(Tool.connection_id == erp)).one()
        tool.definition = {"input_schema": {"type": "object", "properties": {"id": {}}}}
    with there.store.read() as session:
        plan = plan_import(session, there.ann, bundle)
    assert [one.name for one in plan.missing] == ["erp.post"]
    assert [one.name for one in plan.differing] == ["erp.find"]
    with pytest.raises(BindingsMissing, match=r"tool erp\.post, tool erp\.find"), there.store.write() as session:
        import_bundle(session, there.ann, bundle)


def test_a_bundle_of_an_unknown_signer_is_refused_until_trusted_and_after(
    here: Instance, there: Instance, bundle: bytes
):
    bind(there, "staging")
    with pytest.raises(BundleRefused, match="signer") as refused, there.store.write() as session:
        import_bundle(session, there.ann, bundle)
    assert set(refused.value.errors) == {"signer"}
    entry = there.trust(here)
    with pytest.raises(NotNow, match="trusted already"):
        there.trust(here)
    with there.store.write() as session:
        plan_import(session, there.ann, bundle)
        distrust_key(session, there.ann, entry)
    with pytest.raises(BundleRefused), there.store.write() as session:
        import_bundle(session, there.ann, bundle)
    with pytest.raises(NotFound), there.store.write() as session:
        distrust_key(session, there.ann, entry)


def test_who_may_trust_and_import(here: Instance, there: Instance, bundle: bytes):
    vic = person(there.store, there.at, "Vic", "viewer")
    with pytest.raises(NotAllowed), there.store.write() as session:
        trust_key(session, vic, public_key=here.key, name="here")
    with pytest.raises(NotAllowed), there.store.write() as session:
        import_bundle(session, vic, bundle)
    with pytest.raises(Malformed, match="32 bytes"), there.store.write() as session:
        trust_key(session, there.ann, public_key="AAAA", name="here")


def test_importing_twice_makes_nothing_and_a_next_one_is_the_next_revision(
    here: Instance, there: Instance, bundle: bytes
):
    there.trust(here)
    bind(there, "staging")
    agent = "supplier-mail"
    with there.store.write() as session:
        first = import_bundle(session, there.ann, bundle)
    with there.store.write() as session:
        again = import_bundle(session, there.ann, bundle)
        assert (again.kind, again.revision_id, again.number) == ("same", first.revision_id, 1)
    here.freeze_again(agent, 1, **{**BOUND, "sop": "# Goal\nPost every bill twice a day."})
    following = here.export(revision=2)
    with there.store.write() as session:
        draft = session.get_one(Draft, first.agent_id)
        save_draft(session, there.ann, first.agent_id, body=body(sop="Mine."), version=draft.version)
        plan = plan_import(session, there.ann, following)
        assert (plan.kind, plan.number, plan.overwrites_draft) == ("revision", 2, True)
        assert not plan.diff.is_empty
    with there.store.write() as session:
        made = import_bundle(session, there.ann, following, seen=plan.seen)
        assert made.number == 2
        kept = session.scalars(select(RefusedSave.body)).one()
        assert kept["sop"] == "Mine."
    with pytest.raises(AgentExists), there.store.write() as session:
        import_bundle(session, there.ann, bundle, seen=plan.seen)


def test_an_agent_of_the_same_name_gets_a_revision_or_the_import_another_name(
    here: Instance, there: Instance, bundle: bytes
):
    there.trust(here)
    bind(there, "staging")
    there.freeze(sop="Something else.")
    with there.store.write() as session:
        assert plan_import(session, there.ann, bundle).kind == "revision"
        made = import_bundle(session, there.ann, bundle, slug="from-here")
        assert (made.agent, made.kind, made.number) == ("from-here", "create", 1)
    with pytest.raises(Malformed), there.store.write() as session:
        import_bundle(session, there.ann, bundle, slug="../x")


def test_the_chain_goes_on_with_each_import_and_each_promotion(here: Instance, there: Instance, bundle: bytes):
    there.trust(here)
    bind(there, "staging")
    with there.store.write() as session:
        made = import_bundle(session, there.ann, bundle)
    switch_live(there.store, there.ann, made.agent_id, environment="staging", revision=1, reason="go")
    further = there.export()
    found = check_bundle(further, there.trusted())
    assert found.is_good
    assert found.payload is not None
    links = found.payload.provenance
    assert [(link.act, link.instance.name, link.environment) for link in links] == [
        ("frozen", "https://here.example", None),
        ("promoted", "https://here.example", "production"),
        ("promoted", "https://here.example", "staging"),
        ("imported", "https://there.example", None),
        ("promoted", "https://there.example", "staging"),
    ]
    assert links[3].bundle == check_bundle(bundle, here.trusted()).digest
    with there.store.read() as session:
        told = provenance_of(session, there.ann, "supplier-mail", 1)
    assert [(link.act, link.environment) for link in told.links] == [(link.act, link.environment) for link in links]
    assert (told.signer, told.hash) == ("https://here.example", made.hash)
    # And back to where it came from: the same revision, so nothing is made.
    here.trust(there)
    with here.store.write() as session:
        assert import_bundle(session, here.ann, further, environment="production").kind == "same"


def test_no_secret_value_leaves_in_whatever_form(here: Instance):
    erp = here.connect("production", "erp", find="read")
    here.keep("ERP_TOKEN", erp, "correct-horse-battery")
    here.keep("ERP_PIN", erp, "90210777")
    agent = here.freeze(sop="# Goal\nSign in.\nUse correct-horse-battery there.")
    with pytest.raises(SecretInBundle) as refused:
        here.export()
    assert list(refused.value.errors.items()) == [("revision.body.sop line 3", ["holds the value of ERP_TOKEN"])]
    assert "correct-horse" not in refused.value.detail
    value = "correct-horse-battery"
    forms = (base64.b64encode(value.encode()).decode(), value.encode().hex(), value[::-1])
    for version, sop in enumerate(forms, 1):
        number = here.freeze_again(agent, version, sop=f"Send {sop} there.")
        with pytest.raises(SecretInBundle):
            here.export(revision=number)
    schema = {"type": "object", "properties": {"pin": {"const": 90210777}}}
    number = here.freeze_again(agent, 4, input_schema=schema)
    with pytest.raises(SecretInBundle, match=r"input_schema\.properties\.pin\.const holds .*ERP_PIN"):
        here.export(revision=number)
    number = here.freeze_again(agent, 5, output_schema={"type": "object", "properties": {"correct-horse-battery": {}}})
    with pytest.raises(SecretInBundle) as refused:
        here.export(revision=number)
    assert "correct-horse" not in json.dumps([refused.value.detail, refused.value.errors])
    number = here.freeze_again(agent, 6, sop="Use {{secret.ERP_TOKEN}} there.", secrets=["ERP_TOKEN"])
    assert b"correct-horse" not in here.export(revision=number)


def test_a_value_that_was_replaced_does_not_leave_either(here: Instance):
    erp = here.connect("production", "erp", find="read")
    here.keep("ERP_TOKEN", erp, "correct-horse-battery")
    here.freeze(sop="Use correct-horse-battery there.")
    with here.store.write() as session:
        secret = session.scalars(select(Secret)).one()
        replace_secret(session, here.ann, here.vault, secret.id, value="another-value-now")
    with pytest.raises(SecretInBundle):
        here.export()


def test_what_else_must_not_leave_is_looked_for(here: Instance):
    here.freeze(sop="Use sk-live-0123456789 there.")
    also = [Redactor({"openai": "sk-live-0123456789"})]
    with pytest.raises(SecretInBundle, match="openai"), here.store.write() as session:
        export_bundle(
            session, here.ann, here.vault, "supplier-mail", 1, instance="https://here.example", also_secret=also
        )


def test_a_name_that_cannot_be_shown_is_told_at_the_export(here: Instance):
    with here.store.write() as session:
        agent = create_agent(session, here.ann, slug="odd", name="hel\u200bper", body=body())
        freeze_revision(session, here.ann, agent, reason="first")
    with pytest.raises(BundleRefused, match="form"):
        here.export("odd")


def test_a_stranger_is_told_there_is_no_such_agent(here: Instance, there: Instance):
    here.freeze()
    with pytest.raises(NotFound), here.store.write() as session:
        export_bundle(session, there.ann, here.vault, "supplier-mail", 1, instance="https://here.example")


def test_the_hash_of_a_revision_does_not_depend_on_where_it_was_frozen(here: Instance, there: Instance):
    for one in (here, there):
        bind(one, "production", f"another value at {one.name}")
        one.freeze(**BOUND)
    hashes: set[str] = set()
    for one in (here, there):
        with one.store.read() as session:
            hashes.add(session.scalars(select(Revision.hash)).one())
    assert len(hashes) == 1


def test_of_two_imports_at_the_same_moment_the_later_is_told_to_try_again(
    here: Instance, there: Instance, bundle: bytes, monkeypatch: pytest.MonkeyPatch
):
    there.trust(here)
    bind(there, "staging")
    with there.store.write() as session:
        early = plan_import(session, there.ann, bundle)
        import_bundle(session, there.ann, bundle)
    with monkeypatch.context() as patched:
        patched.setattr(importing, "plan_import", lambda *_, **__: early)
        with pytest.raises(AgentExists, match="import it again"), there.store.write() as session:
            import_bundle(session, there.ann, bundle)
    with there.store.write() as session:
        assert import_bundle(session, there.ann, bundle).kind == "same"
