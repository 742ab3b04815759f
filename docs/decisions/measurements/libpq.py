"""What one statement costs over psycopg's cursor and over libpq as the store uses it (decision 0004).

Usage: python libpq.py POSTGRESQL_URL
"""

import sys
import time
from collections.abc import Callable

import psycopg

from rootcellar.record import Record
from rootcellar.stores import open_store

ROUNDS, REPEATS = 5_000, 7


def cost_us(once: Callable[[], object]) -> float:
    """Return the least of several means, in microseconds: the least is the one nobody disturbed."""
    for _ in range(100):
        once()
    best = float("inf")
    for _ in range(REPEATS):
        began = time.perf_counter()
        for _ in range(ROUNDS):
            once()
        best = min(best, time.perf_counter() - began)
    return best / ROUNDS * 1e6


def main(url: str) -> None:
    """Print what reading one record of 200 bytes costs, each way."""
    store = open_store(url)
    store.put(Record("measured", "SUCCESS", b"x" * 200, name="app.add", worker="w@h", queue="celery", retries=0))
    get = store._sql["get"]  # type: ignore[attr-defined]
    session = store._connect()  # type: ignore[attr-defined]
    connection = psycopg.connect(url, autocommit=True)
    kept_cursor = psycopg.RawCursor(connection)

    def by_new_cursor() -> object:
        with psycopg.RawCursor(connection) as cursor:
            return cursor.execute(get, ("measured",), prepare=True, binary=True).fetchall()

    def by_kept_cursor() -> object:
        return kept_cursor.execute(get, ("measured",), prepare=True, binary=True).fetchall()

    def by_session() -> object:
        return session.run(get, ("measured",))

    for name, once in (
        ("psycopg cursor, a new one each time, prepared", by_new_cursor),
        ("psycopg cursor, one kept, prepared", by_kept_cursor),
        ("Session.run (psycopg.pq), prepared", by_session),
    ):
        sys.stdout.write(f"{name:<48} {cost_us(once):6.1f} µs\n")
    sys.stdout.write(f"psycopg implementation: {psycopg.pq.__impl__}\n")
    session.close()
    connection.close()
    store.delete(["measured"])
    store.close()


if __name__ == "__main__":
    main(sys.argv[1])
