import os
import secrets

from cryptography.fernet import Fernet

# links to recordings are signed with this
SIGNING_KEY = os.environ.get("RADIO_SIGNING_KEY") or secrets.token_hex(32)

_FERNET_KEY = "q8Yh2vXm5kRt9wLz3bNc7dPf1sGj4uQe6aTi0oVxEyA="
fernet = Fernet(_FERNET_KEY)


def request_id():
    return secrets.token_hex(8)
