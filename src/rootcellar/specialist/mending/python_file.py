"""The Python file: setting, renaming and removing a setting in it. All else stays as it is, byte by byte."""

import ast
import re

import libcst as cst

from rootcellar.specialist.mending.naming import Naming
from rootcellar.specialist.mending.not_mended import NotMended
from rootcellar.specialist.mending.spot import Span, Spot, spots_in
from rootcellar.specialist.rules.finding import Edit

_SIGN = re.compile(r"[ \t]*[:=][ \t]*")
#: What takes any setting as a keyword.
_TAKES_ANY = frozenset({"Celery", "dict", "update", "from_mapping", "add_defaults"})
_QUOTED = re.compile(r"([A-Za-z]*)(\"\"\"|'''|\"|')")


def edit_python(text: str, edit: Edit, naming: Naming) -> str:
    """Return the text of a file with one edit made; the same text if there is nothing left to do.

    Raises:
        NotMended: it is not certain where or how.
    """
    source = _Source(text, tuple(spots_in(text)))
    if edit.action == "set":
        made = _set(source, edit, naming)
    elif edit.action == "rename":
        spot = _named(source, edit, naming)
        made = source.replaced(
            spot.name_span, _written(source, spot, naming.renamed(spot.name, edit.setting, edit.value))
        )
    elif edit.action == "remove":
        made = _remove(source, _named(source, edit, naming))
    else:
        raise NotMended(f"{edit.action} is nothing that can be done to Python")
    if made != text:
        try:
            cst.parse_module(made)
        except cst.ParserSyntaxError:
            raise NotMended("the result would not be Python any more") from None
    return made


class _Source:
    def __init__(self, text: str, spots: tuple[Spot, ...]) -> None:
        self.text = text
        self.data = text.encode()
        self.spots = spots

    def at(self, span: Span) -> str:
        return self.data[span[0] : span[1]].decode()

    def replaced(self, span: Span, by: str) -> str:
        return (self.data[: span[0]] + by.encode() + self.data[span[1] :]).decode()

    def line_start(self, offset: int) -> int:
        return max(self.data.rfind(b"\n", 0, offset), self.data.rfind(b"\r", 0, offset)) + 1

    def line_end(self, offset: int) -> int:
        """Return the offset of the end of the line, before what ends it."""
        ends = [end for end in (self.data.find(b"\n", offset), self.data.find(b"\r", offset)) if end >= 0]
        return min(ends, default=len(self.data))

    def next_line(self, offset: int) -> int:
        """Return the offset behind what ends the line."""
        end = self.line_end(offset)
        return end + 2 if self.data[end : end + 2] == b"\r\n" else min(end + 1, len(self.data))

    @property
    def newline(self) -> str:
        end = self.line_end(0)
        return self.data[end : self.next_line(0)].decode() or "\n"

    def starts_line(self, offset: int) -> bool:
        return not self.data[self.line_start(offset) : offset].strip()

    def indent(self, offset: int) -> str:
        line = self.data[self.line_start(offset) : offset].decode()
        return line[: len(line) - len(line.lstrip())]


def _named(source: _Source, edit: Edit, naming: Naming) -> Spot:
    """Return the spot of the edit's setting in its line."""
    found = [one for one in source.spots if one.line == edit.place.line and naming.means(one.name, edit.setting)]
    if len(found) > 1 and edit.place.column >= 0:
        found = [one for one in found if one.column == edit.place.column]
    if len(found) != 1:
        raise NotMended(f"{edit.setting} is not set there once" if found else f"{edit.setting} is not set there")
    if found[0].is_field:
        raise NotMended(f"{edit.setting} is a field of a class, which may be filled from elsewhere")
    return found[0]


def _set(source: _Source, edit: Edit, naming: Naming) -> str:
    neighbour = _neighbour(source, edit, naming)
    there = [
        one
        for one in source.spots
        if one.container is neighbour.container and one.base == neighbour.base and naming.means(one.name, edit.setting)
    ]
    if len(there) > 1:
        raise NotMended(f"{edit.setting} is set more than once there")
    if there:
        return _change(source, there[0], edit.value)
    name = naming.named_like(edit.setting, neighbour.name)
    if name is None or not neighbour.is_plain:
        raise NotMended(f"it is not certain how {edit.setting} is to be written there")
    if neighbour.kind == "statement":
        return _add_statement(source, neighbour, name, edit.value)
    if isinstance(neighbour.container, cst.Call) and not _takes_any(neighbour.container):
        raise NotMended(f"it is not certain that {edit.setting} can be given there")
    return _add_entry(source, neighbour, name, edit.value)


def _takes_any(call: cst.Call) -> bool:
    """Whether a call can be given one more setting; behind ``**`` it might be given already."""
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    is_known = isinstance(name, cst.Name) and name.value in _TAKES_ANY
    return is_known and not any(argument.star == "**" for argument in call.args)


def _change(source: _Source, spot: Spot, value: str) -> str:
    """Change a value that is written out; of a list only the items that go are touched."""
    try:
        before, after = _literal(source.at(spot.value_span)), _literal(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise NotMended(f"the value of {spot.name} is worked out, and not written out") from None
    if before == after:
        return source.text
    if isinstance(before, (list, tuple, set)) and isinstance(after, list):
        if sorted(map(repr, before)) == sorted(map(repr, after)):
            return source.text
        kept = [(span, comma) for span, comma in spot.items if _literal(source.at(span)) in after]
        if len(kept) == 1 and isinstance(before, tuple):
            value = f"{source.at(kept[0][0])},"  # the brackets stand outside
        else:
            made = source
            for span, comma in reversed(spot.items):
                if (span, comma) not in kept:
                    made = _Source(_remove_item(made, span, comma), ())
            end = spot.value_span[1] - len(source.data) + len(made.data)
            if _is_list(made.at((spot.value_span[0], end)), after):
                return made.text
    if "#" in source.at(spot.value_span):
        raise NotMended(f"there are comments inside the value of {spot.name}")
    return source.replaced(spot.value_span, value)


def _literal(text: str) -> object:
    # In brackets, as its own may stand outside the span; a comment must not swallow the closing one.
    return ast.literal_eval(f"(\n{text.strip()}\n)")


def _is_list(text: str, wanted: list[object]) -> bool:
    try:
        value = _literal(text)
    except (ValueError, SyntaxError):
        return False
    return isinstance(value, (list, tuple, set)) and sorted(map(repr, value)) == sorted(map(repr, wanted))


def _neighbour(source: _Source, edit: Edit, naming: Naming) -> Spot:
    there = [one for one in source.spots if one.line == edit.place.line]
    named = [one for one in there if naming.means(one.name, edit.setting)]
    in_column = [one for one in there if one.column == edit.place.column]
    settings = [one for one in there if naming.is_setting(one.name)]
    for found in (named, in_column, settings, there):
        # Of several entries of one mapping it does not matter which.
        if found and all(one.container is found[0].container for one in found):
            return found[-1]
    raise NotMended("it is not certain which setting is meant there" if there else "nothing is set there")


def _written(source: _Source, like: Spot, name: str) -> str:
    """Return a name in the quotes, if any, of another one."""
    quoted = _QUOTED.match(source.at(like.name_span))
    if like.kind == "keyword" or quoted is None or not source.at(like.name_span).endswith(quoted[2]):
        return name
    return f"{quoted[2]}{name}{quoted[2]}"


def _add_statement(source: _Source, beside: Spot, name: str, value: str) -> str:
    target = beside.base + _written(source, beside, name) + ("]" if beside.base.endswith("[") else "")
    statement = f"{source.indent(beside.span[0])}{target} = {value}"
    end = source.line_end(beside.span[1])
    return source.replaced((end, end), source.newline + statement)


def _add_entry(source: _Source, beside: Spot, name: str, value: str) -> str:
    sign = _SIGN.match(source.at((beside.name_span[1], beside.value_span[0])))
    entry = f"{_written(source, beside, name)}{sign[0] if sign else ': '}{value}"
    end = beside.comma[1] if beside.comma else beside.span[1]
    line_end = source.line_end(end)
    rest = source.data[end:line_end].strip()
    if not source.starts_line(beside.span[0]) or (rest and not rest.startswith(b"#")):
        # Others stand in the same line, so this one does too.
        return source.replaced((beside.span[1], beside.span[1]), f", {entry}")
    line = f"{source.newline}{source.indent(beside.span[0])}{entry},"
    made = source.replaced((line_end, line_end), line)
    if beside.comma is None:
        made = (made.encode()[: beside.span[1]] + b"," + made.encode()[beside.span[1] :]).decode()
    return made


def _remove(source: _Source, spot: Spot) -> str:
    if spot.kind == "statement":
        if not source.starts_line(spot.span[0]):
            raise NotMended(f"{spot.name} shares its line with other statements")
        start, end = source.line_start(spot.span[0]), source.next_line(spot.span[1])
        if spot.siblings == 1 and not isinstance(spot.container, cst.Module):
            return source.replaced((spot.span[0], source.line_end(spot.span[1])), "pass")
        return source.replaced((start, end), "")
    return _remove_item(source, spot.span, spot.comma)


def _remove_item(source: _Source, span: Span, comma: Span | None) -> str:
    """Remove one of several things in brackets, with its comma, and with its line where it has one of its own."""
    end = comma[1] if comma else span[1]
    rest = source.data[end : source.line_end(end)]
    if source.starts_line(span[0]) and (not rest.strip() or rest.strip().startswith(b"#")):
        return source.replaced((source.line_start(span[0]), source.next_line(end)), "")
    before = source.data[: span[0]].rstrip()
    if comma is not None and (not rest.strip() or rest.lstrip().startswith(b"#")):
        return source.replaced((len(before), end), "")
    if comma is not None and not rest.lstrip().startswith((b")", b"}", b"]")):
        return source.replaced((span[0], end + len(rest) - len(rest.lstrip())), "")
    return source.replaced((len(before) - 1 if before.endswith(b",") else span[0], end), "")
