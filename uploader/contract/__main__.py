"""``python -m uploader.contract [--check | --freeze]``: the generated contract files.

Without an option they are written; ``--check`` compares them; ``--freeze`` keeps the schemas of a
version that is released.
"""

from __future__ import annotations

import argparse
import sys

from uploader.contract.generate import FOLDER, freeze, stale, write


def main() -> int:
    """0 when the files are in step with the models."""
    parser = argparse.ArgumentParser(prog="python -m uploader.contract", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if a file is out of step")
    parser.add_argument("--freeze", action="store_true", help="keep this version's schemas")
    chosen = parser.parse_args()
    if chosen.freeze:
        freeze()
        return 0
    if not chosen.check:
        write()
        return 0
    late = stale()
    for path in late:
        sys.stderr.write(f"{path.relative_to(FOLDER)} differs: run python -m uploader.contract\n")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
