"""Manifests are read with the line of everything."""

import base64
from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.services.kubernetes import find_services

CODED = base64.b64encode(b"k9Qz7vXw").decode()
APP = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: shop}}
data:
  CELERY_RESULT_BACKEND: redis://cache:6379/0
---
apiVersion: v1
kind: Secret
metadata: {{name: shop}}
data:
  REDIS_PASSWORD: {CODED}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels: {{app: worker}}
  name: worker
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: worker
          image: registry.example.org/shop:1
          command: [celery]
          args: ["-A", "shop", "worker", "-P", "threads", "-c", "8"]
          envFrom:
            - configMapRef: {{name: shop}}
          env:
            - name: REDIS_PASSWORD
              valueFrom: {{secretKeyRef: {{name: shop, key: REDIS_PASSWORD}}}}
            - name: ELSEWHERE
              valueFrom: {{secretKeyRef: {{name: other, key: x}}}}
            - name: BROKER
              value: redis://:$(REDIS_PASSWORD)@cache/$(DB)
---
apiVersion: batch/v1
kind: CronJob
metadata: {{name: nightly}}
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers:
            - {{name: a, image: shop, command: [sh, -c, "celery -A shop beat"]}}
"""
CACHE = """
apiVersion: v1
kind: List
items:
- apiVersion: apps/v1
  kind: StatefulSet
  metadata:
    name: cache
  spec:
    replicas: 2
    template:
      metadata: {labels: {app: cache, tier: data}}
      spec:
        containers:
          - name: redis
            image: redis:7.2
            args: ["--maxmemory-policy", "allkeys-lru"]
            volumeMounts:
              - {name: data, mountPath: /data}
              - {name: conf, mountPath: /etc/redis}
        volumes:
          - name: conf
            configMap: {name: cache-conf}
    volumeClaimTemplates: [{metadata: {name: data}}]
- apiVersion: v1
  kind: Service
  metadata: {name: results, namespace: shop}
  spec: {selector: {app: cache}}
- apiVersion: v1
  kind: ConfigMap
  metadata: {name: cache-conf}
  data:
    redis.conf: |
      # saved
      appendonly no
      requirepass k9Qz7vXw
"""


def test_processes_have_their_environment(tmp_path: Path) -> None:
    processes, servers, literals = find_services(lay_out(tmp_path, {"k8s/app.yaml": APP}))

    assert servers == []
    worker, beat = processes
    assert (worker.name, worker.role, worker.app, worker.pool, worker.concurrency, worker.replicas) == (
        "worker", "worker", "shop", "threads", 8, 3,
    )  # fmt: skip
    assert (str(worker.place), worker.origin) == ("k8s/app.yaml:17", "kubernetes")
    assert {one.name: (one.value, one.place.line) for one in worker.environment} == {
        "CELERY_RESULT_BACKEND": ("redis://cache:6379/0", 5),
        "REDIS_PASSWORD": ("k9Qz7vXw", 11),
        "BROKER": ("redis://:k9Qz7vXw@cache/{DB}", 35),
    }
    assert (beat.name, beat.role) == ("nightly", "beat")
    assert [(one.name, one.value, one.place.line) for one in literals] == [("REDIS_PASSWORD", "k9Qz7vXw", 11)]


def test_a_server_has_options_volumes_and_names(tmp_path: Path) -> None:
    (cache,) = find_services(lay_out(tmp_path, {"cache.yml": CACHE}))[1]

    assert (cache.name, cache.kind, cache.version, cache.place.line) == ("cache", "redis", "7.2", 7)
    assert cache.options == {"maxmemory-policy": "allkeys-lru", "appendonly": "no", "requirepass": "k9Qz7vXw"}
    assert {name: place.line for name, place in cache.option_places.items()} == {
        "maxmemory-policy": 16,
        "appendonly": 34,
        "requirepass": 35,
    }
    assert cache.has_volume is True
    assert {"results", "results.shop.svc.cluster.local", "cache-1.results"} <= set(cache.aliases)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ("{name: data, emptyDir: {}}", False),
        ("{name: data, persistentVolumeClaim: {claimName: x}}", True),
        ("{name: data, hostPath: {path: /srv}}", True),
        ("{name: other, emptyDir: {}}", True),
    ],
)
def test_a_volume_lasts_or_not(volume: str, expected: bool, tmp_path: Path) -> None:
    text = f"""
    apiVersion: v1
    kind: Pod
    metadata: {{name: cache}}
    spec:
      containers: [{{name: a, image: redis, volumeMounts: [{{name: data, mountPath: /data}}]}}]
      volumes: [{volume}]
    """
    (cache,) = find_services(lay_out(tmp_path, {"pod.yaml": text}))[1]

    assert cache.has_volume is expected


HEAD = "apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n"


@pytest.mark.parametrize(
    ("kind", "rest", "line"),
    [
        ("Secret", "stringData: {REDIS_PASSWORD: k9Qz7vXw}\n", 4),
        ("Secret", f"data:\n  REDIS_PASSWORD: {CODED}\n", 5),
        ("ConfigMap", "data:\n  URL: redis://:k9Qz7vXw@cache/0\n", 5),
        ("ConfigMap", "data:\n  app.properties: |\n    a=1\n    redis.password=k9Qz7vXw\n", 7),
        ("Pod", "spec: {containers: [{env: [{name: REDIS_PASSWORD, value: k9Qz7vXw}]}]}\n", 4),
        ("Pod", "spec:\n  containers:\n  - args: [--requirepass,\n      k9Qz7vXw]\n", 7),
    ],
)
def test_a_secret_is_found(kind: str, rest: str, line: int, tmp_path: Path) -> None:
    (literal,) = find_services(lay_out(tmp_path, {"x.yaml": HEAD.format(kind=kind) + rest}))[2]

    assert literal.place.line == line
    assert "k9Qz7vXw" in literal.value


@pytest.mark.parametrize(
    ("kind", "rest"),
    [
        ("SealedSecret", "spec: {encryptedData: {REDIS_PASSWORD: AgBy3i4OJSWK}}\n"),
        ("ExternalSecret", "spec: {data: [{secretKey: password, remoteRef: {key: shop/redis-pw}}]}\n"),
        ("Secret", f"data: {{REDIS_PASSWORD: {base64.b64encode(b'changeme').decode()}}}\n"),
        ("Secret", "stringData: {REDIS_PASSWORD: 'ENC[AES256_GCM,data:aaaa]'}\n"),
        (
            "Pod",
            "spec: {containers: [{env: [{name: REDIS_PASSWORD, valueFrom: {secretKeyRef: {name: r-1, key: pw}}}]}]}\n",
        ),
        ("Pod", "spec: {volumes: [{secret: {secretName: shop-redis}}], serviceAccountToken: 3600}\n"),
        ("Pod", "spec: {containers: [{args: [--requirepass, $(PW)]}], topologyKey: kubernetes.io/hostname}\n"),
    ],
)
def test_what_is_no_literal_is_none(kind: str, rest: str, tmp_path: Path) -> None:
    assert find_services(lay_out(tmp_path, {"x.yaml": HEAD.format(kind=kind) + rest}))[2] == []


def test_a_template_is_read_as_far_as_it_is_yaml(tmp_path: Path) -> None:
    text = """
    {{- /* a
       comment */ -}}
    {{- if .Values.worker.enabled }}
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: {{ include "shop.name" . }}-worker
      labels:
        {{- include "shop.labels" . | nindent 4 }}
    spec:
      replicas: {{ .Values.worker.replicas }}
      template:
        spec:
          containers:
            - name: worker
              image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
              args: ["celery", "-A", "shop", "worker", "-c", "{{ .Values.concurrency }}"]
              env:
                - name: REDIS_PASSWORD
                  value: {{ .Values.redis.password | quote }}
    {{- end }}
    """
    tree = lay_out(
        tmp_path, {"charts/shop/templates/worker.yaml": text, "charts/shop/templates/b.yaml": text + "  - {{ x }}: [\n"}
    )

    (worker,), _, literals = find_services(tree)

    assert (worker.role, worker.app, worker.concurrency, worker.replicas, worker.place.line) == (
        "worker",
        "shop",
        None,
        1,
        7,
    )
    assert [(one.name, one.value, one.place.line) for one in worker.environment] == [
        ("REDIS_PASSWORD", "{redis.password}", 20)
    ]
    assert literals == []
    assert [(one.place.path, one.why) for one in tree.unread] == [
        ("charts/shop/templates/b.yaml", "it is a template that is no YAML without its values")
    ]


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Pod\n",
        "apiVersion: v1\nkind: [x]\nspec: 3\n",
        "apiVersion: v1\nkind: Deployment\nspec: {template: {spec: {containers: {a: b}, volumes: 3}}}\n",
        "apiVersion: v1\nkind: Job\nspec: {template: {spec: {containers: [1, {env: [2], args: , volumeMounts: [3]}]}}}",
        "apiVersion: v1\nkind: List\nitems: &a [*a, {kind: List, items: *a}]\n",
        "apiVersion: v1\nkind: Secret\ndata: {a: '\ud7ff', b: =, c: [x]}\n",
    ],
    ids=range(6),
)  # fmt: skip
def test_strange_manifests_are_survived(text: str, tmp_path: Path) -> None:
    find_services(lay_out(tmp_path, {"x.yaml": text}))


def test_other_yaml_is_not_read(tmp_path: Path) -> None:
    tree = lay_out(tmp_path, {"config.yml": "a: [\n", "mkdocs.yaml": "\t\n", "k8s/notes.yaml": "a: [\n"})

    assert find_services(tree) == ([], [], [])
    assert tree.unread == []
