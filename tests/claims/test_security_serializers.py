"""What the security rules say of serializers and keys, made to happen on the installed Celery and kombu."""

import json
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kombu
import pytest
from celery import Celery
from celery.exceptions import ImproperlyConfigured
from cryptography.fernet import Fernet, InvalidToken
from kombu import serialization
from kombu.exceptions import ContentDisallowed, DecodeError

PICKLE = "application/x-python-serialize"

# Celery's own call, where redis-py deprecates it
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")


class Payload:
    """A pickle of it makes a folder when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """A folder that is there once somebody's code ran."""
    return tmp_path / "ran"


@pytest.fixture
def payload(trace: Path) -> bytes:
    return pickle.dumps(Payload(trace))


@pytest.fixture
def a_type_of_its_own() -> Iterator[Callable[[Callable[[bytes], Any]], str]]:
    """Register a decoder under a content type of its own, for one test."""

    registered: list[str] = []

    def register(decoder: Callable[[bytes], Any]) -> str:
        serialization.register("of-a-test", json.dumps, decoder, content_type="application/x-of-a-test")
        registered.append("of-a-test")
        return "application/x-of-a-test"

    yield register
    for name in registered:
        serialization.unregister(name)


@pytest.fixture
def locked_again() -> Iterator[None]:
    yield
    serialization.disable_insecure_serializers()


def app_on(backend: str | None = None, **settings: Any) -> Any:
    """Return an app that is nobody's current one."""
    app = Celery("claims", broker="memory://", backend=backend, set_as_current=False)
    app.conf.update(settings)
    return app


def receive(app: Any, body: bytes, content_type: str) -> Any:
    """Send an app's workers a message, and decode it as they do."""
    with app.connection() as connection:
        queue = app.amqp.queues["celery"](connection.default_channel)
        queue.declare()
        queue.purge()
        with kombu.Producer(connection) as producer:
            producer.publish(body, routing_key="celery", content_type=content_type, content_encoding="binary")
        accepted = app.amqp.TaskConsumer(connection.default_channel, [queue]).accept
        return queue.get(no_ack=True, accept=accepted).payload


@pytest.mark.claims("RC111")
def test_a_worker_that_accepts_pickle_runs_what_a_sender_calls_one(trace: Path, payload: bytes) -> None:
    receive(app_on(accept_content=["json", "pickle"]), payload, PICKLE)
    assert trace.exists()


@pytest.mark.claims("RC111")
def test_a_worker_that_accepts_json_alone_refuses_a_pickle(trace: Path, payload: bytes) -> None:
    with pytest.raises(ContentDisallowed):
        receive(app_on(accept_content=["json"]), payload, PICKLE)
    assert not trace.exists()


@pytest.mark.redis
@pytest.mark.claims("RC112")
def test_reading_a_result_runs_what_was_written_to_the_store_where_results_are_pickles(
    redis_url: str, trace: Path, payload: bytes
) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.set("celery-task-meta-one", payload)
    reader = app_on(redis_url, result_serializer="json", accept_content=["json", "pickle"])
    with pytest.raises((DecodeError, UnicodeDecodeError, ValueError)):
        reader.backend.get_task_meta("one")
    assert not trace.exists()
    with pytest.raises(TypeError):  # what comes out is no result, and by then it has run
        app_on(redis_url, result_serializer="pickle", accept_content=["pickle"]).backend.get_task_meta("one")
    assert trace.exists()


@pytest.mark.usefixtures("locked_again")
@pytest.mark.claims("RC113")
def test_a_reader_that_accepts_nothing_in_particular_unpickles_once_that_is_enabled(
    trace: Path, payload: bytes
) -> None:
    with pytest.raises(ContentDisallowed):
        serialization.loads(payload, PICKLE, "binary")
    kombu.enable_insecure_serializers(["yaml", "msgpack"])
    with pytest.raises(ContentDisallowed):
        serialization.loads(payload, PICKLE, "binary")
    assert not trace.exists()
    kombu.enable_insecure_serializers()
    serialization.loads(payload, PICKLE, "binary")
    assert trace.exists()


@pytest.mark.claims("RC114")
def test_a_pickle_under_another_content_type_runs_without_pickle_being_accepted(
    a_type_of_its_own: Callable[..., str], trace: Path, payload: bytes
) -> None:
    content_type = a_type_of_its_own(pickle.loads)
    receive(app_on(accept_content=["json", "of-a-test"]), payload, content_type)
    assert trace.exists()


@pytest.mark.claims("RC114")
@pytest.mark.parametrize("runs", [True, False], ids=["unsafe_load runs it", "safe_load refuses it"])
def test_a_yaml_document_that_names_a_function(
    a_type_of_its_own: Callable[..., str], trace: Path, *, runs: bool
) -> None:
    yaml = pytest.importorskip("yaml")
    content_type = a_type_of_its_own(yaml.unsafe_load if runs else yaml.safe_load)
    document = f"!!python/object/apply:os.mkdir ['{trace}']".encode()
    app = app_on(accept_content=["of-a-test"])
    if runs:
        receive(app, document, content_type)
    else:
        with pytest.raises(DecodeError):
            receive(app, document, content_type)
    assert trace.exists() is runs


@pytest.mark.redis
@pytest.mark.claims("RC115")
def test_a_backend_that_is_to_sign_cannot_be_opened_before_security_is_set_up(redis_url: str) -> None:
    with pytest.raises(KeyError, match="auth"):
        app_on(redis_url, result_serializer="auth").backend  # noqa: B018 - opening it is the test


@pytest.mark.claims("RC115")
@pytest.mark.parametrize("missing", ["security_key", "security_certificate", "security_cert_store"])
def test_setting_up_security_is_refused_while_this_is_missing(missing: str) -> None:
    settings = {"security_key": "/key", "security_certificate": "/cert", "security_cert_store": "/certs/*.pem"}
    app = app_on(task_serializer="auth", accept_content=["auth"], **{**settings, missing: None})
    with pytest.raises(ImproperlyConfigured, match=missing):
        app.setup_security()


@pytest.mark.claims("RC116")
def test_what_was_encrypted_under_one_generated_key_cannot_be_read_under_the_next() -> None:
    written = Fernet(Fernet.generate_key()).encrypt(b"result")
    with pytest.raises(InvalidToken):
        Fernet(Fernet.generate_key()).decrypt(written)
