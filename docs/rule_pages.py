"""The rules' pages of the documentation, made from the same text that `rootcellar check --explain` shows."""

import re
from itertools import groupby
from pathlib import Path

from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from rootcellar.specialist.rules import all_rules
from rootcellar.specialist.rules.finding import Group
from rootcellar.specialist.rules.page import MARK, Page

_FENCE = re.compile(r"^```(\w*) +(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ISSUE = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_INDEX = """\
# Rules

What `rootcellar check` looks for. The same text is shown by `rootcellar check --explain RC204`. How to choose,
ignore and mend: [Check a project](../../how-to/check.md).
"""


def write_rule_pages(docs: Path) -> None:
    """Write ``reference/rules/index.md`` and a page for each rule; files that need no change are left alone."""
    folder = docs / "reference" / "rules"
    folder.mkdir(parents=True, exist_ok=True)
    pages = [rule.page for rule in all_rules().values()]
    wanted = {f"{page.id}.md": _page(page) for page in pages} | {"index.md": _index(pages)}
    for file in folder.glob("*.md"):
        if file.name not in wanted:
            file.unlink()
    for name, text in wanted.items():
        file = folder / name
        if not file.is_file() or file.read_text("utf-8") != text:
            file.write_text(text, "utf-8")


def _index(pages: list[Page]) -> str:
    parts = [_INDEX]
    in_groups = sorted(pages, key=lambda page: (list(Group).index(page.group), page.id))
    for group, members in groupby(in_groups, lambda page: page.group):
        parts.append(f"\n## {group.capitalize()}\n\n| id | name | severity | what it says |\n|---|---|---|---|\n")
        parts += [f"| [{one.id}]({one.id}.md) | {one.name} | {one.severity} | {one.title} |\n" for one in members]
    names = "\n".join(page.id for page in pages)
    return "".join([*parts, f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"])


def _page(page: Page) -> str:
    held = [f"Celery `{page.celery}`" if str(page.celery) else "every Celery"]
    held.append(
        "results in " + ", ".join(f"`{one}`" for one in sorted(page.engines)) if page.engines else "every engine"
    )
    notes = [f"**{page.severity}** · {page.group} · `{page.name}`", f"Holds for {'; '.join(held)}."]
    if page.needs:
        notes.append(f"Only with `--{page.needs}`.")
    if page.mends_itself:
        notes.append("`--fix` can mend it.")
    body = _FENCE.sub(_block, page.text.partition("\n")[2].strip())
    sources = "\n".join(f"- {_source(one)}" for one in page.sources)
    return f"# {page.id}: {page.title}\n\n{notes[0]}\n\n{' '.join(notes[1:])}\n\n{body}\n\n## Sources\n\n{sources}\n"


def _block(found: re.Match[str]) -> str:
    language, path, text = found.groups()
    try:
        get_lexer_by_name(language)
    except ClassNotFound:
        language = "text"
    lines = text.splitlines()
    marked = ",".join(str(number) for number, line in enumerate(lines, 1) if line.endswith(MARK))
    emphasis = f":emphasize-lines: {marked}\n" if marked else ""
    code = "\n".join(line.removesuffix(MARK).rstrip() for line in lines)
    return f"```{{code-block}} {language}\n:caption: {path}\n:force:\n{emphasis}\n{code}\n```"


def _source(source: str) -> str:
    if source.startswith("https://"):
        return f"<{source}>"
    return _ISSUE.sub(r"[\1#\2](https://github.com/\1/issues/\2)", source)
