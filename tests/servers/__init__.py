"""Real servers for the tests: private ones, on free ports, in temporary directories; never one that happens to run."""

from servers.conditions import wait_until
from servers.forks import fork, in_child, race
from servers.mariadb import MariaDBServer
from servers.mongodb import MongoDBServer
from servers.pgbouncer import PgBouncerServer
from servers.postgresql import PostgreSQLServer
from servers.process import MissingServer, free_port
from servers.rabbitmq import RabbitMQServer
from servers.redis import RedisServer
from servers.relay import Relay
from servers.sentinel import SentinelServers
from servers.tls import TLSFiles, make_tls

__all__ = [
    "MariaDBServer",
    "MissingServer",
    "MongoDBServer",
    "PgBouncerServer",
    "PostgreSQLServer",
    "RabbitMQServer",
    "RedisServer",
    "Relay",
    "SentinelServers",
    "TLSFiles",
    "fork",
    "free_port",
    "in_child",
    "make_tls",
    "race",
    "wait_until",
]
