"""Who may import what, and who may speak to the world."""

from __future__ import annotations

import ast

from importlinter.application.use_cases import lint_imports
from importlinter.configuration import configure

from tests.contracts.kit_source import SRC, calls, dotted, imported, modules

# Below signoff. Everything else reaches the world through these.
NETWORK_DOORS = ("connectors", "gateways.model.providers")
NETWORK_MODULES = {
    "aiohttp",
    "ftplib",
    "http.client",
    "imaplib",
    "poplib",
    "smtplib",
    "ssl",
    "urllib.request",
    "websockets",
    "xmlrpc",
}
NETWORK_CALLS = {"asyncio.open_connection", "asyncio.start_server", "loop.create_connection", "loop.create_server"}
# Reads a name of this machine; nothing is sent.
ASKS_THIS_MACHINE = {"socket.gethostname"}
# MCP servers that the operator named; our own reader of PDFs, walled off in a process of its own; the demo's ERP.
PROGRAM_DOORS = ("connectors.mcp", "connectors.mail.pdf", "connectors.vaults.key_service", "demo", "cli")
PROGRAM_MODULES = {"subprocess", "multiprocessing", "pty"}
PROGRAM_CALLS = {"os.system", "os.popen", "os.fork", "os.posix_spawn", "asyncio.create_subprocess_exec"}
# Who may ask for the plain value of a secret: the gateway puts it into a call, discovery into a header.
SECRET_DOORS = ("gateways.tool", "connections")


def test_the_import_contracts_hold():
    # Not its command line's function: that sets up logging anew, and silences every logger there is for the rest.
    configure()
    assert lint_imports(config_filename=str(SRC.parents[1] / "pyproject.toml"), cache_dir=None)


def test_only_connectors_and_providers_open_sockets():
    wrong = [
        f"{module.at(node)} imports {name}"
        for module in modules()
        if not module.is_in(*NETWORK_DOORS)
        for node, name in imported(module)
        if name in NETWORK_MODULES or name.split(".")[0] in NETWORK_MODULES
    ]
    wrong += [
        f"{module.at(node)} calls {name}"
        for module in modules()
        if not module.is_in(*NETWORK_DOORS)
        for node, name in calls(module)
        if name in NETWORK_CALLS or (name.startswith("socket.") and name not in ASKS_THIS_MACHINE)
    ]
    assert wrong == []


def test_only_few_places_start_programs():
    wrong = [
        f"{module.at(node)} uses {name}"
        for module in modules()
        if not module.is_in(*PROGRAM_DOORS)
        for node, name in [*imported(module), *calls(module)]
        if name.split(".")[0] in PROGRAM_MODULES or name in PROGRAM_CALLS
    ]
    assert wrong == []


def test_a_secret_becomes_plain_in_the_tool_gateway_only():
    wrong = [
        module.at(node)
        for module in modules()
        if not module.is_in(*SECRET_DOORS)
        for node, name in [*imported(module), *calls(module)]
        if name.rsplit(".", 1)[-1] == "reveal_for_call"
    ]
    assert wrong == []


def test_a_room_says_what_it_is_for():
    """The first lines of a room are its charter; without them nobody knows what belongs in it."""
    rooms = [module for module in modules() if module.path.name == "__init__.py" and module.name.count(".") == 1]
    silent = [module.name for module in rooms if len((ast.get_docstring(module.tree) or "").split()) < 5]
    assert rooms
    assert silent == []


def test_nobody_is_called_helper():
    """A name that says nothing collects everything."""
    empty = {"utils", "util", "helpers", "helper", "common", "core", "misc", "base"}
    wrong = [m.name for m in modules() if m.name.rsplit(".", 1)[-1] in empty and m.name != "signoff.tables.base"]
    assert wrong == []


def test_the_doors_are_read_as_written():
    """The checks above see what they are meant to see."""
    call = ast.parse("os.system('x')").body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert dotted(call.value.func) == "os.system"
