from __future__ import annotations

from picking.app import app


class PickingError(Exception):
    """Nothing there to pick."""


@app.task(bind=True, autoretry_for=(PickingError,), max_retries=5)
def pick(self, order: int, lines: list[dict]) -> dict:
    missing = [line for line in lines if not line.get("shelf")]
    if missing:
        raise PickingError(order)
    return {"order": order, "route": sorted(line["shelf"] for line in lines)}


@app.task
def shelves(lines: list[dict]) -> set:
    """Every shelf once."""
    return {line["shelf"] for line in lines}
