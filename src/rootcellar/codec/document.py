"""The document: the mapping Celery keeps for each task, encoded by kombu's serializers.

JSON is written exactly as Celery 5.5 to 5.7 write it, since it goes through the same registry: kombu's own JSON, with
datetime, date, time, Decimal, UUID and bytes as ``{"__type__": …, "__value__": …}``. Pickle is refused: reading one
runs whatever code it holds, and whoever can write to the store could then run code in every reader.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from kombu import serialization
from kombu.exceptions import ContentDisallowed
from kombu.utils import json as kombu_json

from rootcellar.codec import compression as compressing
from rootcellar.errors import ConfigurationError, DecodeError, EncodeError, PayloadTooLarge, did_you_mean

_REFUSED = frozenset({"pickle", "application/x-python-serialize"})

# What kombu's JSON does for each document, kept ready: kombu builds an encoder and a decoder a call.
_to_json = kombu_json.JSONEncoder().encode
_from_json = json.JSONDecoder(object_hook=kombu_json.object_hook).decode

# What Celery's JSON starts with: the mapping is built with `status` first.
_JSON_STATE = b'{"status": "'


@dataclass(frozen=True, slots=True)
class Codec:
    """Encodes and decodes documents for one configuration.

    Raises, when built:
        ConfigurationError: an unknown or refused serializer or compression, or a serializer that may be written but,
            by ``result_accept_content``, not read.
    """

    serializer: str = "json"
    compression: str | None = None
    #: content types or serializer names that may be read
    accept: frozenset[str] = frozenset({"json"})
    max_bytes: int = 128 * 1024 * 1024
    #: whether the serializer is kombu's own JSON; an app may have registered another under that name
    _is_kombu_json: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        registry = serialization.registry
        if self.serializer in _REFUSED or self.accept & _REFUSED:
            setting = "result_serializer" if self.serializer in _REFUSED else "result_accept_content"
            raise ConfigurationError(
                f"{setting} names pickle. Reading a pickle runs the code inside it, so rootcellar does not read or "
                f"write unsigned pickles. Set {setting} to 'json' (or 'yaml', 'msgpack', or a serializer of your own)."
            )
        if self.serializer not in registry.name_to_type:
            known = sorted(set(registry.name_to_type) - _REFUSED)
            raise ConfigurationError(
                f"result_serializer is {self.serializer!r}, which kombu does not know."
                f"{did_you_mean(self.serializer, known)} Known here: {', '.join(known)}."
            )
        try:
            types = frozenset(serialization.prepare_accept_content(self.accept))
        except Exception as exc:
            raise ConfigurationError(
                f"result_accept_content is {sorted(self.accept)!r}, of which kombu does not know all: {exc}. Known "
                f"here: {', '.join(sorted(set(registry.name_to_type) - _REFUSED))}."
            ) from exc
        if registry.name_to_type[self.serializer] not in types:
            raise ConfigurationError(
                f"result_serializer is {self.serializer!r}, but result_accept_content is {sorted(self.accept)!r}: the "
                f"results written could not be read back. Add {self.serializer!r} to result_accept_content."
            )
        object.__setattr__(self, "accept", types)
        if self.compression is not None:
            compressing.check_method(self.compression)
        registered = registry._encoders.get(self.serializer)
        is_kombu_json = self.serializer == "json" and registered is not None and registered.encoder is kombu_json.dumps
        object.__setattr__(self, "_is_kombu_json", is_kombu_json)

    def encode(self, document: Any) -> bytes:
        """Return ``document`` as a payload.

        Raises:
            EncodeError: it holds a value the serializer cannot express.
            PayloadTooLarge: it takes more than ``max_bytes``.
        """
        try:
            if self._is_kombu_json:
                encoded = _to_json(document)
            else:
                _, _, encoded = serialization.dumps(document, serializer=self.serializer)
        except Exception as exc:
            raise EncodeError(
                f"The task's result cannot be written as {self.serializer}: {_plain(exc)}. Return only values that "
                f"result_serializer {self.serializer!r} can express, or convert them before returning."
            ) from exc
        payload: bytes = encoded.encode() if isinstance(encoded, str) else encoded
        if len(payload) > self.max_bytes:
            raise PayloadTooLarge(
                f"The task's result takes {len(payload)} bytes encoded; cellar_max_payload_bytes allows "
                f"{self.max_bytes}. Return a reference (a path, a key) to the data instead, or raise the limit."
            )
        return compressing.compress(payload, self.compression) if self.compression else payload

    def decode(self, payload: bytes) -> Any:
        """Return the document of a payload, whether compressed or not.

        Raises:
            DecodeError: damaged bytes, a content type that ``result_accept_content`` does not allow, or a document
                of more than ``max_bytes``.
        """
        document = self._open(payload)
        try:
            if self._is_kombu_json:
                return _from_json(document.decode())
            return serialization.loads(document, self._content_type(), self._content_encoding(), accept=self.accept)
        except ContentDisallowed as exc:
            raise DecodeError(f"A stored result may not be read: {exc}. See result_accept_content.") from exc
        except Exception as exc:
            raise DecodeError(
                f"A stored result of {len(payload)} bytes is not {self.serializer}: {_unquoted(exc)}. Was it written "
                f"under another result_serializer? Readers and writers must agree on it."
            ) from exc

    def state_of(self, payload: bytes) -> str:
        """Return the state a payload's document names, without decoding the whole where it is Celery's JSON."""
        if payload.startswith(compressing.MARKER):
            payload = self._open(payload)
        found = self.state_at(payload)
        if found is not None:
            return found
        document: Any = self.decode(payload)
        state = document.get("status") if isinstance(document, dict) else None
        if not isinstance(state, str):
            raise DecodeError("A stored result holds no 'status': it is not a document Celery or rootcellar wrote.")
        return state

    def state_at(self, start: bytes) -> str | None:
        """Return the state that the first bytes of a payload name; ``None`` where only the whole can tell."""
        if start.startswith(_JSON_STATE):
            end = start.find(b'"', len(_JSON_STATE))
            name = start[len(_JSON_STATE) : end]
            if end > 0 and b"\\" not in name:  # an escape: a custom state in another script, or with a quote in it
                return name.decode("ascii", "replace")
        return None

    def _open(self, payload: bytes) -> bytes:
        if payload.startswith(compressing.MARKER):
            return compressing.decompress(payload, self.max_bytes)
        if len(payload) > self.max_bytes:
            raise DecodeError(
                f"A stored result takes {len(payload)} bytes; cellar_max_payload_bytes allows {self.max_bytes}."
            )
        return payload

    def _content_type(self) -> str:
        return str(serialization.registry.name_to_type[self.serializer])

    def _content_encoding(self) -> str:
        return str(serialization.registry._encoders[self.serializer].content_encoding)


def _plain(exc: Exception) -> str:
    """Return what a serializer complained of, in one short line."""
    cause = exc.__cause__ or exc
    return " ".join(str(cause).split())[:300] or type(cause).__name__


def _unquoted(exc: Exception) -> str:
    """Return what a decoder complained of, without what it quotes of the result."""
    if isinstance(exc, json.JSONDecodeError):
        return f"{exc.msg} at character {exc.pos}"
    if exc.args[:1] == ("Unsupported type",):
        return "it holds a value of a type that is not known here"
    return type(exc.__cause__ or exc).__name__
