"""What is stored: a small result, as most are."""

import time
from uuid import uuid4

from rootcellar.codec import Codec
from rootcellar.record import SUCCESS, Record

#: Takes 200 bytes as JSON.
RESULT = {"status": "delivered", "order": 1234567, "items": ["apples", "beetroot", "carrots"], "note": "x" * 103}

KEEP_S = 3600

_PAYLOAD = Codec().encode({"status": SUCCESS, "result": RESULT, "traceback": None, "children": []})


def record() -> Record:
    """Return a record of that result under a new id."""
    now = time.time()
    return Record(str(uuid4()), SUCCESS, _PAYLOAD, done_at=now, expires_at=now + KEEP_S)
