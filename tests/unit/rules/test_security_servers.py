"""The finer points of the rules about the project's own servers: what is reported, and what is left alone."""

from pathlib import Path

import pytest

from unit.rules.marked import found_in, marked_in

ON_REDIS = "from celery import Celery\n\napp = Celery('bank', backend='redis://results:6379/0')\n"
ON_RPC = "from celery import Celery\n\napp = Celery('bank', backend='rpc://')\n"
OPEN = "services:\n  {name}:\n    image: redis:7.4\n    command: redis-server --protected-mode no {more}"

#: name → files
CASES: dict[str, dict[str, str]] = {
    "every address": {
        "compose.yaml": "services:\n  db:\n    image: postgres:17\n    ports:\n      - 5432:5432  # <- RC118\n"
    },
    "a port that Docker chooses": {
        "compose.yaml": "services:\n  db:\n    image: postgres:17\n    ports:\n      - '5432'  # <- RC118\n"
    },
    "this machine alone": {
        "compose.yaml": "services:\n  db:\n    image: postgres:17\n    ports:\n"
        "      - 127.0.0.1:5432:5432\n      - '[::1]:5433:5432'\n"
    },
    "every address, written out": {
        "compose.yaml": "services:\n  db:\n    image: mongo:8\n    ports:\n      - 0.0.0.0:27018:27017  # <- RC118\n"
    },
    "the long form": {
        "compose.yaml": "services:\n  db:\n    image: mysql:9\n    ports:\n      - target: 3306  # <- RC118\n"
        "        published: '3306'\n      - target: 3306\n        published: '3307'\n        host_ip: 127.0.0.1\n"
    },
    "an address from the environment": {
        "compose.yaml": "services:\n  db:\n    image: postgres:17\n    ports:\n      - ${ADDRESS}:5432:5432\n"
    },
    "ports of the project's own services": {
        "compose.yaml": "services:\n  web:\n    build: .\n    command: gunicorn bank\n    ports:\n"
        "      - 8000:8000\n      - 8081:8081\n      - 5555:5555\n"
    },
    "Flower": {
        "compose.yaml": "services:\n  monitor:\n    build: .\n    command: celery -A bank flower\n    ports:\n"
        "      - 5555:5555  # <- RC118\n"
    },
    "a page for Mongo": {
        "compose.yaml": "services:\n  mongo-express:\n    image: x\n    ports:\n      - 8081:8081  # <- RC118\n"
    },
    "no port of a store": {
        "compose.yaml": "services:\n  broker:\n    image: rabbitmq:4.2\n    ports:\n      - 15692:15692\n"
    },
    "a Redis for results without protected mode": {
        "app.py": ON_REDIS, "compose.yaml": OPEN.format(name="results", more="  # <- RC119")
    },
    "a Redis that is known by another name": {
        "app.py": ON_REDIS,
        "compose.yaml": OPEN.format(name="cache", more="  # <- RC119") + "\n    container_name: results\n",
    },
    "a Redis for something else": {"app.py": ON_REDIS, "compose.yaml": OPEN.format(name="cache", more="")},
    "a Redis beside an app without one": {"app.py": ON_RPC, "compose.yaml": OPEN.format(name="results", more="")},
    "a Redis with a password": {
        "app.py": ON_REDIS, "compose.yaml": OPEN.format(name="results", more="--requirepass ${SECRET}")
    },
    "a Redis with users": {
        "app.py": ON_REDIS, "compose.yaml": OPEN.format(name="results", more="--aclfile /run/secrets/users")
    },
    "a configuration file that listens everywhere": {
        "app.py": ON_REDIS, "redis.conf": "port 6379\nbind * -::*  # <- RC119\n"
    },
    "a configuration file that listens everywhere, protected": {
        "app.py": ON_REDIS, "redis.conf": "bind 0.0.0.0\nprotected-mode yes\n"
    },
    "a configuration file that listens to its own machine": {"app.py": ON_REDIS, "redis.conf": "bind 127.0.0.1\n"},
    "a configuration file with a password": {
        "app.py": ON_REDIS, "redis.conf": "bind 0.0.0.0\nprotected-mode no\nrequirepass changeme\n"
    },
    "PostgreSQL that trusts": {
        "compose.yaml": "services:\n  db:\n    image: postgres:17\n    environment:\n"
        "      - POSTGRES_HOST_AUTH_METHOD=trust  # <- RC119\n"
    },
    "PostgreSQL that does not": {
        "compose.yaml": "services:\n  db:\n    image: postgres:17\n    environment:\n"
        "      - POSTGRES_HOST_AUTH_METHOD=scram-sha-256\n"
    },
    "MySQL without a password": {
        "compose.yaml": "services:\n  db:\n    image: mysql:9\n    environment:\n"
        "      MYSQL_ALLOW_EMPTY_PASSWORD: 1  # <- RC119\n"
    },
    "a Redis of Bitnami's without a password": {
        "app.py": ON_REDIS,
        "compose.yaml": "services:\n  results:\n    image: bitnami/redis:7.4\n    environment:\n"
        "      - ALLOW_EMPTY_PASSWORD=yes  # <- RC119\n",
    },
    "a Redis of Bitnami's with one": {
        "app.py": ON_REDIS,
        "compose.yaml": "services:\n  results:\n    image: bitnami/redis:7.4\n    environment:\n"
        "      - ALLOW_EMPTY_PASSWORD=yes\n      - REDIS_PASSWORD=${SECRET}\n",
    },
    "MariaDB without a password": {
        "compose.yaml": "services:\n  db:\n    image: mariadb:11\n    environment:\n"
        "      MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: 'yes'  # <- RC119\n"
    },
    "MySQL with a password all the same": {
        "compose.yaml": "services:\n  db:\n    image: mysql:9\n    environment:\n"
        "      MYSQL_ALLOW_EMPTY_PASSWORD: 1\n      MYSQL_ROOT_PASSWORD: ${SECRET}\n"
    },
}  # fmt: skip


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in CASES.items()])
def test_servers(files: dict[str, str], tmp_path: Path) -> None:
    marked = marked_in(files, tmp_path)
    assert found_in(tmp_path, "RC118", "RC119") == marked
