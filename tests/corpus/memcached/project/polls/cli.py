import sys

from polls.app import tally


if __name__ == "__main__":
    winners = tally.delay(sys.stdin.read().split()).get(timeout=30)
    print(max(winners, key=winners.get))
