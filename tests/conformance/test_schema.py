"""The tables, on every SQL engine: made, upgraded, named, and left alone where they are not ours."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rootcellar import schema
from rootcellar.errors import AccessDenied, SchemaError
from rootcellar.record import Record
from rootcellar.settings import DatabaseSettings, Settings
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from rootcellar.stores.ledger import Opening, Part
from servers import PostgreSQLServer, race

AnyRecord = Callable[..., Record]
Execute = Callable[..., list[Any]]
Tables = Callable[[str], set[str]]

OURS = {
    "sqlite": {"cellar_record", "cellar_group", "cellar_chord", "cellar_chord_part", "cellar_schema"},
    "postgresql": {
        "cellar_record",
        "cellar_group",
        "cellar_waiter",
        "cellar_chord",
        "cellar_chord_part",
        "cellar_schema",
    },
}
BY_HAND = Settings(database=DatabaseSettings(create_tables=False))


def engine_of(url: str) -> str:
    return url.partition(":")[0]


def test_opening_a_store_touches_nothing(sql_store: Store, sql_url: str, tables: Tables, tmp_path: Path) -> None:
    """Nothing is connected until the first verb."""
    assert list(tmp_path.iterdir()) == []
    assert set() == tables(sql_url)


def test_the_first_use_makes_the_tables(sql_store: Store, sql_url: str, tables: Tables, a_record: AnyRecord) -> None:
    """All of them, of the latest version."""
    sql_store.put(a_record("a"))

    assert OURS[engine_of(sql_url)] == tables(sql_url)
    assert schema.latest(engine_of(sql_url)) == sql_store.schema_version()  # type: ignore[attr-defined]


def test_reading_may_be_the_first_use(sql_store: Store) -> None:
    """There is nothing, and that is no error."""
    assert sql_store.get("a") is None


def test_an_upgrade_of_an_empty_database_applies_every_migration(sql_store: Any, sql_url: str, tables: Tables) -> None:
    """And a second one none."""
    steps = list(schema.migrations(engine_of(sql_url)))

    assert sql_store.schema_version() is None
    assert steps == list(sql_store.schema_upgrade())
    assert schema.latest(engine_of(sql_url)) == sql_store.schema_version()
    assert list(sql_store.schema_upgrade()) == []
    assert OURS[engine_of(sql_url)] == tables(sql_url)


def make_version(store: Any, execute: Execute, url: str, version: int) -> None:
    """Make the tables as an earlier release did."""
    for step in schema.migrations(engine_of(url))[:version]:
        for statement in filter(str.strip, store.schema_sql(step).split(";")):
            execute(url, statement)
        execute(url, "CREATE TABLE IF NOT EXISTS cellar_schema (version integer PRIMARY KEY, name text NOT NULL)")
        execute(url, f"INSERT INTO cellar_schema VALUES ({step.version}, '{step.name}')")


@pytest.mark.parametrize("version", [step.version for step in schema.migrations("sqlite")[:-1]])
def test_tables_of_an_earlier_version_are_upgraded_and_keep_what_is_in_them(
    sql_url: str, open_it: Callable[..., Any], execute: Execute, tables: Tables, a_record: AnyRecord, version: int
) -> None:
    """Only what is missing is applied."""
    store = open_it(sql_url, BY_HAND)
    make_version(store, execute, sql_url, version)
    execute(sql_url, "INSERT INTO cellar_record (id, state, payload) VALUES ('old', 'SUCCESS', '{}')")

    assert version == store.schema_version()
    assert list(schema.migrations(engine_of(sql_url))[version:]) == list(store.schema_upgrade())

    assert OURS[engine_of(sql_url)] == tables(sql_url)
    assert store.states(["old"]) == {"old": "SUCCESS"}
    store.chords.open("c", Opening(b"document"))
    store.chords.set_size("c", 1)
    assert store.chords.report(Part("c", "a", 0, "SUCCESS", b"[]"), "t", 60.0).claim is not None


def test_tables_of_an_earlier_version_are_not_written_to_before_they_are_upgraded(
    sql_url: str, open_it: Callable[..., Any], execute: Execute, a_record: AnyRecord
) -> None:
    """The message names the command."""
    store = open_it(sql_url, BY_HAND)
    make_version(store, execute, sql_url, 1)

    with pytest.raises(SchemaError, match=r"version .*rootcellar schema upgrade"):
        store.put(a_record("a"))


def test_the_version_table_says_what_was_applied(sql_store: Any, sql_url: str, execute: Execute) -> None:
    """Number and name."""
    sql_store.schema_upgrade()

    assert [(step.version, step.name) for step in schema.migrations(engine_of(sql_url))] == [
        tuple(row) for row in execute(sql_url, "SELECT version, name FROM cellar_schema ORDER BY version")
    ]


def test_the_sql_a_store_shows_is_what_an_administrator_can_run(
    sql_url: str, open_it: Callable[..., Any], execute: Execute, a_record: AnyRecord, tables: Tables
) -> None:
    """Its names put in; nothing left to fill out."""
    store = open_it(sql_url, BY_HAND)
    for step in schema.migrations(engine_of(sql_url)):
        text = store.schema_sql(step)
        assert "{" not in text
        for statement in filter(str.strip, text.split(";")):
            execute(sql_url, statement)

    assert OURS[engine_of(sql_url)] - {"cellar_schema"} == tables(sql_url)


def test_creation_switched_off_gives_an_error_with_the_command(
    sql_url: str, open_it: Callable[..., Any], tables: Tables, a_record: AnyRecord
) -> None:
    """``database_create_tables_at_setup``; after the command everything works."""
    store = open_it(sql_url, BY_HAND)
    for verb in (lambda: store.put(a_record("a")), lambda: store.get("a"), store.stats, store.watcher):
        with pytest.raises(SchemaError) as caught:
            verb()
        assert "rootcellar schema upgrade -A your_app" in str(caught.value)
        assert "database_create_tables_at_setup is off" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert set() == tables(sql_url)

    store.schema_upgrade()

    assert store.put(a_record("a")) is True


def test_tables_of_a_newer_version_are_refused(
    sql_url: str, open_it: Callable[..., Any], execute: Execute, a_record: AnyRecord
) -> None:
    """This release cannot know what they mean, and must not write to them."""
    open_it(sql_url).schema_upgrade()
    execute(sql_url, "INSERT INTO cellar_schema (version, name) VALUES (9999, 'future')")
    store = open_it(sql_url)

    for verb in (lambda: store.put(a_record("a")), lambda: store.get("a")):
        with pytest.raises(SchemaError, match=r"of version 9999.*Upgrade rootcellar"):
            verb()
    assert [tuple(row) for row in execute(sql_url, "SELECT count(*) FROM cellar_record")] == [(0,)]


@pytest.mark.parametrize("foreign", ["cellar_record", "cellar_group", "cellar_chord", "cellar_chord_part"])
def test_a_table_that_is_not_ours_is_refused_with_nothing_half_written(
    sql_url: str, open_it: Callable[..., Any], execute: Execute, tables: Tables, a_record: AnyRecord, foreign: str
) -> None:
    """The message names the table, and the settings that choose another name."""
    execute(sql_url, f"CREATE TABLE {foreign} (theirs integer)")
    execute(sql_url, f"INSERT INTO {foreign} VALUES (1)")
    store = open_it(sql_url)

    for verb in (lambda: store.put(a_record("a")), store.schema_upgrade):
        with pytest.raises(SchemaError) as caught:
            verb()
        assert foreign in str(caught.value)
        assert "database_table_names" in str(caught.value)
    assert {foreign} == tables(sql_url)
    assert [tuple(row) for row in execute(sql_url, f"SELECT * FROM {foreign}")] == [(1,)]


def test_tables_that_were_dropped_give_an_error_with_the_command(
    sql_url: str, open_it: Callable[..., Any], execute: Execute, a_record: AnyRecord
) -> None:
    """Under a store that is in use; once they are made again it works."""
    store = open_it(sql_url)
    store.put(a_record("a"))
    for table in OURS[engine_of(sql_url)]:
        execute(sql_url, f"DROP TABLE {table}")

    with pytest.raises(SchemaError, match="rootcellar schema upgrade"):
        store.put(a_record("a"))
    store.schema_upgrade()

    assert store.put(a_record("a")) is True


def test_processes_that_use_an_empty_database_at_the_same_moment_all_succeed(
    sql_url: str, tables: Tables, a_record: AnyRecord, open_it: Callable[..., Store]
) -> None:
    """Eight of them make the tables; one does, and the others notice."""

    def first_use(number: int) -> bool:
        return open_store(sql_url).put(a_record(str(number)))

    assert race(8, first_use) == [True] * 8
    assert OURS[engine_of(sql_url)] == tables(sql_url)
    assert len(open_it(sql_url).get_many([str(number) for number in range(8)])) == 8


NAMED = Settings(database=DatabaseSettings(record_table='my "odd" {table}', group_table="Groups of mine"))


def test_tables_have_the_names_they_are_given(
    sql_url: str, open_it: Callable[..., Any], tables: Tables, a_record: AnyRecord
) -> None:
    """``database_table_names``, with whatever is in them."""
    store = open_it(sql_url, NAMED)
    store.put(a_record("a"))
    store.group_put("g", b"document", None)
    watcher = store.watcher()
    watcher.add(["a"])
    watcher.close()

    assert {'my "odd" {table}', "Groups of mine"} <= tables(sql_url)
    assert set() == tables(sql_url) & OURS[engine_of(sql_url)]
    assert list(store.get_many(["a"])) == ["a"]
    assert store.group_get("g") == b"document"
    assert store.stats().records == 1
    store.chords.open("c", Opening(b"document"))
    assert store.chords.report(Part("c", "a", 0, "SUCCESS", b"[]"), "t", 60.0).ready == 1
    assert list(store.purge()) == []
    assert store.check()


def test_two_sets_of_tables_live_side_by_side(sql_url: str, open_it: Callable[..., Any], a_record: AnyRecord) -> None:
    """Two apps in one database."""
    one, two = open_it(sql_url), open_it(sql_url, NAMED)
    one.put(a_record("a", "SUCCESS", "one"))
    two.put(a_record("a", "SUCCESS", "two"))

    assert (a_record("a", "SUCCESS", "one"), a_record("a", "SUCCESS", "two")) == (one.get("a"), two.get("a"))


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("given", "of_groups"),
    [
        ({"task": "Results of mine"}, "Results of mine"),
        ({"task": "Results of mine", "group": "groups"}, "groups"),
    ],
)
def test_tables_lie_in_the_schemas_they_are_given(
    postgresql_url: str,
    open_it: Callable[..., Any],
    tables: Tables,
    execute: Execute,
    a_record: AnyRecord,
    given: dict[str, str],
    of_groups: str,
) -> None:
    """``database_table_schemas``; groups may have one of their own, as in Celery."""
    for name in set(given.values()):
        execute(postgresql_url, f'CREATE SCHEMA "{name}"')
    store = open_it(postgresql_url, Settings.from_celery({"database_table_schemas": given}, {}))
    store.put(a_record("a"))
    store.group_put("g", b"document", None)

    others = {f"Results of mine.{table}" for table in OURS["postgresql"] - {"cellar_group"}}
    assert {*others, f"{of_groups}.cellar_group"} == tables(postgresql_url)
    assert a_record("a") == store.get("a")
    assert store.group_get("g") == b"document"
    assert store.stats().records == 1
    assert "schema version" in store.check().details


@pytest.mark.postgresql
def test_a_schema_that_is_not_there_is_named(
    postgresql_url: str, open_it: Callable[..., Any], a_record: AnyRecord
) -> None:
    """It is not ours to make."""
    store = open_it(postgresql_url, Settings(database=DatabaseSettings(schema="nowhere")))

    with pytest.raises(SchemaError, match=r"nowhere.*database_table_schemas"):
        store.put(a_record("a"))


@pytest.mark.postgresql
def test_a_login_that_may_not_make_tables_is_told_so(
    postgresql_server: PostgreSQLServer,
    postgresql_plain_url: str,
    open_it: Callable[..., Any],
    tables: Tables,
    a_record: AnyRecord,
) -> None:
    """And how somebody else can."""
    administrator = postgresql_server.superuser_url(postgresql_plain_url)
    postgresql_server.execute("ALTER SCHEMA public OWNER TO postgres", administrator)
    postgresql_server.execute("GRANT USAGE ON SCHEMA public TO PUBLIC", administrator)

    with pytest.raises(AccessDenied) as caught:
        open_it(postgresql_plain_url).put(a_record("a"))

    assert "permission denied" in str(caught.value)
    assert "CREATE on the schema" in str(caught.value)
    assert set() == tables(postgresql_plain_url)


@pytest.fixture
def reader_url(postgresql_server: PostgreSQLServer, postgresql_plain_url: str, open_it: Callable[..., Any]) -> str:
    """The URL of a login that may read our tables and not write to them."""
    administrator = postgresql_server.superuser_url(postgresql_plain_url)
    open_it(administrator).schema_upgrade()
    for statement in (
        "ALTER SCHEMA public OWNER TO postgres",
        "GRANT USAGE ON SCHEMA public TO PUBLIC",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO PUBLIC",
    ):
        postgresql_server.execute(statement, administrator)
    return postgresql_plain_url


@pytest.mark.postgresql
def test_a_login_that_may_only_read_is_told_so_when_it_writes(
    reader_url: str, open_it: Callable[..., Any], a_record: AnyRecord
) -> None:
    """Reading works; the connection goes on working after the refusal."""
    store = open_it(reader_url)

    with pytest.raises(AccessDenied, match="permission denied"):
        store.put(a_record("a"))

    assert store.get("a") is None


@pytest.mark.postgresql
def test_a_check_warns_of_a_login_that_may_only_read(reader_url: str, open_it: Callable[..., Any]) -> None:
    """Before the first result is lost."""
    warnings = open_it(reader_url).check().warnings

    assert ["The login lacks" in warning for warning in warnings if "login" in warning] == [True]


@pytest.mark.postgresql
def test_a_check_finds_nothing_wrong_with_a_login_that_may_do_what_is_needed(
    postgresql_plain_url: str, open_it: Callable[..., Any]
) -> None:
    """It owns the database, and is no superuser."""
    store = open_it(postgresql_plain_url)
    store.schema_upgrade()

    assert [warning for warning in store.check().warnings if "login" in warning] == []


def test_a_database_of_somebody_else_is_not_changed_by_looking(tmp_path: Path, a_record: AnyRecord) -> None:
    """A SQLite file whose tables are refused keeps its journal mode, which is in the file and concerns its owner."""
    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE cellar_record (theirs integer)")
        db.commit()
    before = path.read_bytes()
    store = open_store(f"sqlite:///{path}")

    with pytest.raises(SchemaError):
        store.put(a_record("a"))
    store.close()

    assert before == path.read_bytes()
