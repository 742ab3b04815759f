"""Secrets: taking them out of texts that others wrote, a driver's or Celery's error messages first of all."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

from rootcellar.specialist.report.harmless import is_harmless
from rootcellar.urls import SECRET_NAME, hide, redact

_CUTS = re.compile(r"[;#/?]")
#: Shorter secrets are hidden in lines and URLs by what they are there; in a sentence they would hide other words.
_SHORTEST = 4
#: Schemes in whose URLs a login without a colon is no name of a user, but the secret itself.
_TAKES_TOKEN = re.compile(r"(?:cellar\+)?(?:rediss?|sentinel|socket|valkeys?)|(?:git\+)?(?:https?|ssh)", re.IGNORECASE)
_LONE_LOGIN = re.compile(r"(://)[^:@/…]+@")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s'\"<>]+")


def blot_out(text: str, known: Iterable[str] = (), *, any_url: bool = True) -> str:
    """Return ``text`` with the passwords of every URL in it, and all of the ``known`` secrets, replaced by ``***``.

    ``known`` holds URLs, whose passwords are meant, and bare secrets. With ``any_url`` off only those are taken out:
    for rootcellar's own messages, whose ``redis://user:password@host`` shows how to write a URL.

    >>> blot_out("login of u with pa/ss at db failed", ["db+mysql://u:pa%2Fss@db/x"])
    'login of u with *** at db failed'
    >>> blot_out("is redis://:s3@h/0 up?")
    'is redis://:***@h/0 up?'
    >>> blot_out("port 1 refused: u:p", ["redis://u:p@h"])
    'port 1 refused: u:***'
    """
    if any_url:
        text = _URL.sub(lambda match: _LONE_LOGIN.sub(r"\1***@", redact(match[0])), text)
    return hide(text, (secret for one in known for secret in (_in_url(one) if "://" in one else (one,))))


def _in_url(url: str) -> Iterator[str]:
    """Yield the passwords in ``url`` and its secret-looking options: as they stand there, percent-decoded, in pieces.

    Pieces, because a password with an unescaped ``;``, ``#``, ``/`` or ``?`` is cut there by whoever reads the URL, and
    a message may then show the half of it.
    """
    several = url.count("://") > 1  # sentinel://…;sentinel://…
    for part in url.split(";") if several else (url,):
        scheme, _, rest = part.partition("://")
        user, colon, password = rest.rpartition("@")[0].partition(":")
        candidates = [password if colon or not _TAKES_TOKEN.match(scheme) else user]
        for pair in rest.partition("?")[2].split("&"):
            name, _, value = pair.partition("=")
            if SECRET_NAME.search(name):
                candidates.append(value)
        for candidate in candidates:
            yield candidate
            yield unquote(candidate)
            yield from _CUTS.split(candidate)


class Hider:
    """Takes secrets out of texts, also where they stand percent-encoded: many out of many, so it is made once.

    >>> Hider(["s3cret/", "ret/hunter"]).hide("login with s3cret/hunter failed: s3cret%2F")
    'login with *** failed: ***'
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        """``secrets`` have at least 4 letters."""
        self._by_start: dict[str, list[str]] = {}
        forms = {form for secret in secrets for form in (secret, quote(secret, safe="", errors="surrogatepass"))}
        for form in sorted(forms, key=len, reverse=True):
            self._by_start.setdefault(form[:_SHORTEST], []).append(form)

    def hide(self, text: str) -> str:
        """Return ``text`` with ``***`` in place of secrets; those that overlap are one."""
        pieces: list[str] = []
        end = 0  # of what is hidden
        for at in range(len(text) - _SHORTEST + 1):
            for form in self._by_start.get(text[at : at + _SHORTEST], ()):
                if text.startswith(form, at):
                    if at >= end:
                        pieces += (text[end:at], "***")
                    end = max(end, at + len(form))
                    break
        return "".join([*pieces, text[end:]])


def hideable(secrets: Iterable[str], names: str = "") -> frozenset[str]:
    """Return the bare secrets, of these and of the URLs among them, that can be taken out of sentences.

    ``redis`` as a password would take half of each with it, and one that occurs in ``names``, of files and apps, what
    a sentence is about: ``shop:shop`` in a project called shop.

    >>> sorted(hideable(["redis://:redis@redis/0", "x", "hunter2", "amqp://u:hunter3@mq", "shop"], "shop/tasks.py"))
    ['hunter2', 'hunter3']
    """
    bare = (secret for one in secrets for secret in (_in_url(one) if "://" in one else (one,)))
    return frozenset(
        secret for secret in bare if len(secret) >= _SHORTEST and not is_harmless(secret) and secret not in names
    )


def in_settings(settings: Mapping[str, Any]) -> list[str]:
    """Return the secrets in Celery settings: values of secret-looking names, at any depth, and URLs with a login.

    >>> in_settings({"redis_password": "x", "broker_url": "amqp://u:p@h", "result_expires": 60})
    ['x', 'amqp://u:p@h']
    """
    found = []
    for name, value in settings.items():
        if isinstance(value, Mapping):
            found.extend(in_settings({str(key): inner for key, inner in value.items()}))
        elif isinstance(value, str) and value and (SECRET_NAME.search(name) or ("://" in value and "@" in value)):
            found.append(value)
    return found
