"""Procfiles are read."""

from pathlib import Path

from project_files import lay_out
from rootcellar.specialist.discover.services.procfile import find
from rootcellar.specialist.profile import Place


def test_each_line_is_a_process(tmp_path: Path) -> None:
    tree = lay_out(
        tmp_path,
        {
            "Procfile": """
            # what runs
            web: gunicorn shop.wsgi --workers 3
            worker: celery -A shop worker -c 4 --without-gossip
            beat: celery -A shop beat

            release: python manage.py migrate
            nonsense
            """,
            "Procfile.dev": "worker: REDIS_PASSWORD=k9Qz7vXw celery -A shop worker -B\n",
            "Procfile.py": "worker: celery worker\n",
        },
    )

    processes, servers, literals = find(tree)

    assert [(one.name, one.role, one.concurrency, one.has_beat, str(one.place)) for one in processes] == [
        ("web", "web", 3, False, "Procfile:2"),
        ("worker", "worker", 4, False, "Procfile:3"),
        ("beat", "beat", None, True, "Procfile:4"),
        ("release", "other", None, False, "Procfile:6"),
        ("worker", "worker", None, True, "Procfile.dev:1"),
    ]
    assert {one.origin for one in processes} == {"procfile"}
    assert servers == []
    assert [(one.name, one.place) for one in literals] == [("REDIS_PASSWORD", Place("Procfile.dev", 1))]
    assert "k9Qz7vXw" not in repr(processes)
