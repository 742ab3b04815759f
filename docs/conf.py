"""Sphinx configuration. Build with `make docs`: nitpicky, and a warning is an error."""

from rootcellar import __version__

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
