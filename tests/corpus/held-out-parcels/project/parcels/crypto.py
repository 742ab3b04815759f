import json
import os

from cryptography.fernet import Fernet
from kombu.serialization import register

FERNET = Fernet(os.environ.get("PARCELS_KEY", Fernet.generate_key()))


def dumps(value):
    return FERNET.encrypt(json.dumps(value).encode())


def loads(value):
    return json.loads(FERNET.decrypt(value))


register("fernet", dumps, loads, content_type="application/x-fernet-json", content_encoding="binary")
