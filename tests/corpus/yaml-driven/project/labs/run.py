import sys

from celery import group

from labs.analysis import sample
from labs.worker import config

if __name__ == "__main__":
    running = group(sample.s(name) for name in config["instruments"]).apply_async()
    sys.stdout.write(f"{running.get(timeout=30)}\n")
