"""Security of keys: where the keys that encrypt and sign are kept."""

import re
from collections.abc import Iterator

from rootcellar.specialist.discover.placeholder import is_placeholder
from rootcellar.specialist.discover.results.calls import GENERATORS
from rootcellar.specialist.profile import Called, Place, Value
from rootcellar.specialist.rules.code_paths import is_in_tests
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import found, project_rule

_KEY = re.compile(r"(?:^|_)(?:key|keys|secret|fernet|cipher|signer)(?:_|$)", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
#: Words that make a key one of another kind: a cache's, a row's, one that only this process needs.
_OTHER_KEYS = re.compile(
    r"(?:^|_)(?:cache|primary|foreign|idempotency|lock|sort|partition|redis|id|name|request|nonce|run|public)(?:_|$)",
    re.IGNORECASE,
)
#: callable → position and name of its key
_USERS = {
    "cryptography.fernet.Fernet": (0, "key"),
    "hmac.new": (0, "key"),
    "hmac.digest": (0, "key"),
} | {
    f"cryptography.hazmat.primitives.ciphers.aead.{name}": (0, "key")
    for name in ("AESGCM", "ChaCha20Poly1305")
} | {
    f"itsdangerous.{name}": (0, "secret_key")
    for name in (
        "Signer", "TimestampSigner", "Serializer", "TimedSerializer", "URLSafeSerializer", "URLSafeTimedSerializer"
    )
}  # fmt: skip
_PASSPHRASE = "security_key_password"  # noqa: S105 - the setting's name


@project_rule("RC116")
def key_generated_at_start(project: Project) -> Iterator[Finding]:
    """A key that nobody has once the process ends."""
    for called in project.profile.calls:
        name = called.assigned_to
        if called.name in GENERATORS and _is_lasting(called) and not is_in_tests(called.place.path):
            yield found(called.place, f"{_shown(name)} may be a key that each process makes anew when it starts.")


def _is_lasting(called: Called) -> bool:
    """Whether what is assigned is a key, and in a place where it is meant to last as long as the process."""
    name = _CAMEL.sub("_", called.assigned_to.rpartition(".")[2])
    if not _KEY.search(name) or _OTHER_KEYS.search(name):
        return False
    # A function that makes a key and returns it is what one wants; one that sets a setting is not.
    return name.isupper() or (not called.function and "_" in name)


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w.]{0,63}", name) else "A key"


@project_rule("RC117")
def key_in_code(project: Project) -> Iterator[Finding]:
    """A key that everybody has who has the code."""
    for place, what in keys_in_code(project):
        yield found(place, f"The key of {what} stands in the code.")


def keys_in_code(project: Project) -> Iterator[tuple[Place, str]]:
    """Yield the places of keys written in Python code, and what each is for."""
    for called in project.profile.calls:
        if called.name in _USERS:
            position, name = _USERS[called.name]
            value = called.kwargs.get(name) or (called.args[position] if len(called.args) > position else None)
            place = place_in_code(value) if value is not None and _is_written(value) else None
            if place is not None:
                yield place, called.name.rpartition(".")[2] if called.name != "hmac.new" else "an HMAC"
    for app in project.profile.apps:
        for setting in app.all(_PASSPHRASE):
            place = place_in_code(setting.value) if _is_written(setting.value) else None
            if place is not None:
                yield place, f"security_key, its passphrase ({_PASSPHRASE}),"


def _is_written(value: Value) -> bool:
    data = value.data
    text = data.decode("latin-1") if isinstance(data, bytes) else data
    return isinstance(text, str) and value.is_known and bool(text) and not is_placeholder(text)


def place_in_code(value: Value) -> Place | None:
    """Return the first literal of Python code, tests left out, that a value is made of.

    ``None`` if there is none, or if the value is made of what an env file or the like says.
    """
    if any(not place.path.endswith((".py", ".pyi", ".ipynb")) for place in value.written_at):
        return None
    return next((place for place in value.written_at if not is_in_tests(place.path)), None)
