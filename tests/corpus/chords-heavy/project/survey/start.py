import sys

from celery import group

from survey.flow import add_up, count_words


def main():
    header = group(count_words.s(path) for path in sys.argv[1:])
    total = (header | add_up.s()).apply_async()
    print(total.get())


if __name__ == "__main__":
    main()
