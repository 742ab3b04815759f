"""Compression, in the envelope of Celery 5.7.

A compressed payload names its own method: ``MARKER + content type + NUL + body``. The leading NUL starts no JSON,
YAML, pickle or MessagePack mapping, so it cannot be mistaken for an uncompressed one, and Celery 5.7 reads ours as we
read its. (5.5 and 5.6 neither write nor read it: celery/celery#9370.)

Celery decompresses without a limit; a few kilobytes of hostile zeros then fill the memory. Here a payload may not
unfold to more than ``cellar_max_payload_bytes``.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

from kombu import compression as kombu_compression

from rootcellar.errors import ConfigurationError, DecodeError, did_you_mean

MARKER = b"\x00celery-compressed\x00"


def check_method(method: str) -> str:
    """Return ``method``, a name in kombu's compression registry such as ``gzip``, if it can be used.

    Raises:
        ConfigurationError: kombu does not know it, its package is not installed, or it cannot be read back here.
    """
    known = sorted(kombu_compression.encoders())
    try:
        _, content_type = kombu_compression.get_encoder(method)
    except KeyError:
        names = sorted({name for name in ("gzip", "bzip2", "lzma", "zstd") if _is_known(name)})
        raise ConfigurationError(
            f"result_compression is {method!r}, which is not installed or not known."
            f"{did_you_mean(method, names)} Available here: {', '.join(names)}."
        ) from None
    if content_type not in _DECOMPRESSORS:
        raise ConfigurationError(
            f"result_compression is {method!r} ({content_type}), which rootcellar cannot unfold within a size limit. "
            f"Use one of gzip, bzip2, lzma or zstd (known to kombu here: {', '.join(known)})."
        )
    return method


def _is_known(method: str) -> bool:
    try:
        kombu_compression.get_encoder(method)
    except KeyError:
        return False
    return True


def compress(document: bytes, method: str) -> bytes:
    """Return ``document`` compressed with ``method``, marked as Celery 5.7 marks it."""
    body, content_type = kombu_compression.compress(document, method)
    return b"".join((MARKER, content_type.encode(), b"\0", body))


def decompress(payload: bytes, limit: int) -> bytes:
    """Return the document inside a payload that starts with :data:`MARKER`.

    Raises:
        DecodeError: an unknown method, a damaged body, or a document of more than ``limit`` bytes.
    """
    content_type, _, body = payload[len(MARKER) :].partition(b"\0")
    name = content_type.decode("ascii", "replace")
    unfold = _DECOMPRESSORS.get(name)
    if unfold is None:
        raise DecodeError(f"A stored result is compressed as {name[:80]!r}, which rootcellar does not read.")
    try:
        document = unfold(body, limit + 1)
    except DecodeError:
        raise
    except Exception as exc:
        raise DecodeError(
            f"A stored result marked as {name} could not be decompressed: {exc}. Its bytes are damaged."
        ) from exc
    if len(document) > limit:
        raise DecodeError(
            f"A stored result of {len(payload)} compressed bytes unfolds to more than {limit}. Raise "
            "cellar_max_payload_bytes if it is yours and really that large."
        )
    return document


class _Decompressor(Protocol):
    """What zlib, bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _unfold(decompressor: _Decompressor, body: bytes, limit: int) -> bytes:
    document = decompressor.decompress(body, limit)
    if not decompressor.eof and len(document) < limit:
        raise ValueError("it ends too early")
    return document


def _unzip(body: bytes, limit: int) -> bytes:
    return _unfold(zlib.decompressobj(), body, limit)


def _unbzip2(body: bytes, limit: int) -> bytes:
    return _unfold(bz2.BZ2Decompressor(), body, limit)


def _unlzma(body: bytes, limit: int) -> bytes:
    return _unfold(lzma.LZMADecompressor(), body, limit)


def _unzstd(body: bytes, limit: int) -> bytes:
    try:
        import zstandard
    except ImportError:
        raise DecodeError(
            "A stored result is compressed with zstd, and the package that reads it is not installed: "
            "pip install zstandard"
        ) from None
    with zstandard.ZstdDecompressor().stream_reader(body) as reader:
        return bytes(reader.read(limit))


_DECOMPRESSORS: Mapping[str, Callable[[bytes, int], bytes]] = {
    "application/x-gzip": _unzip,
    "application/x-bz2": _unbzip2,
    "application/x-lzma": _unlzma,
    "application/zstd": _unzstd,
}
