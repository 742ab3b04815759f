"""setup.cfg and setup.py: what they require. setup.py is parsed, never run."""

import ast
import configparser
import warnings
from collections.abc import Iterator, Mapping

from rootcellar.specialist.discover.lines import lines_of
from rootcellar.specialist.discover.packaging.requirements import Found, is_for_development, requirement
from rootcellar.specialist.discover.tree import Tree
from rootcellar.specialist.profile import Place, Unread


def read_cfg(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what a setup.cfg requires."""
    text = tree.text(path)
    if text is None:
        return
    parser = configparser.ConfigParser(interpolation=None, strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except (configparser.Error, AttributeError) as exc:  # the latter is what it raises at a value without a name
        tree.unread.append(Unread(Place(path, getattr(exc, "lineno", 0) or 0), "it is no well-formed setup.cfg"))
        return
    lists = [("", parser.get("options", "install_requires", fallback=None))]
    if parser.has_section("options.extras_require"):
        lists.extend(parser.items("options.extras_require"))
    lines = lines_of(text)
    for name, listed in lists:
        for wanted in (listed or "").replace(";\n", "\n").split("\n"):
            wanted = wanted.strip()
            if wanted and not wanted.startswith("#"):
                line = next((number for number, one in enumerate(lines, 1) if wanted in one), 0)
                one = requirement(
                    wanted, Place(path, line), path.rpartition("/")[0], development=is_for_development(name)
                )
                if one is not None:
                    yield one


def read_py(tree: Tree, path: str) -> Iterator[Found]:
    """Yield what a setup.py requires, as far as it is written in lists, also in variables of the module."""
    text = tree.text(path)
    if text is None or "setup" not in text:
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # whoever reads the Python files says so
    names = {
        target.id: node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    root = path.rpartition("/")[0]
    for call in ast.walk(module):
        if isinstance(call, ast.Call) and _called(call) == "setup":
            for keyword in call.keywords:
                if keyword.arg == "install_requires":
                    yield from _listed(keyword.value, names, path, root, development=False)
                elif keyword.arg == "extras_require":
                    for name, listed in _items(keyword.value, names):
                        yield from _listed(listed, names, path, root, development=is_for_development(name))
                elif keyword.arg == "tests_require":
                    yield from _listed(keyword.value, names, path, root, development=True)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _items(node: ast.expr, names: Mapping[str, ast.expr]) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Name):
        node = names.get(node.id, node)
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value


def _listed(
    node: ast.expr, names: Mapping[str, ast.expr], path: str, root: str, *, development: bool, depth: int = 0
) -> Iterator[Found]:
    if isinstance(node, ast.Name):
        node = names.get(node.id, node)
    if depth > 10:
        return
    if isinstance(node, (ast.List, ast.Tuple)):
        for item in node.elts:
            yield from _listed(item, names, path, root, development=development, depth=depth + 1)
    elif isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            yield from _listed(side, names, path, root, development=development, depth=depth + 1)
    elif isinstance(node, ast.Starred):
        yield from _listed(node.value, names, path, root, development=development, depth=depth + 1)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        for offset, wanted in enumerate(node.value.split("\n")):
            one = requirement(wanted, Place(path, node.lineno + offset), root, development=development)
            if one is not None:
                yield one
