"""``rootcellar doctor`` with real workers: each cause is brought about, and must be named."""

import gc
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, _state, chord, group
from cellar_tasks import make_app, open_gate
from workers import Worker, worker_of

from doctored import HEALTHY, diagnosis, explained, project, said
from rootcellar.specialist.doctor import SYMPTOMS
from servers import RabbitMQServer, RedisServer, wait_until

pytestmark = [
    pytest.mark.redis,
    pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def _no_tasks_of_other_tests() -> Iterator[None]:
    """An app also gets the tasks of every other app of its process, those that other tests have made too."""
    with pytest.MonkeyPatch.context() as patch:
        own = {one for one in _state._on_app_finalizers if one.__module__ == "celery.app.builtins"}
        patch.setattr(_state, "_on_app_finalizers", own)
        yield


@pytest.fixture(scope="module")
def durable() -> Iterator[RedisServer]:
    """A Redis that writes to disk, as one that holds results should."""
    directory = Path(tempfile.mkdtemp(prefix="rootcellar-"))
    server = RedisServer(directory, options=["--appendonly", "yes", "--databases", "64"])
    try:
        server.start()
        yield server
    finally:
        gc.collect()  # results say good-bye to the server when they are collected
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def url_of(durable: RedisServer) -> Callable[[int], str]:
    """Return the URL of a database of that Redis."""
    return lambda number: f"redis://127.0.0.1:{durable.port}/{number}"


@pytest.fixture(scope="module")
def make(open_app: Callable[..., Celery], url_of: Callable[[int], str]) -> Callable[..., Celery]:
    """Make an app on a broker of this module: ``make(result database, queue, **settings)``."""

    def make_one(backend: int | str = 1, queue: str = "tasks", **settings: Any) -> Celery:
        url = url_of(backend) if isinstance(backend, int) else backend
        return open_app(url, **{"broker_url": url_of(0), "task_default_queue": queue, **HEALTHY, **settings})

    return make_one


@pytest.fixture(scope="module")
def client(make: Callable[..., Celery]) -> Celery:
    return make()


@pytest.fixture(scope="module")
def worker(client: Celery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A healthy worker of ``client``."""
    with worker_of(client, tmp_path_factory.mktemp("worker"), pool="threads") as worker:
        yield worker


@pytest.fixture
def files(tmp_path: Path, client: Celery) -> Path:
    """The project of ``client``, as far as files say it."""
    return project(
        tmp_path,
        client.conf.broker_url,
        client.conf.result_backend,
        task_default_queue="tasks",
        **HEALTHY,
    )


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder without a project: all is known from the loaded app."""
    return tmp_path


@pytest.fixture
def hold() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("symptom", [one.name for one in SYMPTOMS])
def test_a_healthy_project_explains_no_symptom(symptom: str, files: Path, client: Celery, worker: Worker) -> None:
    assert client.send_task("add", (1, 2)).get(timeout=10) == 3
    found = diagnosis(symptom, files, client)
    assert not found.causes, found.causes


def test_workers_and_servers_are_asked_by_what_the_files_say(files: Path, worker: Worker) -> None:
    found = diagnosis("pending-forever", files)
    assert not found.causes, found.causes
    assert said(found)["worker-elsewhere"].startswith("cleared: 1 worker, storing where the client reads")


def test_a_worker_that_ignores_results(
    empty: Path, make: Callable[..., Celery], hold: ExitStack, tmp_path: Path
) -> None:
    quiet = make(2, "quiet", broker_url=make().conf.broker_url.replace("/0", "/40"), task_ignore_result=True)
    hold.enter_context(worker_of(quiet, tmp_path, pool="threads"))
    client = make(2, "quiet", broker_url=quiet.conf.broker_url)
    for symptom in ("not-persisting", "pending-forever"):
        found = diagnosis(symptom, empty, client)
        assert explained(found) == "worker-ignores-results", said(found)


@pytest.mark.parametrize("symptom", ["not-persisting", "pending-forever"])
def test_a_client_that_reads_another_database_than_its_worker(
    symptom: str, empty: Path, make: Callable[..., Celery], worker: Worker
) -> None:
    elsewhere = make(3)
    assert explained(diagnosis(symptom, empty, elsewhere)) == "worker-elsewhere"


def test_the_database_in_which_a_named_task_was_stored(
    empty: Path, make: Callable[..., Celery], client: Celery, worker: Worker
) -> None:
    result = client.send_task("add", (1, 2))
    assert result.get(timeout=10) == 3
    found = diagnosis("not-persisting", empty, make(3), task_id=result.id)
    assert explained(found) == "task-in-other-place", said(found)
    assert found.explanation is not None
    assert "in database 1" in found.explanation.evidence


def test_a_prefix_that_only_the_worker_has(
    empty: Path, make: Callable[..., Celery], client: Celery, worker: Worker
) -> None:
    prefixed = make(1, result_backend_transport_options={"global_keyprefix": "mine"})
    assert explained(diagnosis("pending-forever", empty, prefixed)) == "worker-elsewhere"


def test_no_worker_on_the_broker(empty: Path, make: Callable[..., Celery], url_of: Callable[[int], str]) -> None:
    alone = make(4, broker_url=url_of(41))
    alone.send_task("add", (1, 2))
    found = diagnosis("pending-forever", empty, alone)
    assert explained(found) == "no-worker"
    assert found.explanation is not None
    assert "1 message" in found.explanation.evidence


def test_a_queue_that_no_worker_consumes(empty: Path, make: Callable[..., Celery], worker: Worker) -> None:
    routed = make(task_routes={"add": {"queue": "nobody"}})
    found = diagnosis("pending-forever", empty, routed)
    assert explained(found) == "queue-not-consumed"
    assert found.explanation is not None
    assert "add goes to the queue 'nobody'" in found.explanation.evidence


def test_a_task_that_no_worker_knows(empty: Path, make: Callable[..., Celery], worker: Worker) -> None:
    ahead = make()

    @ahead.task(shared=False, name="unheard_of")
    def unheard_of() -> None:
        pass

    found = diagnosis("pending-forever", empty, ahead)
    assert explained(found) == "task-not-registered", said(found)
    assert found.explanation is not None
    assert "unheard_of" in found.explanation.evidence


def test_a_task_that_still_runs(empty: Path, client: Celery, worker: Worker, gate: Path) -> None:
    result = client.send_task("wait_at_gate", (str(gate),))
    wait_until(lambda: worker.count(result.id, "received") > 0, "the task was received")
    try:
        assert explained(diagnosis("pending-forever", empty, client, task_id=result.id)) == "task-in-hand"
    finally:
        open_gate(gate)
        result.get(timeout=10)


def test_a_worker_that_lets_results_expire_early(empty: Path, make: Callable[..., Celery], worker: Worker) -> None:
    patient = make(result_expires=86_400)
    assert explained(diagnosis("expired-early", empty, patient)) == "worker-expires-early"


def test_a_worker_that_stores_with_another_serializer(
    empty: Path, make: Callable[..., Celery], worker: Worker, client: Celery
) -> None:
    pickling = make(5, result_serializer="pickle", result_accept_content=["pickle"])
    assert explained(diagnosis("serialization", empty, pickling)) == "worker-serializer"


def test_a_task_that_returns_what_json_has_not(
    empty: Path, make: Callable[..., Celery], client: Celery, worker: Worker
) -> None:
    result = client.send_task("unspeakable")
    wait_until(lambda: result.state == "FAILURE", "the failure is stored")
    found = diagnosis("serialization", empty, client)
    result.forget()
    assert explained(found) == "not-encodable", said(found)
    assert found.explanation is not None
    assert "Object of type object is not JSON serializable" in found.explanation.evidence


def test_a_chord_whose_body_goes_to_a_queue_that_no_worker_consumes(
    empty: Path, make: Callable[..., Celery], worker: Worker
) -> None:
    routed = make(task_routes={"total": {"queue": "nobody"}})
    body = chord(group(routed.signature("add", (n, n)) for n in range(2)), app=routed)(routed.signature("total"))
    found = diagnosis("chord-stuck", empty, routed)
    assert explained(found) == "queue-not-consumed"
    assert found.explanation is not None
    assert "total goes to" in found.explanation.evidence
    body.forget()


def test_a_chord_one_member_of_which_nobody_takes(empty: Path, client: Celery, worker: Worker) -> None:
    members = [client.signature("add", (1, 1)), client.signature("add", (2, 2)).set(queue="nobody")]
    result = chord(group(members, app=client), app=client)(client.signature("total"))
    assert result.parent.results[0].get(timeout=10) == 2
    found = diagnosis("chord-stuck", empty, client)
    client.backend.client.flushdb()
    assert explained(found) == "open-chords", said(found)
    assert found.explanation is not None
    assert "1 of 2 parts" in found.explanation.evidence


def test_a_chord_whose_size_is_gone_from_the_store(empty: Path, client: Celery, worker: Worker) -> None:
    members = [client.signature("add", (1, 1)), client.signature("add", (2, 2)).set(queue="nobody")]
    result = chord(group(members, app=client), app=client)(client.signature("total"))
    assert result.parent.results[0].get(timeout=10) == 2
    client.backend.client.delete(client.backend.get_key_for_group(result.parent.id, ".s"))
    found = diagnosis("chord-stuck", empty, client)
    client.backend.client.flushdb()
    assert explained(found) == "open-chords", said(found)
    assert found.explanation is not None
    assert "no size any more" in found.explanation.evidence


def test_a_chord_a_member_of_which_was_revoked(empty: Path, client: Celery, worker: Worker) -> None:
    members = [client.signature("add", (1, 1)), client.signature("add", (2, 2)).set(expires=-1)]
    body = chord(group(members, app=client), app=client)(client.signature("total"))
    wait_until(lambda: body.state == "FAILURE", "the chord has failed")
    found = diagnosis("chord-stuck", empty, client)
    client.backend.client.flushdb()
    assert explained(found) == "chord-errors", said(found)
    assert found.explanation is not None
    assert "raised TaskRevokedError" in found.explanation.evidence


def test_a_chord_whose_member_stores_nothing(
    empty: Path, hold: ExitStack, tmp_path: Path, url_of: Callable[[int], str]
) -> None:
    url = f"db+sqlite:///{tmp_path / 'results.db'}"
    polled = make_app({"broker_url": url_of(42), "task_default_queue": "polled", "result_backend": url, **HEALTHY})
    hold.callback(polled.close)
    hold.enter_context(worker_of(polled, tmp_path, pool="threads"))
    gate = tmp_path / "gate"
    members = [polled.signature("add", (1, 1)), polled.signature("quiet", (str(gate),))]
    chord(group(members, app=polled), app=polled)(polled.signature("total"))
    wait_until(gate.exists, "the member that ignores its result has run")
    found = diagnosis("chord-stuck", empty, polled)
    assert explained(found) == "unlock-in-vain", said(found)


def test_a_member_of_chords_that_ignores_its_result(
    empty: Path, make: Callable[..., Celery], worker: Worker, tmp_path: Path
) -> None:
    code = """
    from celery import chord

    @app.task(name="quiet")
    def quiet():
        pass

    def together():
        return chord([quiet.s(), add.s(2, 2)])(add.s(1))
    """
    polled = f"db+sqlite:///{tmp_path / 'none.db'}"
    folder = project(tmp_path, make().conf.broker_url, polled, code, task_default_queue="tasks", **HEALTHY)
    found = diagnosis("chord-stuck", folder)
    assert "members-ignored" in [one.suspect for one in found.causes], said(found)


def test_workers_that_do_not_keep_up(
    empty: Path, hold: ExitStack, tmp_path: Path, make: Callable[..., Celery], url_of: Callable[[int], str], gate: Path
) -> None:
    busy = make(6, "busy", broker_url=url_of(43), worker_prefetch_multiplier=1)
    hold.enter_context(worker_of(busy, tmp_path, pool="threads", concurrency=1))
    results = [busy.send_task("wait_at_gate", (str(gate),)) for _ in range(5)]
    found = diagnosis("pending-forever", empty, busy)
    open_gate(gate)
    for result in results:
        result.get(timeout=10)
    assert explained(found) == "workers-behind", said(found)


def test_a_worker_without_a_result_backend(
    empty: Path, hold: ExitStack, tmp_path: Path, make: Callable[..., Celery], url_of: Callable[[int], str]
) -> None:
    config = {"broker_url": url_of(44), "task_default_queue": "bare", "result_backend": None}
    bare = make_app(config)
    hold.callback(bare.close)
    hold.enter_context(worker_of(bare, tmp_path, pool="threads"))
    found = diagnosis("not-persisting", empty, make(7, "bare", broker_url=url_of(44)))
    assert explained(found) == "worker-disabled", said(found)
    assert explained(diagnosis("not-persisting", empty, bare)) == "no-backend"


def test_the_results_of_others_are_as_they_were(files: Path, client: Celery, worker: Worker) -> None:
    mine = str(uuid.uuid4())
    client.backend.store_result(mine, "mine", "SUCCESS")
    before = set(client.backend.client.keys("*"))
    for name in ("serialization", "slow"):
        diagnosis(name, files, client)
    assert set(client.backend.client.keys("*")) == before
    client.backend.forget(mine)


@pytest.mark.rabbitmq
def test_messages_that_wait_in_a_rabbitmq_for_a_worker(
    empty: Path, make: Callable[..., Celery], rabbitmq_server: RabbitMQServer
) -> None:
    alone = make(8, "forlorn", broker_url=rabbitmq_server.url)
    alone.send_task("add", (1, 2))
    alone.send_task("add", (1, 2))
    found = diagnosis("pending-forever", empty, alone, timeout_s=1)
    with alone.connection_for_write() as connection, connection.channel() as channel:
        left = channel.queue_declare("forlorn", passive=True).message_count
        channel.queue_delete("forlorn")
    assert explained(found) == "no-worker", said(found)
    assert found.explanation is not None
    assert "The queue 'forlorn' holds 2 messages." in found.explanation.evidence
    assert left == 2
