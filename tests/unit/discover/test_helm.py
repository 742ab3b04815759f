"""Helm values are read as far as they say what runs."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.services.helm import find_services

VALUES = """
env:
  CELERY_RESULT_BACKEND: redis://shop-redis-master:6379/0
worker:
  replicaCount: 3
  concurrency: 8
  command: [celery, -A, shop, worker]
  env:
    - name: LEVEL
      value: info
beat:
  args: celery -A shop beat
redis:
  image: {repository: bitnami/redis, tag: 7.2.4-debian}
  auth:
    enabled: true
    password: k9Qz7vXw
  master:
    persistence: {enabled: false}
    extraFlags: ["--maxmemory-policy", "allkeys-lru"]
  commonConfiguration: |-
    appendonly no
    save ""
postgresql:
  enabled: true
  fullnameOverride: shop-db
  primary:
    extendedConfiguration: |
      max_connections = 50
mysql:
  enabled: false
  auth: {}
rabbitmq: {host: mq.example.org, port: 5672}
"""


def test_values_of_a_chart(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"chart/Chart.yaml": "name: shop\n", "chart/values.yaml": VALUES})

    processes, servers, literals = find_services(tree)

    assert [(one.name, one.role, one.replicas, one.concurrency, one.place.line) for one in processes] == [
        ("worker", "worker", 3, 8, 6),
        ("beat", "beat", 1, None, 11),
    ]
    assert [(one.name, one.place.line) for one in processes[0].environment] == [
        ("CELERY_RESULT_BACKEND", 2),
        ("LEVEL", 9),
    ]
    redis, db = servers
    assert (redis.name, redis.kind, redis.version, redis.has_volume, redis.place.line) == (
        "redis",
        "redis",
        "7.2.4",
        False,
        12,
    )
    assert "redis-master" in redis.aliases
    assert {name: (value, redis.option_places[name].line) for name, value in redis.options.items()} == {
        "maxmemory-policy": ("allkeys-lru", 19),
        "appendonly": ("no", 21),
        "save": ("", 22),
        "requirepass": ("k9Qz7vXw", 16),
    }
    assert (db.name, db.options, db.has_volume) == ("shop-db", {"max_connections": "50"}, None)
    assert [(one.name, one.place.line) for one in literals] == [("password", 16)]


@pytest.mark.parametrize(
    ("path", "is_read"),
    [
        ("helm/shop/values.yaml", True), ("charts/values-prod.yaml", True), ("deploy/charts/prod.values.yml", True),
        ("values.yaml", False), ("i18n/values.yaml", False), ("helm/prod.yaml", False),
    ],
)  # fmt: skip
def test_values_by_their_name(path: str, is_read: bool, tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {path: "redis: {auth: {password: k9Qz7vXw}}\n"})

    assert bool(find_services(tree)[2]) is is_read


def test_an_environment_without_a_command_is_kept(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"helm/values.yaml": "config: {REDIS_URL: redis://cache/0, replicas: 3}\n"})

    (process,) = find_services(tree)[0]

    assert (process.role, [one.name for one in process.environment]) == ("other", ["REDIS_URL"])
