"""Ignore comments: reading them out of a project's files, and what they ignore."""

import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from rootcellar.specialist.checking.selection import ID, is_selector, matches, nearest, split
from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place
from rootcellar.specialist.report.harmless import HIDDEN
from rootcellar.specialist.rules.comment import Comment
from rootcellar.specialist.rules.finding import Finding
from rootcellar.specialist.rules.rule import Rule

_WORD = "rootcellar:"
_FORM = re.compile(r"rootcellar:\s*(?:(ignore-file|ignore)\b\s*(?:\[([^\]]*)\])?(.*))?", re.DOTALL)
_HASH = re.compile(r"(?:^|\s)#\s*(rootcellar:.*)$")
_SUFFIXES = frozenset(
    ".py .pyi .yml .yaml .toml .conf .ini .cfg .txt .in .sh .service .env .lock".split()  # noqa: SIM905
)
_NAMES = re.compile(r"(?:.*\.)?(?:\.env.*|env|Dockerfile.*|Containerfile|Procfile.*|Makefile|Pipfile|\.gitignore)")


class Comments:
    """All ``# rootcellar:`` comments of a project. It remembers what each of them has ignored."""

    def __init__(self, tree: Tree, rules: Mapping[str, Rule]) -> None:
        self._rules = rules
        self._of: dict[str, list[Comment]] = {}
        self._used: set[tuple[Place, str]] = set()
        for path in tree.paths:
            name = path.rpartition("/")[2]
            suffix = name[name.rfind(".") :] if "." in name else ""
            if suffix in _SUFFIXES or _NAMES.fullmatch(name):
                comments = list(comments_in(path, tree.text(path) or "", rules))
                if comments:
                    self._of[path] = comments

    def ignore(self, finding: Finding) -> bool:
        """Whether a comment ignores the finding; those that do count as used."""
        found = False
        rule = self._rules[finding.rule]
        for comment in self._of.get(finding.place.path, ()):
            if comment.covers and comment.covers != finding.place.line:
                continue
            for selector in comment.selectors:
                if matches(selector, rule):
                    self._used.add((comment.place, selector))
                    found = True
        return found

    def judged(self, ran: Collection[str], needs: Collection[str]) -> Iterator[Comment]:
        """Yield every comment with what of it was unused. ``ran``: ids; ``needs``: those of pages that were met."""
        for comments in self._of.values():
            for comment in comments:
                unused = tuple(one for one in comment.selectors if self._is_unused(comment, one, ran, needs))
                yield replace(comment, unused=unused)

    def _is_unused(self, comment: Comment, selector: str, ran: Collection[str], needs: Collection[str]) -> bool:
        if (comment.place, selector) in self._used:
            return False
        meant = [rule for rule in self._rules.values() if matches(selector, rule)]
        if any(rule.of_comment for rule in meant):
            return False
        answerable = [rule for rule in meant if not rule.page.needs or rule.page.needs in needs]
        return bool(answerable) and all(rule.id in ran for rule in answerable)


def comments_in(path: str, text: str, ids: Collection[str]) -> Iterator[Comment]:
    """Yield the ``# rootcellar:`` comments of a file."""
    if _WORD not in text:
        return
    lines = lines_of(text)
    code = [n for n, one in enumerate(lines, 1) if one.strip() and not one.lstrip().startswith("#")]
    for line, column, written in _hashes(path, text, lines):
        form = _FORM.match(written)
        if form is None:
            continue
        verb, inside, reason = form[1] or "", form[2] or "", (form[3] or "").strip(" \t-:–—")  # noqa: RUF001
        selectors = tuple(dict.fromkeys(split([inside])))
        unknown = [one for one in selectors if not is_selector(one, ids)]
        is_alone = not lines[line - 1][:column].strip()
        yield Comment(
            Place(path, line, column),
            verb,
            selectors=tuple(one for one in selectors if one not in unknown),
            unknown=tuple(one if ID.fullmatch(one) else HIDDEN for one in unknown),
            nearest=tuple(nearest(one, ids).partition("'")[2].rstrip("'?") for one in unknown),
            has_reason=bool(reason),
            covers=0 if verb == "ignore-file" else _next(code, line) if is_alone else line,
        )


def _hashes(path: str, text: str, lines: list[str]) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and text (from ``rootcellar:`` on) of comments that say it."""
    if path.endswith((".py", ".pyi")):
        try:
            tokens = list(tokenize.generate_tokens(io.StringIO("\n".join(lines)).readline))
        except (SyntaxError, tokenize.TokenError):
            pass  # then by lines, as everywhere else
        else:
            for token in tokens:
                found = _HASH.search(token.string) if token.type == tokenize.COMMENT else None
                if found:
                    yield *token.start, found[1]
            return
    for number, line in enumerate(lines, 1):
        found = _HASH.search(line)
        if found:
            yield number, line.index("#", found.start()), found[1]


def _next(code: list[int], line: int) -> int:
    """Return the first of the lines that are neither empty nor a comment behind one that is; without any, itself."""
    at = bisect_right(code, line)
    return code[at] if at < len(code) else line
