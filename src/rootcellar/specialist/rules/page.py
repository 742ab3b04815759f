"""The page: all that is said of a rule, read from ``pages/RCnnn.md``. Docs and ``--explain`` show the same text.

A page begins with TOML between ``+++`` lines::

    +++
    name = "chord-on-rpc"
    group = "correctness"
    severity = "error"
    celery = ">=5.2"                  # versions it holds for (PEP 440); missing: all
    engines = ["rpc"]                 # names of the engine table; missing: all
    sources = ["https://docs.celeryq.dev/…", "celery/celery#1234"]
    mends_itself = false              # whether --fix can do it
    claims = false                    # it says nothing of what Celery or a server does; missing: it does, and is proven
    needs = "probe"                   # it looks at what --probe or --history brings; missing: neither
    [bad]                             # about the bad example, and [good] about the good one; all of it may be missing
    tracked = [".env"]                # it is laid out as a git repository in which these files are committed
    files = [".env"]                  # files in which something is found, but in no line of them
    +++

followed by Markdown: ``# `` title; text that says why; ``## Mend``; ``## Bad``; ``## Good``. The examples are fenced
blocks whose info string names the file they are: ```` ```python celeryconfig.py ````. The last two sections are the
rule's tests: the files of ``Bad`` together are a project in which it finds something, in each line that ends with the
comment :data:`MARK`; in ``Good`` it finds nothing. A block :data:`PROBES` is no file, but what servers answer.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from packaging.specifiers import SpecifierSet

from rootcellar.specialist.rules.finding import Group, Severity

#: A line of a bad example in which the rule must find something ends with this; it is taken out before the test.
MARK = "# <- here"

#: The block of an example that is no file of it and says what servers answer, as tables ``[[probe]]``.
PROBES = "probes.toml"

_HEAD = re.compile(r"\A\+\+\+\n(.*?)\n\+\+\+\n(.*)\Z", re.DOTALL)
_FENCE = re.compile(r"^```(\w*) +(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Example:
    """Files by path, without the marks, and the marked lines as ``(path, line)``; line 0 is the file as a whole."""

    files: Mapping[str, str]
    marked: tuple[tuple[str, int], ...]
    #: paths that git tracks; ``None``: it is no repository
    tracked: tuple[str, ...] | None = None
    #: what servers answer: fields of :class:`rootcellar.specialist.rules.project.Probe`; empty: none is asked
    probes: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A rule's text."""

    id: str
    name: str
    group: Group
    severity: Severity
    #: Celery versions it holds for
    celery: SpecifierSet
    #: names of result engines it holds for; empty: all
    engines: frozenset[str]
    sources: tuple[str, ...]
    mends_itself: bool
    #: ``probe`` or ``history``: without that it never finds anything; empty: it needs neither
    needs: str
    #: whether it says what Celery or a server does, which a test in ``tests/claims`` then proves
    claims: bool
    title: str
    why: str
    mend: str
    bad: Example
    good: Example
    #: the Markdown behind the head
    text: str


@cache
def page(rule_id: str) -> Page:
    """Read a rule's page.

    Raises:
        ValueError: it is malformed; it is rootcellar's own mistake.
    """
    return parse(rule_id, (resources.files(__package__) / "pages" / f"{rule_id}.md").read_text("utf-8"))


def parse(rule_id: str, text: str) -> Page:
    """Take a page's text apart."""
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{rule_id}: a page begins with TOML between +++ lines")
    data, body = tomllib.loads(head[1]), head[2].strip()
    title, _, rest = body.partition("\n")
    parts = re.split(r"^## (\w+)\n", rest, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
    missing = {"Mend", "Bad", "Good"} - sections.keys()
    if missing or not title.startswith("# "):
        raise ValueError(f"{rule_id}: the page lacks {', '.join(sorted(missing)) or 'its title'}")
    return Page(
        id=rule_id,
        name=data["name"],
        group=Group(data["group"]),
        severity=Severity(data["severity"]),
        celery=SpecifierSet(data.get("celery", ""), prereleases=True),
        engines=frozenset(data.get("engines", ())),
        sources=tuple(data["sources"]),
        mends_itself=data.get("mends_itself", False),
        needs=data.get("needs", ""),
        claims=data.get("claims", True),
        title=title[2:].strip(),
        why=parts[0].strip(),
        mend=sections["Mend"],
        bad=_example(sections["Bad"], data.get("bad", {})),
        good=_example(sections["Good"], data.get("good", {})),
        text=body,
    )


def with_captions(text: str) -> str:
    """Return a page's Markdown with the names of the examples' files as text of their own, for whoever shows it.

    >>> with_captions("```python tasks.py\\nx = 1\\n```")
    '`tasks.py`:\\n\\n```python\\nx = 1\\n```'
    """
    return _FENCE.sub(lambda found: f"`{found[2]}`:\n\n```{found[1]}\n{found[3]}```", text)


def _example(section: str, head: Mapping[str, Any]) -> Example:
    files: dict[str, str] = {}
    marked = [(path, 0) for path in head.get("files", ())]
    for _, path, text in _FENCE.findall(section):
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if line.endswith(MARK):
                marked.append((path, number))
        files[path] = "\n".join(line.removesuffix(MARK).rstrip() for line in lines) + "\n"
    tracked = head.get("tracked")
    probes = tomllib.loads(files.pop(PROBES, "")).get("probe", ())
    return Example(files, tuple(marked), None if tracked is None else tuple(tracked), tuple(probes))
