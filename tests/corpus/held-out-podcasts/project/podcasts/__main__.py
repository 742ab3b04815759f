import sys
import time

from podcasts.fetching import fetch, transcribe


def main():
    links = fetch.delay(sys.argv[1]).get(timeout=60)
    waiting = [transcribe.delay(link) for link in links]
    while not all(result.ready() for result in waiting):
        time.sleep(1)
    for result in waiting:
        print(result.result)


main()
