"""`andon` and `python -m bot`: the same program."""

from __future__ import annotations

import sys


def main() -> None:
    """Run one command and exit with its code."""
    from bot.cli.entry import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
