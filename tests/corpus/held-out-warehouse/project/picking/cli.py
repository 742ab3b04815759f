"""Command line of the picking service."""

import argparse
import json
import sys

from picking.jobs import pick, shelves


def _parser():
    parser = argparse.ArgumentParser(prog="picking")
    commands = parser.add_subparsers(dest="command", required=True)
    route = commands.add_parser("route", help="print a route")
    route.add_argument("order", type=int)
    route.add_argument("file", type=argparse.FileType())
    count = commands.add_parser("shelves")
    count.add_argument("file", type=argparse.FileType())
    return parser


def main(argv=None):
    args = _parser().parse_args(argv)
    lines = json.load(args.file)
    if args.command == "route":
        result = pick.delay(args.order, lines)
        answer = result.get(timeout=20)
        print("\n".join(answer.get("route")))
    else:
        print(len(shelves.delay(lines).get()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
