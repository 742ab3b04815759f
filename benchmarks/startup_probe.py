"""Run as a script, in a fresh interpreter: prints how many seconds it takes to get a backend in a Celery app."""

import os
import sys
import time

from celery import Celery

if __name__ == "__main__":
    url = os.environ["BENCHMARK_RESULT_BACKEND"]
    app = Celery("benchmarks", broker="memory://", backend=url)
    app.conf.result_backend  # noqa: B018  # the configuration is the app's, whatever its backend
    begin = time.perf_counter()
    if url.startswith("cellar+"):
        import rootcellar  # noqa: F401
    app.backend  # noqa: B018
    sys.stdout.write(f"{time.perf_counter() - begin}\n")
