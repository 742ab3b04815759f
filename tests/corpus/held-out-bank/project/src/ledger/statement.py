"""Who posted what, for the auditors."""

from ledger.celeryapp import app


def origin(task_id: str) -> tuple[str, str]:
    result = app.AsyncResult(task_id)
    return result.name, result.worker
