"""Named SQL, and the migrations of the schema."""

import re

import pytest

from rootcellar import schema
from rootcellar.stores import statements

FILES = ("sqlite.sql", "postgresql.sql", "sqlite_ledger.sql", "postgresql_ledger.sql")


@pytest.mark.parametrize("file", FILES)
def test_every_statement_has_a_name_and_a_text_without_comments(file: str) -> None:
    """And is one statement: a driver's prepared statement cannot be two."""
    loaded = statements.load(file)

    assert loaded
    for name, text in loaded.items():
        assert text, name
        assert "--" not in text, name
        assert ";" not in text, name


def test_both_sql_engines_have_the_same_verbs() -> None:
    """Whatever one calls a verb, so does the other."""
    verbs = {"put", "get", "get_many", "states", "delete", "scan", "purge", "purge_groups", "stats", "size", "version"}
    verbs |= {"group_put", "group_get", "group_delete", "version_create", "version_put", "version_exists"}

    assert verbs == verbs & set(statements.load("sqlite.sql")) & set(statements.load("postgresql.sql"))


def test_both_chord_ledgers_have_the_same_verbs() -> None:
    """As above."""
    verbs = {"open", "keep_opening", "set_size", "add", "report", "renew", "release", "parts", "failed", "finish"}
    verbs |= {"begin_body", "due", "purge_chords"}

    assert verbs == verbs & set(statements.load("sqlite_ledger.sql")) & set(statements.load("postgresql_ledger.sql"))


@pytest.mark.parametrize("file", FILES)
def test_tables_are_named_by_the_store_alone(file: str) -> None:
    """``database_table_names`` must reach every statement."""
    for name, text in statements.load(file).items():
        assert not re.search(r"cellar_(record|group|waiter|chord)", text), name


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_migrations_are_numbered_from_one_without_a_gap(engine: str) -> None:
    """The schema is their sum, so none may be missing."""
    found = schema.migrations(engine)

    assert list(range(1, len(found) + 1)) == [step.version for step in found]
    assert found[-1].version == schema.latest(engine)
    assert all(step.name and step.sql.strip() for step in found)


def test_both_sql_engines_are_at_the_same_version() -> None:
    """So that a record can be copied from one to the other."""
    assert schema.latest("sqlite") == schema.latest("postgresql")
