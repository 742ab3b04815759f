"""Sphinx configuration. Build with `make docs`: nitpicky, and a warning is an error."""

import sys
from pathlib import Path

from rootcellar import __version__

sys.path.insert(0, str(Path(__file__).parent))

from engines_page import write_engines_page
from rule_pages import write_rule_pages

project = "rootcellar"
author = "The rootcellar developers"
project_copyright = "2026, The rootcellar developers"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
]

# benchmarks-table.md is written by `make bench` and included by benchmarks.md.
exclude_patterns = ["_build", "benchmarks-table.md"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"rootcellar {release}"
html_static_path = ["_static"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False

# The build needs no network, so there are no inventories of other projects: only names of our own must resolve.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!rootcellar\.).*"),
    (r"py:class", r"rootcellar\..*\.[A-Z]"),  # type variables
]


def setup(app):
    """Make the pages that are made from what the package says of itself."""
    app.connect("builder-inited", lambda app: write_rule_pages(Path(app.srcdir)))
    app.connect("builder-inited", lambda app: write_engines_page(Path(app.srcdir)))
