import hashlib
import tarfile
from pathlib import Path

from archive.app import app


@app.task
def pack(folder):
    target = f"{folder}.tar"
    with tarfile.open(target, "w") as tar:
        tar.add(folder)
    return target


@app.task
def verify(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
