"""Compose files are read with the line of everything."""

import sys
from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.services.compose import find_services
from rootcellar.specialist.discover.services.yaml_node import WITHOUT_YAML
from rootcellar.specialist.profile import Place, Process, Server

STACK = """
x-app: &app
  build: .
  env_file: app.env
  environment: &env
    CELERY_BROKER_URL: amqp://shop:${MQ_PASSWORD}@mq//
    CELERY_RESULT_BACKEND: "redis://:k9Qz7vXw@cache:6379/0"
    LEVEL: ${LEVEL:-info}
    INHERITED:
services:
  web:
    <<: *app
    command: gunicorn shop.wsgi -w 4
    ports: ["8000:8000"]
  worker:
    <<: *app
    command: ["celery", "-A", "shop", "worker", "-P", "gevent", "-c", "100"]
    deploy: {replicas: 3}
    environment:
      <<: *env
      LEVEL: debug
  beat:
    <<: *app
    command: >
      sh -c "python manage.py migrate &&
             celery -A shop beat"
  cache:
    image: redis:7.2-alpine
    container_name: shop-cache
    command: >
      redis-server
      --maxmemory-policy allkeys-lru
      --save ""
      --requirepass k9Qz7vXw
    ports:
      - "6379:6379"
      - 127.0.0.1:6380:6380
      - target: 26379
        published: 26379
        host_ip: 127.0.0.1
  db:
    image: docker.io/bitnami/postgresql:16
    command: postgres -c max_connections=50
    environment:
      - POSTGRES_PASSWORD=postgres
      - POSTGRESQL_MAX_CONNECTIONS=40
    volumes:
      - pg:/bitnami/postgresql
  mq:
    image: rabbitmq:${MQ_VERSION:-4.3}-management
volumes: {pg: {}}
"""


@pytest.fixture
def stack(tmp_path: Path) -> tuple[dict[str, Process], dict[str, Server], list[tuple[str, int]]]:
    tree = lay_out(tmp_path, {"compose.yaml": STACK, ".env": "INHERITED=yes\n", "app.env": "FROM_FILE=1\nLEVEL=none\n"})
    processes, servers, literals = find_services(tree)
    assert not tree.unread
    return (
        {one.name: one for one in processes},
        {one.name: one for one in servers},
        [(one.name, one.place.line) for one in literals],
    )


def test_what_is_built_is_a_process(stack) -> None:
    processes, _, _ = stack

    assert {name: (one.role, one.place.line) for name, one in processes.items()} == {
        "web": ("web", 10),
        "worker": ("worker", 14),
        "beat": ("beat", 21),
    }
    worker = processes["worker"]
    assert (worker.app, worker.pool, worker.concurrency, worker.replicas) == ("shop", "gevent", 100, 3)
    assert processes["web"].concurrency == 4
    assert processes["web"].ports[0].published == "8000"


def test_the_environment_comes_from_files_anchors_and_the_service(stack) -> None:
    processes, _, _ = stack

    found = {one.name: (one.value, str(one.place)) for one in processes["worker"].environment}

    assert found == {
        "FROM_FILE": ("1", "app.env:1"),
        "CELERY_BROKER_URL": ("amqp://shop:{MQ_PASSWORD}@mq//", "compose.yaml:5"),
        "CELERY_RESULT_BACKEND": ("redis://:k9Qz7vXw@cache:6379/0", "compose.yaml:6"),
        "LEVEL": ("debug", "compose.yaml:20"),
        "INHERITED": ("yes", "compose.yaml:8"),
    }


def test_an_image_is_a_server_with_the_options_of_its_command(stack) -> None:
    _, servers, _ = stack

    assert {name: (one.kind, one.version, one.has_volume) for name, one in servers.items()} == {
        "cache": ("redis", "7.2", False),
        "db": ("postgresql", "16", True),
        "mq": ("rabbitmq", "4.3", False),
    }
    cache = servers["cache"]
    assert cache.options == {"maxmemory-policy": "allkeys-lru", "save": "", "requirepass": "k9Qz7vXw"}
    assert {name: place.line for name, place in cache.option_places.items()} == {
        "maxmemory-policy": 31,
        "save": 32,
        "requirepass": 33,
    }
    assert cache.aliases == ("shop-cache",)
    assert [(one.host, one.published, one.target, one.place.line) for one in cache.ports] == [
        ("", "6379", "6379", 35),
        ("127.0.0.1", "6380", "6380", 36),
        ("127.0.0.1", "26379", "26379", 37),
    ]
    assert servers["db"].options == {"max_connections": "50"}
    assert servers["db"].option_places["max_connections"] == Place("compose.yaml", 42)


def test_the_secrets_written_in_it_are_listed_once(stack) -> None:
    _, _, literals = stack

    assert literals == [("CELERY_RESULT_BACKEND", 6), ("requirepass", 33)]


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("6379", ("", "", "6379")),
        ("6379:6379", ("", "6379", "6379")),
        ("6379:6379/tcp", ("", "6379", "6379")),
        ("127.0.0.1:6379:6379", ("127.0.0.1", "6379", "6379")),
        ("127.0.0.1::6379", ("127.0.0.1", "", "6379")),
        ("'[::1]:6379:6379'", ("::1", "6379", "6379")),
        ("${BIND:-0.0.0.0}:6379:6379", ("0.0.0.0", "6379", "6379")),
        ("'8000-8010:8000-8010'", ("", "8000-8010", "8000-8010")),
    ],
)
def test_a_port(port: str, expected: tuple[str, str, str], tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"compose.yml": f"services:\n  a:\n    image: redis\n    ports:\n      - {port}\n"})

    (server,) = find_services(tree)[1]

    assert [(one.host, one.published, one.target) for one in server.ports] == [expected]


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ("['data:/data']", True),
        ("['./data:/data:rw']", True),
        ("['/data']", True),
        ("[{type: volume, source: data, target: /data}]", True),
        ("[{type: tmpfs, target: /data}]", False),
        ("['./redis.conf:/usr/local/etc/redis/redis.conf']", False),
        ("['./users.acl:/data/users.acl']", False),
        ("[]", False),
    ],
)
def test_a_volume_counts_where_the_data_is(volumes: str, expected: bool, tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"compose.yml": f"services:\n  a:\n    image: redis:7\n    volumes: {volumes}\n"})

    assert find_services(tree)[1][0].has_volume is expected


def test_an_override_is_laid_upon_the_file(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "docker-compose.yml": "services:\n  cache:\n    image: redis:7\n",
            "docker-compose.override.yml": "services:\n  cache:\n    ports: ['6379:6379']\n    scale: 2\n",
            "docker-compose.prod.yml": "services:\n  cache:\n    command: redis-server --appendonly yes\n",
        },
    )

    (server,) = find_services(tree)[1]

    assert (server.image, server.options) == ("redis:7", {"appendonly": "yes"})
    assert str(server.ports[0].place) == "docker-compose.override.yml:3"
    assert str(server.option_places["appendonly"]) == "docker-compose.prod.yml:3"


def test_a_service_can_extend_another_file_s(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "compose.yml": """
            services:
              worker:
                extends: {file: deploy/common.yml, service: app}
                command: celery -A shop worker
            """,
            "deploy/common.yml": "services:\n  app:\n    build: .\n    environment:\n      - A=1\n",
        },
    )

    (worker,) = find_services(tree)[0]

    assert (worker.role, [one.name for one in worker.environment]) == ("worker", ["A"])


def test_without_a_command_the_dockerfile_says_what_runs(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "compose.yml": "services:\n  a: {build: ./app}\n  b: {build: {context: ./store}}\n",
            "app/Dockerfile": 'FROM python:3.12\nCMD ["celery", "-A", "shop", "worker", "-c", "4"]\n',
            "store/Dockerfile": 'FROM redis:7.4\nCMD ["redis-server", "--appendonly", "yes"]\n',
        },
    )

    processes, servers, _ = find_services(tree)

    assert [(one.name, one.role, one.concurrency) for one in processes] == [("a", "worker", 4)]
    assert [(one.name, one.kind, one.version, one.options) for one in servers] == [
        ("b", "redis", "7.4", {"appendonly": "yes"})
    ]


@pytest.mark.parametrize(
    ("service", "kind", "options"),
    [
        (
            "{image: valkey/valkey:8, command: [valkey-server, --save, '60', '1', --save, '300 10']}",
            "redis",
            {"save": "60 1 300 10"},
        ),
        ("{image: redis, command: sh -c 'redis-server --appendonly no'}", "redis", {"appendonly": "no"}),
        ("{image: redis, command: [sh, -c, 'exec redis-server --appendonly no']}", "redis", {"appendonly": "no"}),
        (
            "{image: bitnami/redis, environment: {REDIS_EXTRA_FLAGS: --maxmemory 1gb, REDIS_AOF_ENABLED: 'no'}}",
            "redis",
            {"maxmemory": "1gb", "appendonly": "no"},
        ),
        ("{image: redis, command: redis-sentinel /etc/sentinel.conf}", "sentinel", {}),
        (
            "{image: mysql:8, command: --max-connections=50 --transaction_isolation READ-COMMITTED}",
            "mysql",
            {"max_connections": "50", "transaction_isolation": "READ-COMMITTED"},
        ),
        ("{image: mariadb, command: [mariadbd, --max_connections=9]}", "mysql", {"max_connections": "9"}),
        (
            "{image: postgis/postgis:16-3.4, command: -c 'max_connections = 20' -N 30}",
            "postgresql",
            {"max_connections": "30"},
        ),
        (
            "{image: edoburu/pgbouncer, environment: {POOL_MODE: transaction}}",
            "pgbouncer",
            {"pool_mode": "transaction"},
        ),
        (
            "{image: bitnami/pgbouncer, environment: {PGBOUNCER_POOL_MODE: session}}",
            "pgbouncer",
            {"pool_mode": "session"},
        ),
        ("{image: memcached, command: memcached -m 64}", "memcached", {"m": "64"}),
        ("{image: 'mongo:7', command: --auth}", "mongodb", {"auth": ""}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server(service: str, kind: str, options: dict[str, str], tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"compose.yml": f"services:\n  a: {service}\n"})

    (server,) = find_services(tree)[1]

    assert (server.kind, server.options) == (kind, options)
    assert {place.line for place in server.option_places.values()} <= {2}


def test_what_others_made_is_a_process_of_no_role(tmp_path: Path) -> None:
    text = "services:\n  ui: {image: rediscommander/redis-commander, ports: ['8081:8081']}\n  f: {image: mher/flower}\n"
    tree = lay_out(tmp_path, {"compose.yml": text})

    assert [(one.name, one.role, len(one.ports)) for one in find_services(tree)[0]] == [
        ("ui", "other", 1),
        ("f", "flower", 0),
    ]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("    healthcheck: {test: [CMD, redis-cli, -a, k9Qz7vXw, ping]}", "redis-cli -a"),
        ("    environment: ['REDIS_PASSWORD=k9Qz7vXw']", "REDIS_PASSWORD"),
        ("    environment: {REDIS_PASSWORD: '${PW:-k9Qz7vXw}'}", "REDIS_PASSWORD"),
        ("    labels: {worker.url: 'redis://:k9Qz7vXw@cache/0'}", "worker.url"),
        ("    command: redis-server --requirepass k9Qz7vXw", "requirepass"),
        ("    build: {args: {API_TOKEN: k9Qz7vXw}}", "API_TOKEN"),
    ],
)
def test_a_secret_is_found_wherever_it_stands(line: str, name: str, tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"compose.yml": f"services:\n  a:\n    image: redis\n{line}\n", ".env": "PW=other\n"})

    (literal,) = find_services(tree)[2]

    assert (literal.name, literal.place.line) == (name, 4)
    assert "k9Qz7vXw" in literal.value
    assert "k9Qz7vXw" not in repr(literal)


@pytest.mark.parametrize(
    "line",
    [
        "    environment: {REDIS_PASSWORD: '${PW}'}",
        "    environment: {REDIS_PASSWORD: changeme}",
        "    environment: {REDIS_PASSWORD_FILE: /run/secrets/redis}",
        "    environment: [REDIS_PASSWORD]",
        "    environment: {REDIS_PASSWORD: !vault x}",
        "    command: redis-server --requirepass $$PW",
        "    secrets: [redis_password_prod]",
    ],
)
def test_what_is_no_literal_is_none(line: str, tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"compose.yml": f"services:\n  a:\n    image: redis\n{line}\n", ".env": "PW=s3cr3tive\n"})

    assert find_services(tree)[2] == []


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
MERGES = "m0: &m0 {k: v}\n" + "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 60))


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "services: *a29\n",
        MERGES + "services: {a: *m59}\n",
        "a: &a {<<: *a, services: *a}\nservices: *a\n",
        "services: &s [*s]\n",
        "services:\n  a: {image: [x], ports: {a: b}, environment: 3, volumes: x, command: {}, extends: {service: a}}",
        "services: {a: , b: 3, c: [1]}\n",
        "services: {a: {image: redis, environment: [[1], {a: b}, '=']}, a: {image: redis}}\n",
        "{}",
        "",
        "- 1\n",
        "'services'\n",
    ],
    ids=range(11),
)  # fmt: skip
def test_strange_files_are_survived(text: str, tmp_path: Path) -> None:
    find_services(lay_out(tmp_path, {"compose.yml": text}))


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ("services:\n\ta: b\n", "it is no well-formed YAML", 2),
        ("a: [\n", "it is no well-formed YAML", 2),
        ("[" * 100_000, "it is nested too deeply", 0),
        ("- " * 100_000, "it is nested too deeply", 0),
        ("#" * 600_000, "it has 600,000 characters; YAML files above 500,000 are not read", 0),
    ],
    ids=["tab", "open", "deep flow", "deep block", "large"],
)
def test_what_cannot_be_read_is_unread(text: str, why: str, line: int, tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"compose.yml": text})

    assert find_services(tree) == ([], [], [])
    assert [(one.place, one.why) for one in tree.unread] == [(Place("compose.yml", line), why)]


def test_line_ends_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    text = (
        "\ufeffservices:\r\n  a:\r\n    image: redis\r\n    command: >\r\n      redis-server\r\n      --appendonly yes"
    )
    tree = lay_out(tmp_path, {"compose.yml": text.encode()})

    assert find_services(tree)[1][0].option_places == {"appendonly": Place("compose.yml", 6)}


def test_without_pyyaml_the_file_is_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    tree = lay_out(tmp_path, {"compose.yml": "services: {}\n"})

    assert find_services(tree) == ([], [], [])
    assert [one.why for one in tree.unread] == [WITHOUT_YAML]
