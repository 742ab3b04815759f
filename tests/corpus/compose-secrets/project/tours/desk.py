import sys

from tours.main import book


def main():
    options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
    booked = book.delay(options.get("--tour"), int(options.get("--seats", 1)))
    print(booked.get()["booking"])


if __name__ == "__main__":
    main()
