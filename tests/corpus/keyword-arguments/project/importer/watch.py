"""Send what lies in the folder, and say how it went."""

import sys

from importer.tasks import FOLDER, load_file


def main():
    sent = {path.name: load_file.delay(path.name) for path in FOLDER.glob("*.csv")}
    for name, result in sent.items():
        outcome = result.get(timeout=300)
        sys.stdout.write(f"{name}: {outcome.get('rows')} rows\n")


if __name__ == "__main__":
    main()
