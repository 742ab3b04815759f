import sys

from stock.tasks import reserve


def main():
    article, pieces = sys.argv[1], int(sys.argv[2])
    answer = reserve.delay(article, pieces).get(timeout=30, interval=0.2)
    sys.stdout.write(f"{answer.get('reserved')} of {article}\n")
