import sys

from billing.jobs import render_invoice


def main(arguments: list[str]) -> int:
    options = dict(argument.split("=", 1) for argument in arguments)
    if options.get("number") is None:
        return 2
    sent = render_invoice.apply_async(args=[int(options["number"])], countdown=1)
    sys.stdout.write(sent.get(timeout=60))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
