import sys

from thumbs.worker import celery

if __name__ == "__main__":
    result = celery.AsyncResult(sys.argv[1])
    sys.stdout.write(f"{result.state}\n")
