"""What the import contracts cannot say: import-linter knows other projects only as a whole."""

import ast
from pathlib import Path

import rootcellar

PACKAGE = Path(rootcellar.__file__).parent


def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def test_only_the_adapter_imports_celerys_backend_api():
    importers = {
        file.relative_to(PACKAGE).parts[0]
        for file in PACKAGE.rglob("*.py")
        if any(name == "celery.backends" or name.startswith("celery.backends.") for name in imports_of(file))
    }
    assert importers == {"backend"}


def test_no_sql_stands_in_a_python_string():
    statements = ("SELECT ", "INSERT ", "UPDATE ", "DELETE FROM", "CREATE TABLE")
    found = [
        f"{file.relative_to(PACKAGE)}:{node.lineno}"
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(statements)
    ]
    assert found == []
