from radio.recording import publish, record


def on_air(show: str):
    signature = record.si(show, 60) | publish.s()
    return signature.apply_async(countdown=5).id


def wait(show: str):
    return record.delay(show, 5).get(timeout=400)
