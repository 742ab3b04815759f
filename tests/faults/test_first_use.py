"""Several processes use a new database at the same moment."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rootcellar.record import Record
from rootcellar.stores import open_store
from servers import PostgreSQLServer, race

_PROCESSES = 8


def _put(url: str, number: int, count: int) -> int:
    store = open_store(url)
    stored = sum(
        store.put(Record(f"{number}-{i}", "SUCCESS", b'{"status": "SUCCESS", "result": %d}' % i)) for i in range(count)
    )
    store.close()
    return stored


@pytest.mark.parametrize("attempt", range(3))
def test_eight_processes_make_sqlites_file_and_fill_it(tmp_path: Path, attempt: int) -> None:
    """None meets "database is locked", and all records are there."""
    url = f"sqlite:///{tmp_path / 'results.db'}"
    assert race(_PROCESSES, lambda number: _put(url, number, 200)) == [200] * _PROCESSES
    store = open_store(url)
    assert store.stats().records == 200 * _PROCESSES
    store.close()


@pytest.fixture
def new_database(killable_postgresql: PostgreSQLServer) -> Callable[[], str]:
    """Return the URL of a fresh database."""
    return killable_postgresql.create_database


@pytest.mark.postgresql
@pytest.mark.parametrize("attempt", range(3))
def test_eight_processes_make_postgresqls_tables_and_fill_them(new_database: Callable[[], str], attempt: int) -> None:
    """A worker's children start together: one of them makes the tables, the others find them made."""
    url = new_database()
    assert race(_PROCESSES, lambda number: _put(url, number, 20)) == [20] * _PROCESSES
