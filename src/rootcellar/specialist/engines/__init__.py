"""The engine table: what Celery's own backends and rootcellar's are, honour and can do. One row an engine."""

from rootcellar.specialist.engines.celery_settings import RELEASES, CelerySetting, celery_settings
from rootcellar.specialist.engines.engine import Abilities, Driver, Engine
from rootcellar.specialist.engines.table import ENGINES, RESULT_SETTINGS, drivers_of, engine_of, holds, honours

__all__ = [
    "ENGINES",
    "RELEASES",
    "RESULT_SETTINGS",
    "Abilities",
    "CelerySetting",
    "Driver",
    "Engine",
    "celery_settings",
    "drivers_of",
    "engine_of",
    "holds",
    "honours",
]
