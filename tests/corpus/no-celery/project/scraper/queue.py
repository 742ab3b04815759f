"""A queue of threads, nothing to do with Celery."""

import queue

waiting = queue.Queue()


def next_job():
    job = waiting.get()
    waiting.task_done()
    return job
