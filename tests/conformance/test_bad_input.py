"""What is wrong with a URL or a server is said in one paragraph, without the password, and says what to do."""

import gc
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from rootcellar.errors import (
    AccessDenied,
    ConfigurationError,
    MissingDriver,
    RootcellarError,
    StoreError,
    StoreTimeout,
    StoreUnavailable,
)
from rootcellar.record import Record
from rootcellar.settings import DatabaseSettings, PoolSettings, RedisSettings, Settings
from rootcellar.stores import open_store
from rootcellar.stores.base import Store
from servers import RedisServer, free_port, in_child, make_tls

AnyRecord = Callable[..., Record]

PASSWORD = "hunter2%2Fhunter2"
SPOKEN = "hunter2/hunter2"


def _listen(store: Store) -> None:
    with closing(store.watcher()) as watcher:
        watcher.add(["a"])
        for _ in range(100):
            watcher.poll(0.05)


VERBS: dict[str, Callable[[Any], object]] = {
    "put": lambda store: store.put(Record("a", "SUCCESS", b'{"status": "SUCCESS"}')),
    "put_many": lambda store: store.put_many([Record("a", "SUCCESS", b'{"status": "SUCCESS"}')]),
    "get": lambda store: store.get("a"),
    "get_many": lambda store: store.get_many(["a"]),
    "delete": lambda store: store.delete(["a"]),
    "scan": lambda store: list(store.scan()),
    "stats": lambda store: store.stats(),
    "group_put": lambda store: store.group_put("g", b"", None),
    "group_get": lambda store: store.group_get("g"),
    "watcher": _listen,
    "check": lambda store: store.check(),
}
SQL_VERBS: dict[str, Callable[[Any], object]] = {
    **VERBS,
    "purge": lambda store: list(store.purge()),
    "schema_version": lambda store: store.schema_version(),
    "schema_upgrade": lambda store: store.schema_upgrade(),
}


def refusals(url: str, settings: Settings | None = None) -> dict[str, RootcellarError]:
    """Try every verb on a store that cannot work; return what each raised.

    Raises whatever is not one of our errors.
    """
    store = open_store(url, settings or Settings())
    raised = {}
    for name, verb in (VERBS if store.url.engine == "redis" else SQL_VERBS).items():
        try:
            verb(store)
        except RootcellarError as exc:
            raised[name] = exc
        else:
            raise AssertionError(f"{name} raised nothing")
    store.close()
    for exc in raised.values():
        assert "\n" not in str(exc)
        assert str(store.url) in str(exc)
        for error in (exc, exc.__cause__):
            assert "hunter2" not in f"{error} {error!r}"
    for exc in raised.values():
        _forget_frames(exc)
    gc.collect()  # whatever was left open is to be complained of here, not in the next test
    return raised


def _forget_frames(error: BaseException | None) -> None:
    while error is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_server_that_is_not_there(scheme: str) -> None:
    """Every verb says so, with host and port."""
    port = free_port()
    raised = refusals(f"{scheme}://user:{PASSWORD}@127.0.0.1:{port}/0")

    assert {StoreUnavailable} == {type(exc) for exc in raised.values()}
    for exc in raised.values():
        assert "cannot be reached" in str(exc)
        assert str(port) in str(exc)
        assert exc.__cause__ is not None


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_host_that_is_not_there(scheme: str) -> None:
    """Names that do not resolve."""
    raised = refusals(f"{scheme}://user:{PASSWORD}@nowhere.invalid/0")

    assert {StoreUnavailable} == {type(exc) for exc in raised.values()}


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
@pytest.mark.parametrize("host", ["nowhere..invalid", f"{'x' * 64}.invalid"])
def test_a_host_name_that_cannot_be_one(scheme: str, host: str) -> None:
    """A slip of the finger; refused by Python itself, with a UnicodeError."""
    with pytest.raises(RootcellarError) as caught:
        open_store(f"{scheme}://user:{PASSWORD}@{host}/0").get("a")

    assert host in str(caught.value)


def test_a_watcher_that_cannot_be_opened_leaves_nothing_open() -> None:
    """The hub tries again for as long as the server is away; each attempt must give back what it took."""
    store = open_store(f"redis://127.0.0.1:{free_port()}/0")
    left: list[StoreUnavailable] = []
    before = psutil.Process().num_fds()
    for _ in range(5):
        try:
            store.watcher()
        except StoreUnavailable as exc:
            left.append(exc)  # with its traceback, which holds whatever was not closed

    assert len(left) == 5
    assert before == psutil.Process().num_fds()
    left.clear()
    gc.collect()


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_server_that_accepts_and_says_nothing(scheme: str) -> None:
    """It ends in an error, not in a wait without end."""
    settings = Settings(
        redis=RedisSettings(connection={"socket_timeout": 0.05, "socket_connect_timeout": 0.05}),
        database=DatabaseSettings(connect_args={"connect_timeout": 2}),
        store_timeout_s=0.05,
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = open_store(f"{scheme}://user:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/0", settings)

        with pytest.raises(StoreUnavailable) as caught:
            store.get("a")

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["redis", "postgresql"])
def test_a_server_that_hangs_up(scheme: str) -> None:
    """Or is another kind of server altogether."""
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.close()

    thread = threading.Thread(target=hang_up, daemon=True)
    thread.start()
    try:
        raised = refusals(f"{scheme}://user:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/0")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(30)

    assert {StoreUnavailable} == {type(exc) for exc in raised.values()}


@pytest.mark.redis
def test_a_wrong_password_for_redis(tmp_path: Path) -> None:
    """The message shows neither password, and names the settings."""
    server = RedisServer(tmp_path / "redis", password="the right one")
    server.start()
    try:
        wrong = refusals(f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0")
        none = refusals(f"redis://127.0.0.1:{server.port}/0")
    finally:
        server.stop()

    assert {AccessDenied} == {type(exc) for exc in (*wrong.values(), *none.values())}
    assert all("redis_password" in str(exc) for exc in (*wrong.values(), *none.values()))


@pytest.mark.redis
def test_a_redis_user_without_the_rights(redis_url: str, redis_client: Any) -> None:
    """The message says which are needed."""
    redis_client.acl_setuser("limited", enabled=True, passwords=[f"+{SPOKEN}"], commands=["+ping", "+hello", "+select"])
    try:
        raised = refusals(redis_url.replace("redis://", f"redis://limited:{PASSWORD}@"))
    finally:
        redis_client.acl_deluser("limited")

    assert {AccessDenied} == {type(exc) for exc in raised.values()}
    assert all("ACL" in str(exc) for exc in raised.values())


@pytest.mark.postgresql
@pytest.mark.parametrize("login", [f"postgres:{PASSWORD}@", f"nobody:{PASSWORD}@", "nobody@"])
def test_a_wrong_login_for_postgresql(postgresql_url: str, login: str) -> None:
    """User or password, or none at all."""
    host = postgresql_url.rpartition("@")[2]
    raised = refusals(f"postgresql://{login}{host}")

    assert {AccessDenied} == {type(exc) for exc in raised.values()}
    assert all("result_backend" in str(exc) for exc in raised.values())


@pytest.mark.postgresql
def test_a_database_that_is_not_there(postgresql_url: str) -> None:
    """It is named."""
    raised = refusals(f"{postgresql_url.rpartition('/')[0]}/nowhere")

    assert {AccessDenied} == {type(exc) for exc in raised.values()}
    assert all('"nowhere" does not exist' in str(exc) for exc in raised.values())


@pytest.mark.redis
def test_a_redis_database_that_is_not_there(redis_server: RedisServer) -> None:
    """Redis has sixteen, as a rule."""
    raised = refusals(f"redis://127.0.0.1:{redis_server.port}/9999")

    assert all("out of range" in str(exc) for exc in raised.values())


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """It is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database\n" * 1000)
    raised = refusals(f"sqlite:///{path}")

    assert {StoreError} == {type(exc) for exc in raised.values()}
    assert all("is not a SQLite database" in str(exc) for exc in raised.values())
    assert path.read_text() == "not a database\n" * 1000
    assert [path] == list(tmp_path.iterdir())


def test_a_directory_in_the_place_of_the_file(tmp_path: Path) -> None:
    """It cannot be opened."""
    raised = refusals(f"sqlite:///{tmp_path}")

    assert {AccessDenied} == {type(exc) for exc in raised.values()}


@pytest.mark.parametrize("make_parent_a_file", [True, False], ids=["is a file", "does not exist"])
def test_a_directory_that(tmp_path: Path, make_parent_a_file: bool) -> None:
    """The message names it."""
    parent = tmp_path / "parent"
    if make_parent_a_file:
        parent.write_text("")
    raised = refusals(f"sqlite:///{parent / 'results.db'}")

    assert {AccessDenied} == {type(exc) for exc in raised.values()}
    assert all(str(parent) in str(exc) for exc in raised.values())


def _without_privileges(function: Callable[[], Any]) -> Callable[[], Any]:
    """Call ``function`` as somebody to whom permissions apply: nobody, where the tests run as root."""

    def call() -> Any:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
        return function()

    return call


def test_a_directory_that_may_not_be_written_to() -> None:
    """SQLite keeps two more files beside the one."""
    directory = Path(tempfile.mkdtemp(prefix="rootcellar-"))  # pytest's own is closed to others
    directory.chmod(0o555)

    def attempt() -> tuple[str, str]:
        with pytest.raises(RootcellarError) as caught:
            open_store(f"sqlite:///{directory / 'results.db'}").put(Record("a", "SUCCESS", b""))
        return type(caught.value).__name__, str(caught.value)

    try:
        kind, text = in_child(_without_privileges(attempt))
    finally:
        shutil.rmtree(directory)

    assert kind == "AccessDenied"
    assert "writable by this user" in text
    assert str(directory) in text


@pytest.mark.parametrize(
    "url",
    [
        "cellar+sqlite://",
        "cellar+sqlite:///",
        "cellar+sqlite:///:memory:",
        "cellar+sqlite://host/results.db",
        "cellar+sqlite:///x.db?synchronous=sometimes",
        "cellar+sqlite:///x.db?synchronos=FULL",
        "cellar+redis://127.0.0.1/zero",
        "cellar+redis://127.0.0.1/0?nonsense=1",
        "cellar+redis://127.0.0.1/0?socket_timeout=soon",
        "cellar+redis://127.0.0.1:99999/0",
        "cellar+postgresql://127.0.0.1:99999/x",
        "cellar+postgresql://127.0.0.1:port/x",
        "cellar+postgresql://127.0.0.1/x?nonsense=1",
        "cellar+postgresql://127.0.0.1/%zz",
        "cellar+redis//127.0.0.1",
        "cellar+nonsense://127.0.0.1",
        "cellar+",
        "",
    ],
)
def test_a_url_that_cannot_be_right_is_refused_when_the_store_is_opened(url: str) -> None:
    """Not at the first result."""
    with pytest.raises(ConfigurationError) as caught:
        open_store(url)

    assert "result_backend" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "driver", "install"),
    [
        ("redis://h", "redis", "pip install 'rootcellar[redis]'"),
        ("postgresql://h", "psycopg", "pip install 'rootcellar[postgres]'"),
    ],
)
def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch, url: str, driver: str, install: str) -> None:
    """The message holds the command that installs it."""
    monkeypatch.setitem(sys.modules, driver, None)

    with pytest.raises(MissingDriver) as caught:
        open_store(url)

    assert install in str(caught.value)
    assert repr(driver) in str(caught.value)


def test_a_file_that_somebody_else_keeps_locked(
    sqlite_url: str, open_it: Callable[..., Store], a_record: AnyRecord
) -> None:
    """Storing ends in an error that says so; reading goes on."""
    store = open_it(sqlite_url, Settings(database=DatabaseSettings(connect_args={"timeout": 0.01})))
    store.put(a_record("a"))
    other = sqlite3.connect(store.path, isolation_level=None)  # type: ignore[attr-defined]
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreTimeout, match="locked by another process"):
            store.put(a_record("b"))
        assert store.get("a") is not None
        other.execute("ROLLBACK")
    finally:
        other.close()

    assert store.put(a_record("b")) is True


@pytest.mark.postgresql
def test_a_row_that_somebody_else_keeps_locked(
    postgresql_url: str, open_it: Callable[..., Store], a_record: AnyRecord
) -> None:
    """Storing it ends in an error after ``cellar_store_timeout``; the store goes on working."""
    import psycopg

    store = open_it(postgresql_url, Settings(store_timeout_s=0.2))
    store.put(a_record("a", "STARTED"))
    with psycopg.connect(postgresql_url) as other:
        other.execute("SELECT 1 FROM cellar_record WHERE id = 'a' FOR UPDATE")
        with pytest.raises(StoreTimeout, match="cellar_store_timeout"):
            store.put(a_record("a"))
        assert store.put(a_record("b")) is True

    assert store.get("b") is not None


@pytest.mark.parametrize("fixture", ["redis_url", "postgresql_url", "sqlite_url"])
def test_a_pool_that_is_used_up(request: pytest.FixtureRequest, fixture: str, a_record: AnyRecord) -> None:
    """The caller is told which settings to raise."""
    pool = PoolSettings(size=1, overflow=0, timeout_s=0.01)
    store = open_store(
        request.getfixturevalue(fixture),
        Settings(redis=RedisSettings(pool=pool), database=DatabaseSettings(pool=pool)),
    )
    store.put(a_record("a"))

    def while_it_is_in_use(connection: object) -> None:
        with pytest.raises(StoreTimeout, match="redis_max_connections"):
            store.get("a")

    store._pool.run(while_it_is_in_use)  # type: ignore[attr-defined]

    assert store.get("a") is not None
    store.close()


@pytest.mark.redis
def test_redis_over_tls(tmp_path: Path, open_it: Callable[..., Store], a_record: AnyRecord) -> None:
    """The authority is named in the URL or in ``redis_backend_use_ssl``; without it the server is not trusted."""
    tls = make_tls(tmp_path / "tls")
    server = RedisServer(tmp_path / "redis", tls=tls, password="p@ss", client_certificates=True)
    server.start()
    files = {
        "ssl_ca_certs": str(tls.ca),
        "ssl_certfile": str(tls.client_certificate),
        "ssl_keyfile": str(tls.client_key),
    }
    try:
        query = "&".join(f"{name}={value}" for name, value in files.items())
        by_url = open_it(f"{server.url}?{query}")
        by_setting = open_it(server.url, Settings(redis=RedisSettings(use_ssl=files)))
        assert by_url.put(a_record("a")) is True
        assert by_setting.get("a") is not None
        by_url.watcher().close()
        with pytest.raises(StoreUnavailable, match="certificate verify failed"):
            open_it(server.url).get("a")
        by_url.close()
        by_setting.close()
    finally:
        server.stop()
