"""What rootcellar promises, as ratios to Celery 5.7 measured in the same run."""

from collections.abc import Mapping

from benchmarks.comparison import Target

SIDE_BY_SIDE: Mapping[str, Mapping[str, Target]] = {
    "redis": {
        "store": Target(2.2),
        "get": Target(1.4),
        "group": Target(5),
        "wake-up": Target(1.0),
    },
    "postgresql-web": {
        "store": Target(30),
        "get": Target(80),
        "group": Target(200),
        "wake-up": Target(150, limit_s=0.003),
    },
    "postgresql-forked": {
        "store": Target(5),
        "get": Target(8),
        "group": Target(20),
        "wake-up": Target(150),
    },
    "sqlite-web": {
        "store": Target(8),
        "get": Target(10),
        "group": Target(10),
        "wake-up": Target(45, limit_s=0.010),
    },
    "sqlite-forked": {
        "store": Target(4),
        "get": Target(2.5),
        "group": Target(10),
        "wake-up": Target(45, limit_s=0.010),
    },
}

#: a store's share of what its bare driver does with the same statement
DRIVER = Target(0.6)
#: what is left of four writers' throughput with the notification in the statement
WRITERS = Target(0.9)
#: end to end, with a prefork worker of two processes
GROUP: Mapping[str, Target] = {"redis": Target(1.5), "postgresql": Target(4)}
CHORD: Mapping[str, Target] = {"redis": Target(1), "postgresql": Target(4)}
#: a chord on our PostgreSQL against one on Celery's own Redis backend
CHORD_ACROSS = Target(1)
IMPORT = Target(limit_s=0.100)
#: how soon 95 of 100 coroutines have what was stored while 10,000 wait and 500 results a second arrive
ASYNC_WAKE_UP = Target(limit_s=0.025)
ASYNC_MEMORY = Target(limit_bytes=10_000)
