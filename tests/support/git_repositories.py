"""Real git repositories in folders of a test, written to by named people."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

LENA, OMAR, BOT = "Lena <lena@example.com>", "Omar <omar@example.com>", "GitHub <noreply@example.com>"


@dataclass(frozen=True)
class Repository:
    """One repository with a work tree."""

    root: Path

    def git(self, *words: str, by: str = LENA, at: str = "2026-11-20T10:00:00+01:00") -> str:
        """One call of git, in the name of somebody; nothing of this machine's settings counts."""
        name, _, address = by.rstrip(">").partition(" <")
        env = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (
                ("NAME", name), ("EMAIL", address), ("DATE", at))},
        }  # fmt: skip
        command = ["git", "-c", "init.defaultBranch=main", "-c", "commit.gpgSign=false", *words]
        return subprocess.run(
            command, cwd=self.root, env=env, check=True, capture_output=True, text=True
        ).stdout.strip()

    def commit(self, message: str, *trailers: str, by: str = LENA) -> str:
        """Commit everything that there is; the commit."""
        self.git("add", "-A")
        text = "\n\n".join([message, "\n".join(trailers)]) if trailers else message
        self.git("commit", "--quiet", "--allow-empty", "-m", text, by=by)
        return self.git("rev-parse", "HEAD")


def repository(root: Path) -> Repository:
    """A new repository, empty."""
    root.mkdir(parents=True, exist_ok=True)
    made = Repository(root)
    made.git("init", "--quiet")
    return made
