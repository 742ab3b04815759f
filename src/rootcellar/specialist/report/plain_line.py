"""The plain line: a line of an env file, YAML, TOML, a server's configuration … as it can be shown to anybody."""

import re
from collections.abc import Iterator

from rootcellar.specialist.report.harmless import HIDDEN, SENSITIVE, is_harmless, is_measure, shown_text

_PAIR = re.compile(
    r"(?P<start>\s*(?:-\s+|export\s+|ENV\s+|ARG\s+)*[\"']?)(?P<key>[\w.\-/]+)"
    r"(?P<sign>[\"']?\s*(?:=|:(?=\s|$|\d|[\"']))\s*)(?P<value>.*)",
    re.DOTALL,
)
_WORDS = re.compile(r"(\s+)")
_AROUND = "\"'[]{},()"


def shown_plain(line: str, *, with_value: bool = True) -> str:
    """Return what can be shown of a line.

    >>> shown_plain("REDIS_PASSWORD=hunter2"), shown_plain("  result_expires: 3600"), shown_plain("# hunter2")
    ('REDIS_PASSWORD=…', '  result_expires: 3600', '# …')
    >>> shown_plain('- CELERY_RESULT_BACKEND=redis://:x@redis:6379/0'), shown_plain("requirepass 123")
    ('- CELERY_RESULT_BACKEND=redis://…@redis:6379/0', 'requirepass …')
    >>> shown_plain('      - "6379:6379"'), shown_plain("MIIEvQIBADANBgkq==")
    ('      - "6379:6379"', '…==')
    """
    if line.lstrip().startswith("#"):
        return f"# {HIDDEN}"
    pair = _PAIR.fullmatch(line)
    if pair is None:
        return "".join(_words(line)) if with_value else HIDDEN
    key = pair["key"] if is_harmless(pair["key"]) else HIDDEN
    if not with_value:
        return key
    value = pair["value"]
    if value and SENSITIVE.search(pair["key"]):
        return pair["start"] + key + pair["sign"].rstrip() + (" " if pair["sign"][-1:].isspace() else "") + HIDDEN
    shown = value if is_measure(pair["key"], value.strip()) else "".join(_words(value))
    return pair["start"] + key + pair["sign"] + shown


def _words(text: str) -> Iterator[str]:
    """Yield the words up to the first that is not harmless, or that says that a secret follows."""
    for word in _WORDS.split(text):
        bare = word.strip(_AROUND)
        if not bare.strip():
            yield word
            continue
        option = bare.lstrip("-")
        is_sign = bare in ("-", "--", "|", ">", "|-", ">-", "=", "==", ":", "\\", "&&", "*")
        shown = bare if is_sign else shown_text(bare) if "://" in bare else bare if is_harmless(option) else HIDDEN
        if not bare.isprintable():
            shown = HIDDEN
        yield word.replace(bare, shown, 1) if shown != HIDDEN else HIDDEN
        if shown == HIDDEN or SENSITIVE.search(option):
            if shown != HIDDEN and word is not text:
                yield f" {HIDDEN}"
            return
