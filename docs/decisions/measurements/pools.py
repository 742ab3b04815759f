"""What taking a connection and giving it back costs, in each pool (decision 0003).

Usage: python pools.py REDIS_URL POSTGRESQL_URL   (needs: pip install psycopg-pool SQLAlchemy)
"""

import sys
import time
from collections.abc import Callable

import psycopg
import redis
import sqlalchemy
from psycopg_pool import ConnectionPool

from rootcellar.settings import PoolSettings
from rootcellar.stores.pool import Pool

ROUNDS, REPEATS = 20_000, 7


class Held:
    """What our pool asks of a connection."""

    def __init__(self, close: Callable[[], None]) -> None:
        self.opened_at, self._close = time.monotonic(), close

    def close(self) -> None:
        self._close()


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


def main(redis_url: str, postgresql_url: str) -> None:
    """Print one line a pool."""
    connection = psycopg.connect(postgresql_url, autocommit=True)
    ours: Pool[Held] = Pool(lambda: Held(connection.close), PoolSettings(), lost=(), answered=(), name="measured")
    results = {"rootcellar's Pool.run": cost_us(lambda: ours.run(lambda held: held))}

    blocking = redis.BlockingConnectionPool.from_url(redis_url, max_connections=16)
    results["redis-py BlockingConnectionPool"] = cost_us(lambda: blocking.release(blocking.get_connection()))
    plain = redis.ConnectionPool.from_url(redis_url)
    results["redis-py ConnectionPool (no limit to wait at)"] = cost_us(lambda: plain.release(plain.get_connection()))

    with ConnectionPool(postgresql_url, min_size=1, max_size=15, kwargs={"autocommit": True}) as theirs:
        theirs.wait()
        results["psycopg_pool ConnectionPool"] = cost_us(lambda: theirs.putconn(theirs.getconn()))

    url = sqlalchemy.make_url(postgresql_url).set(drivername="postgresql+psycopg")
    queue = sqlalchemy.create_engine(url).pool
    results["SQLAlchemy QueuePool (raw connection)"] = cost_us(lambda: queue.connect().close())

    for name, cost in results.items():
        sys.stdout.write(f"{name:<48} {cost:6.1f} µs\n")
    queue.dispose()
    ours.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
