import argparse

from notify.push import push


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("device")
    parser.add_argument("text")
    options = parser.parse_args()
    status = push.delay(options.device, options.text).get(timeout=10)
    parser.exit(0 if status < 400 else 1)
