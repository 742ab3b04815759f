"""Secrets in command lines and entries are found, and only those."""

import pytest

from rootcellar.specialist.discover.literals import in_entry, in_words
from rootcellar.specialist.profile import Place

HERE = Place("x", 3)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("redis-server --requirepass k9Qz7vXw", [("requirepass", "k9Qz7vXw")]),
        ("redis-server --requirepass=k9Qz7vXw", [("requirepass", "k9Qz7vXw")]),
        ("redis-cli -a k9Qz7vXw ping", [("redis-cli -a", "k9Qz7vXw")]),
        ("docker run -e REDIS_PASSWORD=k9Qz7vXw redis", [("REDIS_PASSWORD", "k9Qz7vXw")]),
        ("celery -b amqp://u:k9Qz7vXw@mq// worker", [("command", "amqp://u:k9Qz7vXw@mq//")]),
        ("run --broker=amqp://u:k9Qz7vXw@mq//", [("broker", "amqp://u:k9Qz7vXw@mq//")]),
        ("ls -a k9Qz7vXw", []),
        ("mysql -ppassword k9Qz7vXw", []),
        ("redis-server --requirepass", []),
        ("redis-server --requirepass --appendonly", []),
        ("redis-server --requirepass {PW}", []),
        ("celery -b amqp://guest:guest@localhost// worker", []),
    ],
)
def test_a_command_line(line: str, expected: list[tuple[str, str]]) -> None:
    found = in_words([(word, HERE) for word in line.split()], "command")

    assert [(one.name, one.value) for one in found] == expected


def test_a_text_of_several_lines_is_read_line_by_line() -> None:
    found = list(in_entry("app.conf", "# x\nrequirepass k9Qz7vXw\nredis.password = 'p8Wm3nRt'\nport: 6379\n", HERE))

    assert [(one.name, one.value, one.place.line) for one in found] == [
        ("requirepass", "k9Qz7vXw", 5),
        ("redis.password", "p8Wm3nRt", 6),
    ]
