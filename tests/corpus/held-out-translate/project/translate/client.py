import argparse

from translate.app import app
from translate.jobs import languages, words


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--wait", type=float, default=30.0)
    parser.add_argument("text", nargs="+")
    args = parser.parse_args()
    result = languages.delay(args.text)
    print(result.get(args.wait), words.delay(args.text[0]).get(timeout=args.wait))
    print(app.backend.get_task_meta(result.id).get("date_done"))


if __name__ == "__main__":
    main()
