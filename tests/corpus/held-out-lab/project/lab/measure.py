import asyncio
import time

from celery import group

from lab.app import app


@app.task(trail=False)
def spectrum(sample, seconds):
    time.sleep(seconds)
    return [0.0] * 512


@app.task
def baseline(samples):
    spectra = group(spectrum.s(sample, 1) for sample in samples).apply_async()
    with_results = spectra.join(timeout=60)
    return [sum(values) / len(values) for values in with_results]


@app.task
def calibrate(sample):
    return float(sample)


def watch(task_id):
    task = spectrum.AsyncResult(task_id)
    while task.state in ("PENDING", "STARTED"):
        time.sleep(0.5)
        print(task.state)
    return task.result


async def watch_all(tasks):
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0.5)
    return [task.result() for task in tasks]


async def calibrated(sample):
    job = calibrate.delay(sample)
    while True:
        if job.ready():
            return job.result
        await asyncio.sleep(0.2)
