"""Where a schema stands is told without Alembic, and as Alembic would tell it."""

from __future__ import annotations

import subprocess
import sys

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from signoff.tables.migrate import migrate
from signoff.tables.schema import FOLDER, head, heads_of, known, schema_state
from signoff.tables.session import Store


def test_the_names_of_the_files_are_the_steps_that_alembic_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert list(known()) == [script.revision for script in reversed(list(scripts.walk_revisions()))]
    assert head() == scripts.get_current_head()


def test_the_name_of_a_database_is_read_as_alembic_reads_it(empty_url: str) -> None:
    migrate(empty_url)
    store = Store.open(empty_url)
    with store.engine.connect() as connection:
        assert heads_of(connection) == MigrationContext.configure(connection).get_current_heads() == (head(),)
    assert schema_state(store.engine) == "current"
    store.close()


def test_a_server_does_not_load_what_only_some_connections_and_migrations_need() -> None:
    """Each of them holds 5 to 16 MB."""
    code = "import sys, signoff.app.build; print({'alembic', 'mako', 'mcp', 'mcp_types'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
