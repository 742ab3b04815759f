"""What tests of ``rootcellar doctor`` share: small projects, and the diagnosis of one."""

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from project_files import lay_out
from rootcellar.specialist.doctor import Diagnosis, diagnose, symptom
from rootcellar.specialist.inspection import inspection_of
from rootcellar.specialist.rules import all_rules

#: What healthy settings have beside their URLs.
HEALTHY = {"result_backend_always_retry": True, "result_expires": 3_600}


def project(folder: Path, broker: str, backend: str, code: str = "", **settings: Any) -> Path:
    """Write a project of one module: an app with these settings, the task ``add``, and more code; return its folder."""
    lines = [f"app.conf.{name} = {value!r}" for name, value in settings.items()]
    module = [
        "from celery import Celery",
        "",
        f"app = Celery('shop', broker={broker!r}, backend={backend!r})",
        *lines,
        "",
        "@app.task(name='add')",
        "def add(x, y):",
        "    return x + y",
        "",
        "def use():",
        "    return add.delay(1, 2).get(timeout=3)",
        textwrap.dedent(code),
    ]
    lay_out(folder, {"shop.py": "\n".join(module)})
    return folder


def diagnosis(
    name: str, folder: Path, loaded: Any = None, *, app_name: str = "shop", timeout_s: float = 0.5, **how: Any
) -> Diagnosis:
    """Let the doctor look at a project, and at the app that it is when it is loaded."""
    seen = inspection_of(folder, app_name, loaded)
    return diagnose(symptom(name), seen, all_rules(), loaded, timeout_s=timeout_s, **how)


def explained(found: Diagnosis) -> str:
    """Return the name of the suspect that explains the symptom; empty: none does."""
    return found.explanation.suspect if found.explanation is not None else ""


def said(found: Diagnosis) -> Mapping[str, str]:
    """Return what was said of each suspect."""
    return {one.suspect: f"{one.outcome}: {one.said}" for one in found.looked}
