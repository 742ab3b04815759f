"""The selection: which rules are meant by ids, beginnings of ids and groups."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from rootcellar.errors import ConfigurationError, did_you_mean
from rootcellar.specialist.rules.finding import Group
from rootcellar.specialist.rules.rule import Rule

#: the selector of every rule
ALL = "ALL"

#: What an id looks like: anything else in a file may be a slip of the clipboard, and is not repeated.
ID = re.compile(r"[A-Z]{1,3}\d{1,4}")
_BEGINNING = re.compile(r"RC\d{0,3}")


@dataclass(frozen=True, slots=True)
class Selection:
    """Selectors: what is selected, and what of it is left out. The more precise of two selectors wins.

    ``RC204`` is more precise than ``RC2``, that than ``correctness``, and that than ``ALL``; of two that are equally
    precise the one that leaves out wins.
    """

    select: tuple[str, ...] = (ALL,)
    ignore: tuple[str, ...] = ()

    def takes(self, rule: Rule) -> bool:
        """Whether a rule is selected."""
        return _precision(self.select, rule) > _precision(self.ignore, rule)


def matches(selector: str, rule: Rule) -> bool:
    """Whether a selector names a rule, alone or with others."""
    if selector == ALL:
        return True
    return rule.page.group == selector if selector in set(Group) else rule.id.startswith(selector)


def is_selector(text: str, ids: Collection[str]) -> bool:
    """Whether a text names at least one of the rules ``ids``, or a group.

    >>> is_selector("RC2", ["RC204"]), is_selector("RC3", ["RC204"]), is_selector("security", ["RC204"])
    (True, False, True)
    """
    if text == ALL or text in set(Group):
        return True
    return bool(_BEGINNING.fullmatch(text)) and any(one.startswith(text) for one in ids)


def nearest(text: str, ids: Collection[str]) -> str:
    """Return the words of a hint at the selector nearest to ``text``; empty if none is near."""
    return did_you_mean(text, map(str, [*ids, *Group, ALL]))


def split(texts: Iterable[str]) -> Iterator[str]:
    """Yield selectors out of texts that may hold several, separated by commas or blanks.

    >>> list(split(["RC204, RC205", "security"]))
    ['RC204', 'RC205', 'security']
    """
    for text in texts:
        yield from re.split(r"[,\s]+", text.strip(", \t\n")) if text.strip(", \t\n") else ()


def validated(selectors: Iterable[str], ids: Collection[str], source: str) -> tuple[str, ...]:
    """Return the selectors; ``source`` is the option or setting that they are from.

    Raises:
        ConfigurationError: one of them names no rule.
    """
    found = tuple(selectors)
    for one in found:
        if not is_selector(one, ids):
            hint = nearest(one, ids)
            said = repr(one) if source.startswith("--") else shown(one, hint)
            raise ConfigurationError(
                f"{source}: {said} names no rule.{hint} Give ids (RC204), beginnings of ids (RC2), groups "
                f"({', '.join(Group)}) or {ALL}; `rootcellar check --list-rules` lists the rules."
            )
    return found


def shown(word: str, hint: str) -> str:
    """Return a wrong word of a file as a message may repeat it.

    >>> shown("secrity", " Did you mean 'security'?"), shown("RC999", ""), shown("hunter2", "")
    ("'secrity'", "'RC999'", 'an entry')
    """
    return repr(word) if hint or ID.fullmatch(word) else "an entry"


def _precision(selectors: tuple[str, ...], rule: Rule) -> int:
    """Return how precisely the best of ``selectors`` names the rule; -1 if none does."""
    return max((_rank(one) for one in selectors if matches(one, rule)), default=-1)


def _rank(selector: str) -> int:
    if selector == ALL:
        return 0
    return 1 if selector in set(Group) else len(selector)
