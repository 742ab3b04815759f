"""Dockerfiles say what runs in the end, and what their ENV and ARG hold."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.services.dockerfile import find, is_dockerfile


def test_the_last_stage_is_what_runs(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "Dockerfile": """
            # syntax=docker/dockerfile:1
            FROM python:3.12 AS base
            ENV A=1 B="two words" \\
                # in between
                C=$D
            ENTRYPOINT ["tini", "--"]
            FROM node AS assets
            CMD ["npm", "start"]
            FROM --platform=linux/amd64 base
            # how many
            CMD ["celery", "-A", "shop", \\
                 "worker", "-c", "8"]
            """
        },
    )

    (process,), servers, literals = find(tree)

    assert (process.name, process.role, process.app, process.concurrency) == ("Dockerfile", "worker", "shop", 8)
    assert (process.origin, process.place.line) == ("dockerfile", 11)
    assert {one.name: one.value for one in process.environment} == {"A": "1", "B": "two words", "C": "{D}"}
    assert (servers, literals) == ([], [])


@pytest.mark.parametrize(
    ("command", "role"),
    [
        ("CMD celery -A shop worker", "worker"),
        ('CMD ["sh", "-c", "python manage.py migrate && celery -A shop beat"]', "beat"),
        ("ENTRYPOINT exec gunicorn shop.wsgi", "web"),
        ("CMD [not json", "other"),
        ("cmd celery -A shop worker", "worker"),
    ],
)
def test_a_command(command: str, role: str, tmp_path: Path) -> None:
    (process,), _, _ = find(lay_out(tmp_path, {"worker.Dockerfile": f"FROM python\n{command}\n"}))

    assert process.role == role


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("ENV REDIS_PASSWORD=k9Qz7vXw", "REDIS_PASSWORD"),
        ("ENV REDIS_PASSWORD k9Qz7vXw", "REDIS_PASSWORD"),
        ('ENV A=1 REDIS_PASSWORD="k9Qz7vXw"', "REDIS_PASSWORD"),
        ("ARG DB_PASS=k9Qz7vXw", "DB_PASS"),
        ("ENV BROKER=amqp://shop:k9Qz7vXw@mq//", "BROKER"),
        ("RUN API_TOKEN=k9Qz7vXw ./fetch", "API_TOKEN"),
        ("CMD celery -b amqp://shop:k9Qz7vXw@mq// worker", "command"),
    ],
)
def test_a_secret_is_found(line: str, name: str, tmp_path: Path) -> None:
    (literal,) = find(lay_out(tmp_path, {"Dockerfile": f"FROM python\n{line}\n"}))[2]

    assert (literal.name, literal.place.line) == (name, 2)
    assert "k9Qz7vXw" in literal.value


@pytest.mark.parametrize(
    "line", ["ARG REDIS_PASSWORD", "ENV REDIS_PASSWORD=$PW", "ENV REDIS_PASSWORD=changeme", "ENV", "ENV A"]
)
def test_what_is_no_secret_is_none(line: str, tmp_path: Path) -> None:
    assert find(lay_out(tmp_path, {"Dockerfile": f"FROM python\n{line}\n"}))[2] == []


@pytest.mark.parametrize("text", ["", "FROM\n", "CMD x\n", "FROM a\\", "FROM x AS\nFROM\nENV =\n"])
def test_nonsense_is_survived(text: str, tmp_path: Path) -> None:
    find(lay_out(tmp_path, {"Dockerfile": text}))


def test_a_server_s_image_is_no_process(tmp_path: Path) -> None:
    assert find(lay_out(tmp_path, {"Dockerfile": "FROM redis:7\nCMD redis-server\n"}))[0] == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [("Dockerfile", True), ("a/Dockerfile.worker", True), ("x.dockerfile", True), ("Dockerfile.dockerignore", False)],
)
def test_a_dockerfile_by_its_name(path: str, expected: bool) -> None:
    assert is_dockerfile(path) is expected
