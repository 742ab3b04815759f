"""Servers' configuration files are read with the line of each option."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.services.server_files import find_servers
from rootcellar.specialist.profile import Place

FILES: dict[str, tuple[str, str, str, dict[str, tuple[str, int]]]] = {
    "redis.conf": (
        "redis/redis.conf",
        """
        # memory
        MaxMemory 100mb
        maxmemory-policy allkeys-lru
        save 60 1
        save 300 10
        requirepass "k9Qz 7vXw"
        protected-mode no
        """,
        "redis",
        {
            "maxmemory": ("100mb", 2),
            "maxmemory-policy": ("allkeys-lru", 3),
            "save": ("60 1 300 10", 5),
            "requirepass": ("k9Qz 7vXw", 6),
            "protected-mode": ("no", 7),
        },
    ),
    "no saving": (
        "conf/valkey-results.conf",
        'save 60 1\nsave ""\nuser "x\n',
        "redis",
        {"save": ("", 2), "user": ('"x', 3)},
    ),
    "a file in redis/": ("redis/prod.conf", "appendonly yes\n", "redis", {"appendonly": ("yes", 1)}),
    "sentinel.conf": (
        "sentinel.conf",
        "port 26379\nsentinel monitor main 10.0.0.1 6379 2\n",
        "sentinel",
        {"port": ("26379", 1), "monitor": ("main 10.0.0.1 6379 2", 2)},
    ),
    "postgresql.conf": (
        "db/postgresql.conf",
        "# x\nmax_connections = 50   # few\nshared_buffers '1 GB'\nlog_line_prefix = 'it''s # %m'\n",
        "postgresql",
        {"max_connections": ("50", 2), "shared_buffers": ("1 GB", 3), "log_line_prefix": ("it's # %m", 4)},
    ),
    "my.cnf": (
        "my.cnf",
        "[client]\nport=1\n[mysqld]\nmax-connections = 50 # few\ntransaction_isolation='SERIAL'\nskip-name-resolve\n",
        "mysql",
        {"max_connections": ("50", 4), "transaction_isolation": ("SERIAL", 5), "skip_name_resolve": ("", 6)},
    ),
    "pgbouncer.ini": (
        "pgbouncer.ini",
        "[databases]\nshop = host=db password=x\n[pgbouncer]\npool_mode = transaction ; short\nmax_client_conn = 100\n",
        "pgbouncer",
        {"pool_mode": ("transaction", 4), "max_client_conn": ("100", 5)},
    ),
    "rabbitmq.conf": (
        "rabbitmq.conf",
        "loopback_users.guest = false\ndeprecated_features.permit.transient_nonexcl_queues = true\n",
        "rabbitmq",
        {"loopback_users.guest": ("false", 1), "deprecated_features.permit.transient_nonexcl_queues": ("true", 2)},
    ),
    "definitions.json": (
        "rabbitmq/definitions.json",
        '{"vhosts": [],\n"policies": [{"pattern": "",\n"definition": {"expires": 3600000}}]}\n',
        "rabbitmq",
        {"expires": ("3600000", 3)},
    ),
    "mongod.conf": (
        "mongod.conf",
        "net:\n  bindIp: 0.0.0.0\nsecurity:\n  authorization: enabled\n",
        "mongodb",
        {"net.bindip": ("0.0.0.0", 2), "security.authorization": ("enabled", 4)},
    ),
}


@pytest.mark.parametrize("file", FILES)
def test_a_file(file: str, tmp_path: Path) -> None:
    path, text, kind, options = FILES[file]
    tree = lay_out(tmp_path, {path: text})

    (server,) = find_servers(tree)

    assert (server.name, server.place, server.kind, server.origin, server.has_volume) == (
        path,
        Place(path),
        kind,
        "file",
        None,
    )
    assert {name: (value, server.option_places[name].line) for name, value in server.options.items()} == options
    assert not tree.unread
    assert "k9Qz" not in repr(server)


@pytest.mark.parametrize(
    "path", ["nginx.conf", "definitions.json", "pg_hba.conf", "redis.py", "docs/redis.conf.md", "my.conf"]
)
def test_other_files_are_left_alone(path: str, tmp_path: Path) -> None:
    assert find_servers(lay_out(tmp_path, {path: "{}\n"})) == []


def test_a_broken_one_is_unread(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"definitions.json": '{"vhosts"', "mongod.conf": "a: [\n"})

    find_servers(tree)

    assert {one.place.path for one in tree.unread} == {"definitions.json", "mongod.conf"}
