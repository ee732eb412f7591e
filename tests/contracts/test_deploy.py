"""What stands in deploy/ is whole, fits the product, and names nobody's registry."""

from __future__ import annotations

import importlib.util
import json
import re
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

import signoff
from signoff.runs.states import RUN_STATES
from signoff.settings import Settings
from signoff.watch.objectives.promises import promises, window_name
from tests.contracts.kit_source import ROOT, modules
from tests.contracts.test_documents import setting_names

DEPLOY = ROOT / "deploy"
YAML = sorted(DEPLOY.rglob("*.yaml"))
DASHBOARDS = sorted(DEPLOY.rglob("*.json"))


def generator() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("deploy_generate", DEPLOY / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def metrics() -> set[str]:
    code = "".join(module.text for module in modules() if module.name == "signoff.api.metrics")
    return set(re.findall(r"# TYPE (signoff_\w+) ", code))


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def expressions() -> list[str]:
    """Every query of the rules and the dashboards."""
    groups = documents(DEPLOY / "prometheus" / "rules.yaml")[0]["groups"]
    found = [rule["expr"] for group in groups for rule in group["rules"]]
    for path in DASHBOARDS:
        panels = json.loads(path.read_text())["panels"]
        assert panels
        found += [target["expr"] for panel in panels for target in panel["targets"]]
    return found


@pytest.mark.parametrize("path", [*YAML, *DASHBOARDS], ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_each_file_can_be_read(path: Path) -> None:
    found = json.loads(path.read_text()) if path.suffix == ".json" else documents(path)
    assert found
    assert None not in found


def test_rules_and_dashboards_ask_for_metrics_states_and_windows_that_exist() -> None:
    text = "\n".join(expressions())
    names = set(re.findall(r"\bsignoff_\w+", text))
    assert len(names) >= 6
    assert names - metrics() == set()
    asked = re.findall(r'state=~?"([^"]+)"', text)
    assert {state for group in asked for state in group.split("|")} - set(RUN_STATES) == set()
    assert set(re.findall(r'slo="([^"]+)"', text)) - {each.name for each in promises().slo} == set()
    assert set(re.findall(r'window="([^"]+)"', text)) == {window_name(each) for each in promises().windows}


def test_the_rules_are_those_of_the_objectives() -> None:
    made = generator()
    assert made.RULES.read_text() == made.rules(), "Run python deploy/generate.py."


def images() -> list[str]:
    text = "\n".join(path.read_text() for path in [*YAML, DEPLOY / "Containerfile"])
    return re.findall(r"^\s*(?:image|BASE_IMAGE): (\S+)", text, re.MULTILINE) + re.findall(
        r"^(?:ARG BASE_IMAGE=|FROM )(\S+)", text, re.MULTILINE
    )


def test_no_image_names_a_host_and_ours_has_this_version() -> None:
    found = images()
    assert len(found) >= 6
    assert [image for image in found if "/" in image] == []
    ours = {image for image in found if image.startswith("signoff:")}
    assert {re.sub(r"\$\{\w+:-(.*)\}", r"\1", image) for image in ours} == {f"signoff:{signoff.__version__}"}


def test_every_setting_named_exists() -> None:
    text = "\n".join(path.read_text() for path in [*YAML, DEPLOY / "Containerfile"])
    named = set(re.findall(r"^\s*(?:- name: )?(SIGNOFF_[A-Z_]+)(?::|$|=)", text, re.MULTILINE))
    named |= set(re.findall(r"\b(SIGNOFF_[A-Z_]+)=", text))
    assert "SIGNOFF_DATABASE_URL" in named
    assert named - set(setting_names(Settings)) - {"SIGNOFF_PASSWORD"} == set()


def containers() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml")):
        for each in documents(path):
            if each["kind"] in ("Deployment", "Job"):
                found += each["spec"]["template"]["spec"]["containers"]
    return found


def test_every_container_runs_a_command_that_exists_and_can_write_nowhere_else() -> None:
    from signoff.cli.commands import app

    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert {each["args"][0] for each in containers()} == {"serve", "worker", "migrate"}
    assert {each["args"][0] for each in containers()} <= commands
    for each in containers():
        context = each["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_two_workers_stand_beside_the_web_and_the_migration_comes_first() -> None:
    services = documents(DEPLOY / "compose.yaml")[0]["services"]
    assert services["worker"]["deploy"]["replicas"] == 2
    for name in ("web", "worker"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    probes = [each["readinessProbe"]["httpGet"]["path"] for each in containers() if "readinessProbe" in each]
    assert probes == ["/v1/health/ready?part=database&part=migrations"]
