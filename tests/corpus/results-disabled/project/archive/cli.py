import sys

from archive.tasks import pack, verify


def main():
    settings = {"folder": sys.argv[1]}
    sent = pack.delay(settings.get("folder"))
    path = sent.get(timeout=600)
    check = verify.delay(path)
    sys.stdout.write(f"{path} {check.get(timeout=60)}\n")
