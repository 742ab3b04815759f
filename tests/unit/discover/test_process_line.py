"""Command lines say what they start."""

import pytest

from rootcellar.specialist.discover.services.process_line import process_of, words_of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("celery -A shop worker", ("worker", "shop", "", None, False)),
        ("celery -A shop.celery:app worker -P gevent -c 100 -B", ("worker", "shop.celery:app", "gevent", 100, True)),
        ("celery --app=shop worker --pool=threads --concurrency=8 --beat", ("worker", "shop", "threads", 8, True)),
        ("celery --app shop worker --pool threads --concurrency 8", ("worker", "shop", "threads", 8, False)),
        ("celery worker -A shop -l info", ("worker", "shop", "", None, False)),
        ("celery -Ashop worker -Psolo -c4 -BE -linfo", ("worker", "shop", "solo", 4, True)),
        ("celery -A shop worker -linfoB", ("worker", "shop", "", None, False)),
        ("python -m celery -A shop worker", ("worker", "shop", "", None, False)),
        ("python3.11 -m celery -A shop beat -s /tmp/x", ("beat", "shop", "", None, True)),
        ("python manage.py celery worker -c 3", ("worker", "", "", 3, False)),
        ("celery -A shop worker --autoscale=10,3 -c 2", ("worker", "shop", "", 10, False)),
        ("celery -A shop worker --autoscale 10,3", ("worker", "shop", "", 10, False)),
        ("celery -A shop -b redis://h worker -Q a,b -n w@%h", ("worker", "shop", "", None, False)),
        ("celery -A beat worker", ("worker", "beat", "", None, False)),
        ("celery -A shop beat --scheduler django_celery_beat.schedulers:Database", ("beat", "shop", "", None, True)),
        ("celery -A shop flower --port=5555", ("flower", "shop", "", None, False)),
        ("celery flower -A shop", ("flower", "shop", "", None, False)),
        ("celeryd -c 2", ("worker", "", "", 2, False)),
        ("celerybeat", ("beat", "", "", None, True)),
        ("/opt/venv/bin/celery -A shop worker", ("worker", "shop", "", None, False)),
        ("poetry run celery -A shop worker", ("worker", "shop", "", None, False)),
        ("uv run --no-sync celery -A shop worker", ("worker", "shop", "", None, False)),
        ("newrelic-admin run-program celery -A shop worker", ("worker", "shop", "", None, False)),
        ("exec celery -A shop worker", ("worker", "shop", "", None, False)),
        ("A=1 B='x y' celery -A shop worker", ("worker", "shop", "", None, False)),
        ("watchmedo auto-restart -d . -p '*.py' -R -- celery -A shop worker -c 1", ("worker", "shop", "", 1, False)),
        ("watchmedo auto-restart -d . -- celery -- worker", ("worker", "", "", None, False)),
        ("sh -c 'celery -A shop worker -c 2'", ("worker", "shop", "", 2, False)),
        ("/bin/bash -lc 'cd /app && exec celery -A shop worker'", ("worker", "shop", "", None, False)),
        ("tini -- sh -ec 'celery -A shop beat'", ("beat", "shop", "", None, True)),
        ("celery -A shop worker & celery -A shop beat", ("worker", "shop", "", None, True)),
        ("python manage.py migrate && celery -A shop worker", ("worker", "shop", "", None, False)),
        ("celery -A shop worker -c ${N:-6}", ("worker", "shop", "", 6, False)),
        ("celery -A shop worker -c $N", ("worker", "shop", "", None, False)),
        ("celery -A shop worker -c $(nproc)", ("worker", "shop", "", None, False)),
        ("celery -A shop worker --concurrency=many", ("worker", "shop", "", None, False)),
        ("celery multi start 3 -A shop -c 8", ("worker", "shop", "", 8, False)),
        ("gunicorn shop.wsgi:application -w 4 -b 0.0.0.0:8000", ("web", "", "", 4, False)),
        ("gunicorn --workers=3 shop.wsgi", ("web", "", "", 3, False)),
        ("uvicorn shop:app --workers 2", ("web", "", "", 2, False)),
        ("daphne shop.asgi:application", ("web", "", "", None, False)),
        ("python manage.py runserver 0.0.0.0:8000", ("web", "", "", None, False)),
        ("flask run", ("web", "", "", None, False)),
        ("flower --broker=redis://h", ("flower", "", "", None, False)),
        ("python manage.py migrate", ("other", "", "", None, False)),
        ("pip install celery", ("other", "", "", None, False)),
        ("celery -A shop inspect ping", ("other", "", "", None, False)),
        ("celery -A shop purge -f", ("other", "", "", None, False)),
        ("celery multi stopwait w1", ("other", "", "", None, False)),
        ("rm -f celery.pid", ("other", "", "", None, False)),
        ("celery", ("other", "", "", None, False)),
        ("", ("other", "", "", None, False)),
        ("celery -A shop worker -n 'w", ("worker", "shop", "", None, False)),
        ("watchfiles 'celery -A shop worker -c 2' src", ("worker", "shop", "", 2, False)),
        ("watchfiles --filter python celery.__main__.main --args '-A s worker -c 2'", ("worker", "s", "", 2, False)),
        ("su app -c 'celery -A shop beat'", ("beat", "shop", "", None, True)),
        ("sh -c '${CELERY_BIN} -A $APP multi start w1 $OPTS'", ("worker", "", "", None, False)),
        ("sh -c", ("other", "", "", None, False)),
    ],
)  # fmt: skip
def test_a_line(line: str, expected: tuple[str, str, str, int | None, bool]) -> None:
    found = process_of(line)

    assert (found["role"], found["app"], found["pool"], found["concurrency"], found["has_beat"]) == expected


def test_a_list_is_taken_word_by_word() -> None:
    found = process_of(["sh", "-c", "celery -A shop worker -c 2 && true"])

    assert (found["role"], found["app"], found["concurrency"]) == ("worker", "shop", 2)


@pytest.mark.parametrize(("nodes", "expected"), [("3", 3), ("one", 1), ("one two three", 3)])
def test_multi_starts_several(nodes: str, expected: int) -> None:
    assert process_of(f"celery multi start {nodes} -A shop -c 8 -c:one 4 -l info")["replicas"] == expected


def test_scripts_in_scripts_end_somewhere() -> None:
    line = "true"
    for _ in range(8):
        line = "sh -c " + repr(line).replace("\\", "\\\\")

    assert process_of(line)["role"] == "other"


def test_a_line_that_is_far_too_long_is_split_at_blanks() -> None:
    assert words_of("'a b' " + "c" * 2_000_000)[:2] == ["'a", "b'"]
