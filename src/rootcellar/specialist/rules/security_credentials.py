"""Security of credentials: passwords that are written in the code."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from rootcellar.specialist.discover.configuration.placed import PlacedDict
from rootcellar.specialist.discover.placeholder import looks_secret
from rootcellar.specialist.profile import Place, Profile, Value
from rootcellar.specialist.profile.address import address_of
from rootcellar.specialist.rules.code_paths import is_in_tests
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.project import Project
from rootcellar.specialist.rules.rule import found, project_rule
from rootcellar.specialist.rules.security_keys import keys_in_code

#: What the name of a field, a header or a session's entry looks like: words, put together.
_WORDS = re.compile(r"[\W_]*[A-Za-z]+(?:[-_. /:$][A-Za-z]+\d?)*[\W_]*|[\W_]*|/.*", re.DOTALL)
#: What regular expressions, templates and sentences have in them, and passwords hardly ever.
_PATTERN = re.compile(r"[\s\\(){}\[\]|<>]")
_PASSWORD = re.compile(r"pass|pwd|pw$", re.IGNORECASE)
_DEEPEST = 8


@project_rule("RC101")
def credential_in_code(project: Project) -> Iterator[Finding]:
    """A password that everybody has who has the code."""
    told = {place for place, _ in keys_in_code(project)}  # RC117 speaks of those
    for name, value in _written(project.profile):
        text = _text(value.data)
        place = _literal(value, text, project.profile)
        if place is None or place in told:
            continue
        told.add(place)
        what = f"The URL in {name} holds a password" if "://" in text else f"{name} is a credential"
        yield found(place, f"{what} that stands in the code.")


def _written(profile: Profile) -> Iterator[tuple[str, Value]]:
    """Yield what looks secret: assignments first, whose place is the literal's own."""
    for called in profile.calls:
        if called.name == "=":
            for value in called.args[:1]:
                if looks_secret(called.assigned_to, _text(value.data)) and not _is_name(called.assigned_to, value):
                    yield _shown(called.assigned_to), value
    for called in profile.calls:
        given = [*(("", one) for one in called.args), *called.kwargs.items()] if called.name != "=" else []
        for name, value in given:
            if looks_secret(name, _text(value.data)):
                yield f"an argument of {_shown(called.name)}()", value
    for app in profile.apps:
        for setting in (*app.settings, *app.unread_settings):
            if setting.origin not in ("environment", "live"):
                for name, value in _texts(setting.name, setting.value):
                    if looks_secret(name, _text(value.data)):
                        yield _shown(setting.written), value


def _is_name(assigned_to: str, value: Value) -> bool:
    """Whether a constant with a secret's name only names something, as far as its looks tell.

    Of Celery's own settings that is not asked: what stands in them is what is sent.
    """
    text = _text(value.data)
    if "://" in text:
        return False
    if _WORDS.fullmatch(text) or _PATTERN.search(text):
        return True
    has_digit = any(letter.isdigit() for letter in text)
    return not has_digit and not _PASSWORD.search(assigned_to)


def _shown(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z_][\w.]{0,80}", name) else "a setting"


def _texts(name: str, value: Value, depth: int = 0) -> Iterator[tuple[str, Value]]:
    """Yield the texts in a value, each with the name nearest to it."""
    data = value.data
    if isinstance(data, (str, bytes)):
        yield name, value
    elif depth > _DEEPEST:
        return
    elif isinstance(data, PlacedDict):  # knows the places of its entries
        for key, inner in data.values_of.items():
            yield from _texts(str(key), inner, depth + 1)
    elif isinstance(data, Mapping):
        for key, one in data.items():
            yield from _texts(str(key), _part_of(value, one), depth + 1)
    elif isinstance(data, (list, tuple)):
        for one in data:
            yield from _texts(name, _part_of(value, one), depth + 1)


def _part_of(value: Value, data: Any) -> Value:
    return Value(data, value.holes, value.variables, value.written_at, value.is_default)


def _text(data: Any) -> str:
    if isinstance(data, bytes):
        return data.decode("latin-1")
    return data if isinstance(data, str) else ""


def _literal(value: Value, text: str, profile: Profile) -> Place | None:
    """Return the literal of the code in which a credential stands; ``None`` if it comes from the environment.

    A URL that is put together stands in several: then the one of a constant that is in it as a whole, else the first.
    """
    secret = address_of(text).password if "://" in text else text
    if _is_in_environment(value, secret, profile):
        return None
    literals = [place for place in value.written_at if place.path.endswith(".py") and not is_in_tests(place.path)]
    constants = {place for called in profile.calls if called.name == "=" for one in called.args[:1]
                 if secret in _text(one.data) for place in one.written_at}  # fmt: skip
    return next((place for place in literals if place in constants), literals[0] if literals else None)


def _is_in_environment(value: Value, secret: str, profile: Profile) -> bool:
    variables = [one for file in profile.env_files for one in file.variables]
    variables += [one for process in profile.processes for one in process.environment]
    said = [one.value for one in variables if one.name in value.variables]
    is_code_alone = all(place.path.endswith(".py") for place in value.written_at)
    return not is_code_alone and any(secret in text or secret in unquote(text) for text in said)
