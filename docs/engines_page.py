"""The documentation's page of the engines, made from the engine table; a test compares the two."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from rootcellar.specialist.engines import ENGINES, RELEASES, Engine

_OPTIONS = "result_backend_transport_options"

_HEAD = f"""\
# Engines

What `rootcellar inspect`, `check` and `doctor` know of the places that Celery can keep results in, made from the table
in `rootcellar/specialist/engines`. The sources of Celery {RELEASES[0]} to {RELEASES[-1]} were read; for 5.5, 5.6 and
5.7, tests make the installed Celery do what stands here (`make test-celery`).

Versions are [specifiers](https://packaging.python.org/en/latest/specifications/version-specifiers/): `>=5.7` is Celery
5.7 and later. A setting that is not in an engine's list is ignored with it.
"""

_COLUMNS: Mapping[str, str] = {
    "waiting": "a waiter is",
    "chords": "chords",
    "is_shared": "read by others",
    "is_reread": "read twice",
    "expiry": "expired results are deleted by",
    "success_is_final": "a SUCCESS is final",
    "compresses": "compresses",
    "pickles": "pickles",
}


def page() -> str:
    """Return the page."""
    shown = [engine for engine in ENGINES.values() if engine.name != "unknown"]
    parts = [_HEAD, "## At a glance\n", _table(shown), *(_section(engine) for engine in shown)]
    return "\n".join(parts)


def write_engines_page(docs: Path) -> None:
    """Write ``reference/engines.md``, if it is not the same."""
    path, text = docs / "reference" / "engines.md", page()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _table(engines: list[Engine]) -> str:
    lines = ["| engine | " + " | ".join(_COLUMNS.values()) + " |", "|---" * (len(_COLUMNS) + 1) + "|"]
    for engine in engines:
        cells = (_cell(getattr(engine.abilities, name)) for name in _COLUMNS)
        lines.append(f"| [{engine.label}](#{engine.name}) | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(value: str | bool) -> str:
    """Return what a cell shows; an ability that no version has, or that cannot be said in a word, is a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`" if value[:1] in ("<", ">") else value or "-"


def _section(engine: Engine) -> str:
    # The headings' anchors are names, which rules and their pages link to; labels may change.
    lines = [f"({engine.name})=", f"## {engine.label}", ""]
    lines += [f"`result_backend`: {', '.join(f'`{one}`' if one else 'none' for one in engine.examples)}", ""]
    lines += [line for driver in engine.drivers for line in _driver(driver.install, driver.schemes)]
    lines += [""] if engine.drivers else []
    lines += list(_facts(engine))
    if engine.settings:
        lines += ["| setting | Celery | |", "|---|---|---|", *_rows(engine, engine.settings), ""]
    if engine.transport_options:
        lines += [f"| key of `{_OPTIONS}` | Celery | |", "|---|---|---|", *_rows(engine, engine.transport_options), ""]
    ignored = {name: note for name, note in engine.notes.items() if name.startswith(("result_", "redis_"))}
    lines += [f"- `{name}`: {note}" for name, note in ignored.items() if name not in engine.settings]
    lines += [""] if set(ignored) - set(engine.settings) else []
    if engine.sources:
        lines += ["Read in: " + ", ".join(f"<{source}>" for source in engine.sources), ""]
    return "\n".join(lines)


def _driver(install: str, schemes: tuple[str, ...]) -> Iterator[str]:
    where = f" for {', '.join(f'`{scheme}`' for scheme in schemes if not scheme.startswith('database'))}"
    yield f"- `{install}`{where if schemes else ''}"


def _facts(engine: Engine) -> Iterator[str]:
    abilities = engine.abilities
    facts = [note for name, note in engine.notes.items() if name in abilities.__dataclass_fields__]
    if abilities.connects_per_call:
        facts.append("Outside a worker's forked processes each call opens a connection of its own.")
    if abilities.retries:
        facts.append(f"`result_backend_always_retry` repeats what failed: Celery `{abilities.retries}`.")
    yield from (f"- {fact}" for fact in facts)
    if facts:
        yield ""


def _rows(engine: Engine, versions: Mapping[str, str]) -> Iterator[str]:
    return (f"| `{name}` | `{versions[name]}` | {engine.notes.get(name, '')} |" for name in sorted(versions))


if __name__ == "__main__":
    write_engines_page(Path(__file__).parent)
