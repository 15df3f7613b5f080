"""Runs words of `andon` in this process, as one or another holder of a token."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bot.cli.entry import run
from support.engine import Engine
from support.installation import SECRETS, TOKENS

__all__ = ["TOKENS", "Andon", "Said", "andon_by"]


@dataclass(frozen=True)
class Said:
    """One command as its caller sees it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def is_problem(self, *words: str) -> bool:
        """Exit 1 with one line on standard error that has these words."""
        one_line = self.err.startswith("andon: ") and self.err.count("\n") == 1
        return self.code == 1 and one_line and all(word in self.err for word in words)


Andon = Callable[..., Said]


def andon_by(engine: Engine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Andon:
    """`andon("lift", "scores", by="ada")` on the engine's database."""

    def command(*words: str, by: str | None = "ada") -> Said:
        monkeypatch.setenv("ANDON_DATA", str(engine.app.settings.data))
        monkeypatch.setenv("ANDON_CONFIG", str(engine.config))
        monkeypatch.setenv("ANDON_API_TOKENS", TOKENS)
        if by:
            monkeypatch.setenv("ANDON_TOKEN", SECRETS[by])
        else:
            monkeypatch.delenv("ANDON_TOKEN", raising=False)
        capfd.readouterr()  # what the program logged before is none of the command's
        try:
            code = run(words)
        except SystemExit as end:
            code = int(str(end.code))
        said = capfd.readouterr()
        return Said(code, said.out, said.err)

    return command
