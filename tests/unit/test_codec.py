"""The codec: a document ⇄ its payload, in the bytes Celery 5.7 writes."""

import bz2
import gc
import lzma
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from celery import Celery
from celery.backends.base import BaseBackend
from hypothesis import given
from hypothesis import strategies as st
from kombu.serialization import pickle_loads, registry

from rootcellar.codec import Codec, compression
from rootcellar.errors import ConfigurationError, DecodeError, EncodeError, PayloadTooLarge

GOLDEN = Path(__file__).parent.parent / "golden"
MARKER = b"\x00celery-compressed\x00"
METHODS = ("gzip", "bzip2", "lzma")

TASK_ID = "0b9b6f8e-5c4f-4f0e-9d3a-0d0f4b1c2a3e"
DONE = "2026-01-02T03:04:05.678901+00:00"

#: golden file → the document inside it
DOCUMENTS: dict[str, dict[str, Any]] = {
    "success.json": {
        "status": "SUCCESS",
        "result": {"numbers": [1, 2.5, -3], "nothing": None, "yes": True, "text": "Rüben 🥕"},
        "traceback": None,
        "children": [],
        "date_done": DONE,
        "task_id": TASK_ID,
    },
    "failure.json": {
        "status": "FAILURE",
        "result": {"exc_type": "ValueError", "exc_message": ["no beets"], "exc_module": "builtins"},
        "traceback": 'Traceback (most recent call last):\n  File "t.py", line 1, in f\nValueError: no beets\n',
        "children": [],
        "date_done": DONE,
        "task_id": TASK_ID,
    },
    "started.json": {
        "status": "STARTED",
        "result": {"pid": 42, "hostname": "celery@cellar"},
        "traceback": None,
        "children": [],
        "date_done": None,
        "task_id": TASK_ID,
    },
    "extended.json": {
        "status": "SUCCESS",
        "result": 3,
        "traceback": None,
        "children": [[["6f1c7d2e-8a9b-4c3d-9e0f-1a2b3c4d5e6f", None], None]],
        "date_done": DONE,
        "group_id": "9a8b7c6d-5e4f-4a3b-8c1d-0e9f8a7b6c5d",
        "parent_id": "1a2b3c4d-5e6f-4a8b-9c0d-1e2f3a4b5c6d",
        "name": "shop.tasks.add",
        "args": [1, 2],
        "kwargs": {"deep": {"er": []}},
        "worker": "celery@cellar",
        "retries": 0,
        "queue": "celery",
        "task_id": TASK_ID,
    },
    "typed.json": {
        "status": "SUCCESS",
        "result": {
            "datetime": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
            "naive": datetime(2026, 1, 2, 3, 4, 5),
            "date": date(2026, 1, 2),
            "time": time(3, 4, 5, 678901),
            "decimal": Decimal("1.10"),
            "uuid": UUID("0b9b6f8e-5c4f-4f0e-9d3a-0d0f4b1c2a3e"),
            "bytes": b"text",
            "binary": b"\x00\xff",
        },
        "traceback": None,
        "children": [],
        "date_done": DONE,
        "task_id": TASK_ID,
    },
    "group.json": {"result": [["9a8b7c6d-5e4f-4a3b-8c1d-0e9f8a7b6c5d", None], [[[TASK_ID, None], None]]]},
}


@pytest.fixture(scope="module")
def celery_backend() -> BaseBackend:
    """Celery's own encoding and decoding."""
    return BaseBackend(Celery(set_as_current=False))


# -- the bytes --------------------------------------------------------------------------------------------------------


def test_every_golden_file_has_its_document() -> None:
    """None is left untested."""
    assert set(DOCUMENTS) == {path.name for path in GOLDEN.glob("*.json")}


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_document_is_written_byte_for_byte_as_it_always_was(name: str) -> None:
    """The format may not change under those who have results stored."""
    assert (GOLDEN / name).read_bytes() == Codec().encode(DOCUMENTS[name])


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_celery_writes_the_same_bytes(name: str, celery_backend: BaseBackend) -> None:
    """So that half a fleet may be ours, and the prefix can be taken away again."""
    assert (GOLDEN / name).read_bytes() == celery_backend.encode(DOCUMENTS[name]).encode()


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_stored_document_is_read_back(name: str) -> None:
    """With its types."""
    assert DOCUMENTS[name] == Codec().decode((GOLDEN / name).read_bytes())


@pytest.mark.parametrize("name", sorted(set(DOCUMENTS) - {"group.json"}))
@pytest.mark.parametrize("method", [None, *METHODS])
def test_the_state_is_read_without_the_rest(name: str, method: str | None) -> None:
    """From Celery's JSON, compressed or not."""
    payload = Codec(compression=method).encode(DOCUMENTS[name])

    assert DOCUMENTS[name]["status"] == Codec().state_of(payload)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(timezones=st.sampled_from([None, UTC]))
    | st.dates()
    | st.times()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.binary()
)
keys = st.text().filter(lambda key: key not in ("__type__", "__value__"))
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)


@given(values, st.sampled_from([None, *METHODS]))
def test_what_was_encoded_is_decoded(value: Any, method: str | None) -> None:
    """Whatever kombu's JSON can express, through every compression."""
    codec = Codec(compression=method)

    assert value == codec.decode(codec.encode(value))


@given(values)
def test_whatever_celery_writes_we_write_and_read(value: Any) -> None:
    """Our short way through kombu's JSON changes not a byte."""
    celery = BaseBackend(Celery(set_as_current=False))
    theirs = celery.encode(value)

    assert theirs.encode() == Codec().encode(value)
    assert celery.decode(theirs) == Codec().decode(theirs.encode())


@pytest.mark.parametrize("state", ["PROGRESS", "À MOITIÉ", 'half "done"', "back\\slash", "半分", ""])
def test_a_custom_state_is_read_as_it_was_written(state: str) -> None:
    """JSON escapes what is not ASCII, quotes and backslashes."""
    payload = Codec().encode({"status": state, "result": None})

    assert state == Codec().decode(payload)["status"]
    assert state == Codec().state_of(payload)


@pytest.mark.parametrize(
    "payload", [b'{"result": 1, "status": "SUCCESS"}', b'{"status":"SUCCESS"}', b'\n{ "status" : "SUCCESS" }']
)
def test_the_state_is_found_in_json_that_celery_did_not_write(payload: bytes) -> None:
    """Other programs, and other versions, may order it otherwise."""
    assert Codec().state_of(payload) == "SUCCESS"


@pytest.mark.parametrize("payload", [b"{}", b"[]", b"1", b'{"status": 1}', b'{"status": null}'])
def test_a_document_without_a_state_is_refused(payload: bytes) -> None:
    """It is none of Celery's."""
    with pytest.raises(DecodeError, match="holds no 'status'"):
        Codec().state_of(payload)


def test_another_serializer_is_used_where_one_is_set() -> None:
    """kombu's registry has it."""
    codec = Codec(serializer="yaml", accept=frozenset({"yaml"}))
    payload = codec.encode(DOCUMENTS["success.json"])

    assert payload.startswith(b"children:")
    assert DOCUMENTS["success.json"] == codec.decode(payload)
    assert codec.state_of(payload) == "SUCCESS"


def test_a_serializer_of_ones_own_is_used_even_where_it_is_called_json() -> None:
    """kombu allows it, and Celery then uses it."""
    registered = registry._encoders["json"], registry._decoders["application/json"]
    registry.register("json", lambda value: f"mine:{value}", lambda data: data[5:], "application/json", "utf-8")
    try:
        codec = Codec()
        assert codec.encode(1) == b"mine:1"
        assert codec.decode(b"mine:1") == b"1"
    finally:
        registry._encoders["json"], registry._decoders["application/json"] = registered


# -- compression ------------------------------------------------------------------------------------------------------


@pytest.fixture
def celery_57() -> Any:
    """Celery's module, where it is of a version that compresses (5.7)."""
    from celery.backends import base

    assert hasattr(base, "compress_payload"), "the tests are run with Celery 5.7 or later"
    return base


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_compressed_payload_is_celerys_byte_for_byte(method: str, name: str, celery_57: Any) -> None:
    """Its marker, its content type, its body."""
    plain = (GOLDEN / name).read_bytes()
    ours = Codec(compression=method).encode(DOCUMENTS[name])

    assert celery_57.compress_payload(plain, method) == ours
    assert ours.startswith(MARKER)
    assert plain == celery_57.decompress_payload(ours)


@pytest.mark.parametrize("method", METHODS)
def test_what_celery_compressed_is_read_whatever_we_compress_with(method: str, celery_57: Any) -> None:
    """Readers need no setting."""
    payload = celery_57.compress_payload((GOLDEN / "typed.json").read_bytes(), method)

    for codec in (Codec(), Codec(compression="gzip")):
        assert DOCUMENTS["typed.json"] == codec.decode(payload)


def test_a_plain_payload_is_read_where_compression_is_on() -> None:
    """Results stored before it was switched on."""
    assert DOCUMENTS["success.json"] == Codec(compression="gzip").decode((GOLDEN / "success.json").read_bytes())


BOMBS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "gzip": (b"application/x-gzip", zlib.compress),
    "bzip2": (b"application/x-bz2", bz2.compress),
    "lzma": (b"application/x-lzma", lzma.compress),
}


@pytest.mark.parametrize("method", METHODS)
def test_a_decompression_bomb_does_not_fill_the_memory(method: str) -> None:
    """64 MB of zeros, in some kilobytes, where 1 MB is allowed."""
    content_type, compress = BOMBS[method]
    bomb = MARKER + content_type + b"\0" + compress(bytes(64 << 20))
    codec = Codec(max_bytes=1 << 20)
    gc.collect()
    tracemalloc.start()
    try:
        for read in (codec.decode, codec.state_of):
            with pytest.raises(DecodeError, match="cellar_max_payload_bytes"):
                read(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 << 20


@pytest.mark.parametrize("method", METHODS)
def test_a_document_of_just_the_size_allowed_is_read_and_one_byte_more_is_not(method: str) -> None:
    """The limit is on what unfolds."""
    document = Codec().encode("x" * 100)
    payload = compression.compress(document, method)

    assert document == compression.decompress(payload, len(document))
    with pytest.raises(DecodeError):
        compression.decompress(payload, len(document) - 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda payload: payload[:-3], id="cut in its checksum"),
        pytest.param(lambda payload: payload[:60], id="cut early"),
        pytest.param(lambda payload: payload[:45] + b"\xff\0\xff" + payload[48:], id="changed"),
    ],
)
def test_damaged_compressed_bytes_give_a_decode_error(method: str, damage: Callable[[bytes], bytes]) -> None:
    """Cut short, or changed in the middle."""
    payload = damage(Codec(compression=method).encode(DOCUMENTS["typed.json"]))

    with pytest.raises(DecodeError) as caught:
        Codec().decode(payload)

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("rest", [b"", b"nonsense", b"nonsense\0", b"nonsense\0body", b"\xff\0body"])
def test_an_unknown_compression_gives_a_decode_error(rest: bytes) -> None:
    """It is named, and nothing is tried."""
    with pytest.raises(DecodeError, match="does not read"):
        Codec().decode(MARKER + rest)


def test_zstd_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer may have it where a reader has not."""
    monkeypatch.setitem(sys.modules, "zstandard", None)

    with pytest.raises(DecodeError, match="pip install zstandard"):
        Codec().decode(MARKER + b"application/zstd\0x")


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["pickle", "application/x-python-serialize"])
def test_pickle_is_neither_written_nor_read(name: str) -> None:
    """Reading one runs whatever it holds."""
    with pytest.raises(ConfigurationError, match="result_serializer names pickle"):
        Codec(serializer=name, accept=frozenset({"json", name}))
    with pytest.raises(ConfigurationError, match="result_accept_content names pickle"):
        Codec(accept=frozenset({"json", name}))


def test_a_pickle_that_lies_in_the_store_is_not_opened() -> None:
    """Nor is anything in it run."""
    payload = b"cbuiltins\nprint\n(S'run'\ntR."
    pickle_loads(b"N.")  # kombu could

    with pytest.raises(DecodeError):
        Codec().decode(payload)


class Opaque:
    """What no serializer can express, with a text that would break a paragraph."""

    def __repr__(self) -> str:
        return "<Opaque\nobject>"


@pytest.mark.parametrize(
    ("serializer", "value"),
    [
        *(("json", value) for value in (Opaque(), {1, 2}, {"a": [Opaque()]}, {(1, 2): 3}, 1j, print)),
        *(("yaml", value) for value in (Opaque(), {"a": [Opaque()]}, print)),
    ],
)
def test_what_cannot_be_expressed_gives_an_encode_error_in_one_paragraph(serializer: str, value: Any) -> None:
    """Celery's worker turns it into a FAILURE that says so."""
    codec = Codec(serializer=serializer, accept=frozenset({serializer}))

    with pytest.raises(EncodeError) as caught:
        codec.encode({"status": "SUCCESS", "result": value})

    assert "\n" not in str(caught.value)
    assert f"cannot be written as {serializer}" in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_value_that_holds_itself_gives_an_encode_error() -> None:
    """Not an endless loop."""
    loop: list[Any] = []
    loop.append(loop)

    with pytest.raises(EncodeError):
        Codec().encode(loop)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"status": "SUCCESS", "result"',
        b'{"__type__": "nonsense", "__value__": 1}',
        b'{"__type__": "datetime", "__value__": "soon"}',
        b"[" * 100_000,
    ],
)
def test_damaged_bytes_give_a_decode_error_in_one_paragraph(payload: bytes) -> None:
    """Which says how long they are, not what is in them."""
    with pytest.raises(DecodeError) as caught:
        Codec().decode(payload)

    assert f"A stored result of {len(payload)} bytes is not json" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@given(st.binary())
def test_no_bytes_give_anything_but_a_value_or_a_decode_error(payload: bytes) -> None:
    """Whoever can write to the store cannot break a reader."""
    for start in (b"", MARKER, MARKER + b"application/x-gzip\0", b'{"status": "'):
        for read in (Codec().decode, Codec().state_of):
            with suppress(DecodeError):
                read(start + payload)


def test_a_result_larger_than_allowed_is_refused_before_it_is_stored() -> None:
    """With both sizes, and the setting."""
    with pytest.raises(PayloadTooLarge) as caught:
        Codec(max_bytes=10).encode("x" * 100)

    assert "102 bytes" in str(caught.value)
    assert "cellar_max_payload_bytes allows 10" in str(caught.value)


def test_a_payload_larger_than_allowed_is_not_read() -> None:
    """Whoever wrote it."""
    with pytest.raises(DecodeError, match="cellar_max_payload_bytes allows 10"):
        Codec(max_bytes=10).decode(Codec().encode("x" * 100))


def test_a_codec_says_what_it_cannot_do_when_it_is_built() -> None:
    """Not at the first result."""
    with pytest.raises(ConfigurationError, match="Did you mean 'gzip'"):
        Codec(compression="gzipp")
    with pytest.raises(ConfigurationError, match="Did you mean 'json'"):
        Codec(serializer="jsn")
    with pytest.raises(ConfigurationError, match="Add 'json' to result_accept_content"):
        Codec(accept=frozenset({"yaml"}))
