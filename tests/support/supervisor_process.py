"""`andon up` as tests start it: `FOLDER NAME:BEHAVIOUR…`, with simple parts in place of the real ones."""

from __future__ import annotations

import sys
from pathlib import Path

from bot.adapters.kept_process import Part
from bot.domain.errors import AndonError, ConfigError
from bot.settings import Settings
from bot.supervisor import up

PROGRAM = Path(__file__).parent / "part_process.py"


def main(folder: str, *named: str) -> int:
    def check() -> None:
        if (Path(folder) / "invalid").exists():
            raise ConfigError("Line 3 is wrong")

    def say(words: str) -> None:
        print(words, flush=True)

    parts = []
    for name in named:
        word, _, behaviour = name.partition(":")
        parts.append(Part(word, (word, behaviour or "good", folder), stop_order=0 if word == "web" else 1))
    try:
        return up(
            Settings.from_environment(),
            say=say,
            check=check,
            on_ready=lambda: say("up"),
            on_reaped=lambda owner: say(f"reaped {owner}"),
            parts=parts,
            command=lambda part: [sys.executable, str(PROGRAM), *part.words],
        )
    except AndonError as error:
        say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
