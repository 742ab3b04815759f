"""The board in the stations."""

from rail.delays import predict


def row(train, stop):
    prediction = predict.delay(train, stop)
    minutes = prediction.get(timeout=2).get("minutes", 0)
    return f"{train:>8} {stop:<20} +{minutes} ({prediction.name})"


def worker_of(task_id):
    return predict.AsyncResult(task_id).worker
