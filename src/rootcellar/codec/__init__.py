"""The codec: a record's document ⇄ its payload, the bytes that lie in the store."""

from rootcellar.codec.document import Codec

__all__ = ["Codec"]
