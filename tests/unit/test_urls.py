"""URLs: taken apart, and shown without their secrets."""

import string
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rootcellar import urls
from rootcellar.errors import ConfigurationError, RootcellarError
from rootcellar.stores import open_store
from rootcellar.urls import StoreURL, parse, redact, said


@pytest.mark.parametrize(
    ("text", "engine", "parts"),
    [
        ("cellar+redis://", "redis", (None, None, None, None, "")),
        ("redis://h", "redis", ("h", None, None, None, "")),
        ("cellar+redis://:p%40ss@db:6380/2", "redis", ("db", 6380, None, "p@ss", "/2")),
        ("rediss://u:p@db/0", "redis", ("db", None, "u", "p", "/0")),
        ("redis://[::1]:6379/0", "redis", ("::1", 6379, None, None, "/0")),
        ("redis+socket:///run/redis.sock", "redis", (None, None, None, None, "/run/redis.sock")),
        ("socket:///run/redis.sock", "redis", (None, None, None, None, "/run/redis.sock")),
        ("cellar+postgresql://u%3A:p%2F@db/x%20y", "postgresql", ("db", None, "u:", "p/", "/x y")),
        ("postgres://db/x", "postgresql", ("db", None, None, None, "/x")),
        ("POSTGRESQL://db/x", "postgresql", ("db", None, None, None, "/x")),
        ("cellar+sqlite:///results.db", "sqlite", (None, None, None, None, "/results.db")),
        ("cellar+sqlite:////srv/results.db", "sqlite", (None, None, None, None, "//srv/results.db")),
    ],
)
def test_a_url_is_taken_apart(text: str, engine: str, parts: tuple[object, ...]) -> None:
    """With or without the prefix, percent-decoded."""
    url = parse(text)

    assert engine == url.engine
    assert parts == (url.host, url.port, url.username, url.password, url.path)
    assert text.removeprefix("cellar+") == url.raw


def test_options_are_decoded_and_blank_ones_kept() -> None:
    """They are the driver's to interpret."""
    assert dict(parse("postgresql://h/d?sslmode=verify-full&a%20b=c+d&e=").options) == {
        "sslmode": "verify-full",
        "a b": "c d",
        "e": "",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a URL"),
        ("redis", "is not a URL"),
        ("localhost:6379", "is not a URL"),
        ("reddis://h", "Did you mean 'redis'?"),
        ("postgresq://h", "Did you mean 'postgresql'?"),
        ("zzz://h", "It opens: postgres, postgresql, redis"),
        ("db+postgresql://h", "write cellar+postgresql://"),
        ("postgresql+psycopg2://h", "write cellar+postgresql://"),
        ("db+sqlite:///x", "write cellar+sqlite://"),
        ("mongodb://h", "no store for 'mongodb' yet"),
        ("rpc://", "no store for 'rpc' yet"),
        ("redis://h:70000", "the port must be between 0 and 65535"),
        ("redis://h:x", "the port is not a number"),
        ("redis://[::1", "malformed"),
    ],
)
def test_what_is_no_url_of_a_store_is_refused_in_one_paragraph_that_says_what_to_do(text: str, said: str) -> None:
    """The message shows what was given and names what is nearest."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text)

    assert said in str(caught.value)
    assert "result_backend" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_several_hosts_of_one_postgresql_are_libpqs_to_understand() -> None:
    """``host1:port1,host2:port2`` is what libpq documents for fail-over."""
    assert parse("postgresql://u:p@one:5432,two:5433/d").engine == "postgresql"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://h:6379/0", "redis://h:6379/0"),
        ("redis://user@h", "redis://user@h"),
        ("redis://:hunter2@h", "redis://:***@h"),
        ("cellar+redis://u:hunter2@h:1/0", "cellar+redis://u:***@h:1/0"),
        ("redis://h/0?password=hunter2&db=1", "redis://h/0?password=***&db=1"),
        ("redis://h/0?SSL_KeyFile_Password=hunter2", "redis://h/0?SSL_KeyFile_Password=***"),
        ("sqlite:///a.db?synchronous=OFF", "sqlite:///a.db?synchronous=OFF"),
        ("postgresql://u:hunter2@one,two/d", "postgresql://u:***@one,two/d"),
        ("sentinel://:hunter2@a:1;sentinel://:hunter2@b:2", "sentinel://:***@a:1;sentinel://:***@b:2"),
    ],
)
def test_only_the_secret_is_hidden(text: str, shown: str) -> None:
    """What helps to find a mistake stays."""
    assert shown == redact(text)


# A password nobody could mistake for another part of the URL; around and inside it, anything that can be typed.
MARK = "hunter2hunter2"
HALVES = ("HunterOne", "HunterTwo")
special = st.text(st.sampled_from(":/?#[]@!$&'()*+,;=%\\\"<>^`{|} ~"), max_size=6)
anything = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
users = st.sampled_from(["", "user", "us%40er"])
schemes = st.sampled_from(["redis", "rediss", "postgresql", "cellar+redis", "cellar+postgresql", "nonsense"])
tails = st.sampled_from(["", "/0", "/0?db=1", "/x?sslmode=require", ":6379/0", ":port", ":70000", "?a=b"])


def told(text: str) -> Iterator[str]:
    """Yield all that a person may get to see of a URL: of its text, its object, and the errors it leads to."""
    yield redact(text)
    try:
        url = parse(text)
    except ConfigurationError as exc:
        yield str(exc)
        return
    yield from (str(url), repr(url), f"{url}")
    try:
        open_store(text)
    except RootcellarError as exc:
        yield f"{exc} {exc.__cause__ or ''}"


@given(schemes, users, special | anything, special | anything, tails)
def test_an_escaped_password_is_never_shown(scheme: str, user: str, before: str, after: str, tail: str) -> None:
    """Whatever it is made of."""
    password = before + MARK + after

    for shown in told(f"{scheme}://{user}:{quote(password, safe='')}@host{tail}"):
        assert MARK not in shown


@settings(max_examples=1000)
@given(schemes, users, special | anything, special | anything, special | anything, tails)
@example("redis", "", "", ";", "", "")
@example("redis", "", "", "?", "", "/0")
@example("redis", "", "", "@", "?", "/0")
@example("redis", "", "", "/", "", "/0")
@example("redis", "", "12/", "", "", "/0")
@example("redis", "user", "12/", "", "", "/0")
@example("postgresql", "user", "1#", "", "", "/0")
@example("redis", "", "1?", "", "", "/0")
@example("redis", "", "?", "&", "", "/0")
@example("redis", "user", "", "://", "", "/0")
@example("redis", "user", "%", "%41", "%zz", "/0")
@example("postgresql", "user", "%zz", "%41", "", "/x")
@example("redis", "user", "", "\n", "", "/0")
def test_no_part_of_an_unescaped_password_is_ever_shown(
    scheme: str, user: str, before: str, between: str, after: str, tail: str
) -> None:
    """Forgetting to escape it is the most likely mistake, and must not put it into a log."""
    one, two = HALVES
    password = before + one + between + two + after

    for shown in told(f"{scheme}://{user}:{password}@host{tail}"):
        assert not {half for half in HALVES if half in shown}, shown


@pytest.mark.parametrize(
    "text",
    [
        f"user:{MARK}@host",
        f"redis:/user:{MARK}@host/0",
        f"redis//user:{MARK}@host/0",
        f"user:{MARK}@host/0?x=redis://y",
        f"user:{MARK}://x@host/0",
        f":{MARK}://x@host/0",
        f"redis:user:{MARK}@host",
        f"sentinel://:{MARK}@one;:{MARK}@two",
        f"redis://h/0?password={MARK};x",
        f"redis://h/0?password={MARK}#x",
        f"redis://h/0#password={MARK}",
        f"redis://h/0?x=%70assword&pass%77ord={MARK}",
    ],
)
def test_a_password_in_a_malformed_url_is_never_shown(text: str) -> None:
    """Where nobody can tell which part is the password, a generous part is hidden."""
    for shown in told(text):
        assert MARK not in shown


@given(st.text())
def test_redacting_never_fails_and_is_done_when_it_is_done(text: str) -> None:
    """Redacting twice shows no more and no less."""
    assert redact(text) == redact(redact(text))


@given(st.text(st.sampled_from(string.printable), min_size=1))
def test_parsing_any_text_gives_a_url_or_a_configuration_error(text: str) -> None:
    """And no other exception."""
    for candidate in (text, f"redis://{text}", f"cellar+postgresql://{text}"):
        with suppress(ConfigurationError):
            assert isinstance(parse(candidate), StoreURL)


@given(special | anything)
def test_a_drivers_message_loses_the_password_however_it_is_written(extra: str) -> None:
    """Decoded, as psycopg shows it, or as it stands in the URL."""
    password = MARK + extra
    escaped = quote(password, safe="")
    url = parse(f"redis://user:{escaped}@host")

    shown = said(OSError(f"could not log in with {password} from redis://user:{escaped}@host."), url)

    assert MARK not in shown
    assert shown.startswith("could not log in with")


def test_a_url_without_a_password_leaves_messages_as_they_are() -> None:
    """There is nothing to hide."""
    assert said(OSError("refused."), parse("redis://host")) == "refused"


def test_every_scheme_is_either_built_or_planned() -> None:
    """And none is both."""
    assert set() == set(urls.ENGINES) & urls.PLANNED
