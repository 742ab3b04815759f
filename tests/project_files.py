"""Small projects for tests of discovery, written out as ``{path: text}``."""

import textwrap
from collections.abc import Mapping
from pathlib import Path

from rootcellar.specialist.discover.tree import Tree, tree_of


def lay_out(folder: Path, files: Mapping[str, str | bytes]) -> Tree:
    """Write the files below ``folder``, texts dedented, and return the tree."""
    for path, text in files.items():
        full = folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).lstrip("\n").encode())
    return tree_of(folder)
