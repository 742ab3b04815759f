"""The diagnosis as JSON: ``doctor.schema.json`` says what is in it."""

from typing import Any

from rootcellar import __version__
from rootcellar.specialist.doctor.diagnosis import Cause, Diagnosis

#: Its number grows when something is taken out or changes its meaning; what is added does not count.
SCHEMA = "rootcellar.doctor/1"


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as plain data, without a secret."""
    best = diagnosis.explanation
    return {
        "schema": SCHEMA,
        "tool": {"name": "rootcellar", "version": __version__},
        "symptom": diagnosis.symptom.name,
        "meaning": diagnosis.symptom.meaning,
        "apps": list(diagnosis.apps),
        "explanation": _cause(best) if best is not None else None,
        "also_found": [_cause(one) for one in diagnosis.others],
        "possible": [_cause(one) for one in diagnosis.possible],
        "looked_at": [
            {
                "suspect": one.suspect,
                "title": one.title,
                "app": one.app or None,
                "outcome": str(one.outcome),
                "said": one.said,
            }
            for one in diagnosis.looked
        ],
        "notes": list(diagnosis.notes),
    }


def _cause(cause: Cause) -> dict[str, Any]:
    return {
        "suspect": cause.suspect,
        "kind": "rule" if cause.suspect.startswith("RC") else "examination",
        "title": cause.title,
        "proof": str(cause.proof),
        "why": cause.why,
        "evidence": cause.evidence,
        "mend": cause.mend,
        "app": cause.app or None,
        "path": cause.place.path if cause.place else None,
        "line": cause.place.line if cause.place else None,
    }
