import time

from celery import chord

from weather.jobs import average, station


def report(codes):
    result = chord((station.s(code) for code in codes), average.s()).apply_async()
    while not result.ready():
        time.sleep(0.5)
    return result.result


def wait_for_file(handle):
    while not handle.ready():
        time.sleep(0.5)
