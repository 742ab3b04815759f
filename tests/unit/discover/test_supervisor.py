"""supervisord's files, systemd's units and scripts say what runs."""

from pathlib import Path

import pytest

from project_files import lay_out
from rootcellar.specialist.discover.services.supervisor import find

FILES: dict[str, tuple[str, str, list[tuple[str, str, int | None, int, int]]]] = {
    "supervisord": (
        "deploy/supervisord.conf",
        """
        [supervisord]
        nodaemon=true
        ; the workers
        [program:worker]
        command=/venv/bin/celery -A shop worker
            --concurrency=8
        numprocs=2
        environment=LEVEL="info",REDIS_PASSWORD='k9Qz7vXw'
        [program:beat]
        command=celery -A shop beat
        """,
        [("worker", "worker", 8, 2, 4), ("beat", "beat", None, 1, 9)],
    ),
    "systemd": (
        "celery.service",
        """
        [Unit]
        Description=x
        [Service]
        Environment="A=1 2" "REDIS_PASSWORD=k9Qz7vXw"
        ExecStart=-/bin/sh -c '${CELERY_BIN} -A shop multi start w1 w2 \\
            -c 8'
        """,
        [("celery", "worker", 8, 2, 5)],
    ),
    "script": (
        "scripts/worker.sh",
        """
        #!/bin/sh
        # celery -A shop worker
        echo celery -A shop worker
        export REDIS_PASSWORD=k9Qz7vXw
        exec celery -A shop worker \\
            -c 8
        """,
        [("scripts/worker.sh", "worker", 8, 1, 5)],
    ),
    "no ending": ("bin/start-beat", "exec celery -A shop beat\n", [("bin/start-beat", "beat", None, 1, 1)]),
    "Makefile": ("Makefile", "worker:\n\t@celery -A shop worker -c 8\n", [("Makefile", "worker", 8, 1, 2)]),
    "none": ("start.sh", "celery -A shop inspect ping\npip install celery worker-tools\n", []),
    "another .conf": ("nginx.conf", "server { }\n", []),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_a_file(file: str, tmp_path: Path) -> None:
    path, text, expected = FILES[file]

    processes, servers, _ = find(lay_out(tmp_path, {path: text}))

    assert [(one.name, one.role, one.concurrency, one.replicas, one.place.line) for one in processes] == expected
    assert servers == []
    assert "k9Qz7vXw" not in repr(processes)


@pytest.mark.parametrize(("file", "line"), [("supervisord", 8), ("systemd", 4)])
def test_secrets_in_the_environment_are_listed(file: str, line: int, tmp_path: Path) -> None:
    path, text, _ = FILES[file]

    (literal,) = find(lay_out(tmp_path, {path: text}))[2]

    assert (literal.name, literal.value, literal.place.line) == ("REDIS_PASSWORD", "k9Qz7vXw", line)
