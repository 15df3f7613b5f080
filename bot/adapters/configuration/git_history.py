"""What git knows of the files of a configuration folder: the last change of each, its author, and who read it.

Git is called without a shell, for a bounded time, and so that nothing in the repository is carried out: no hooks, no
file-system monitor, no filters, no signature programs, no fetching of what is missing. Files are compared with the
commit byte by byte, so neither attributes nor `assume-unchanged` hide a change."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.adapters.configuration.reader import MAX_BYTES
from bot.domain.errors import ConfigError

SECONDS = 20.0
"""For all that is asked of one folder at once."""

_FIXED = (
    "git", "--no-pager", "--no-optional-locks", "--no-replace-objects", "--literal-pathspecs",
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false",
    "-c", "log.showSignature=false", "-c", "log.mailmap=false", "-c", "i18n.logOutputEncoding=UTF-8",
)  # fmt: skip
_TRAILERS = "%(trailers:key=Reviewed-by,key=Approved-by,valueonly,unfold,separator=%x01)"
_FORMAT = f"--format=%H%x00%P%x00%an <%ae>%x00%cI%x00{_TRAILERS}"


@dataclass(frozen=True)
class Commit:
    """One change as its commit says; reviewers out of the trailers `Reviewed-by` and `Approved-by`."""

    id: str
    parents: tuple[str, ...]
    author: str
    at: datetime | None
    reviewers: tuple[str, ...] = ()


@dataclass
class GitHistory:
    """The history of the folder that it was made for. ConfigError where git cannot be asked, or takes too long."""

    folder: Path
    seconds: float = SECONDS
    _until: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._until = time.monotonic() + self.seconds

    def is_there(self) -> bool:
        """Whether the folder is inside a work tree with a commit. ConfigError where git refuses to look at it."""
        done = self._call("rev-parse", "--is-inside-work-tree", "--verify", "HEAD^{commit}")
        if done is None:
            return False
        said = done.stderr.decode("utf-8", "replace")
        if "dubious ownership" in said:
            raise ConfigError(
                f"Git does not look at {self.folder}: it belongs to another user",
                why=f"this process runs as uid {os.getuid()}",
                next="add the root of its repository to `safe.directory` in that user's or the system's git settings",
            )
        return done.returncode == 0 and done.stdout.startswith(b"true")

    def committed(self, paths: Sequence[str], revision: str = "HEAD") -> Mapping[str, bytes]:
        """The files of a commit below these folders, by their path from the configuration folder."""
        listed = self._said("ls-tree", "-r", "-l", "-z", revision, "--", *paths)
        ids: dict[str, str] = {}
        for entry in filter(None, listed.split(b"\0")):
            about, _, name = entry.partition(b"\t")
            mode, kind, blob, size = about.decode("ascii", "replace").split()
            if kind == "blob" and mode != "120000" and int(size) <= MAX_BYTES + 1:
                ids[os.fsdecode(name)] = blob
        return self._blobs(ids)

    def last_change(self, path: str) -> Commit | None:
        """The newest commit that changed this file."""
        found = self._said("log", "-1", _FORMAT, "HEAD", "--", path)
        return _commit(found) if found.strip() else None

    def is_cut_off_at(self, commit: Commit) -> bool:
        """Whether the history ends at this commit because the clone is shallow: what changed there is not known."""
        return not commit.parents and self._said("rev-parse", "--is-shallow-repository").strip() == b"true"

    def merge_of(self, commit: Commit) -> Commit | None:
        """The merge that brought this commit into the branch; None where it was made on the branch itself."""
        since = set(self._said("rev-list", "--ancestry-path", f"{commit.id}..HEAD").split())
        line = self._said("rev-list", "--first-parent", "--parents", "HEAD", f"^{commit.id}").splitlines()
        brought = [one.split() for one in line if one.split()[0] in since]
        if not brought or commit.id.encode() == brought[-1][1]:
            return None
        return _commit(self._said("log", "-1", "--no-walk", _FORMAT, brought[-1][0].decode()))

    def resolved(self, revision: str) -> str | None:
        """The commit that a revision names; None where it names none."""
        if revision.startswith("-") or not revision.isprintable():
            return None
        done = self._call("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        return done.stdout.decode().strip() if done and done.returncode == 0 else None

    def _blobs(self, ids: Mapping[str, str]) -> dict[str, bytes]:
        if not ids:
            return {}
        wanted = "".join(f"{blob}\n" for blob in ids.values()).encode()
        rest = self._said("cat-file", "--batch", given=wanted)
        found: dict[str, bytes] = {}
        for name in ids:
            head, _, rest = rest.partition(b"\n")
            words = head.split()
            if len(words) == 3:  # two where git does not have it here, as in a partial clone
                size = int(words[2])
                found[name], rest = rest[:size], rest[size + 1 :]
        return found

    def _said(self, *words: str, given: bytes = b"") -> bytes:
        done = self._call(*words, given=given)
        if done is None or done.returncode != 0:
            why = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0] if done else "it is not installed"
            raise ConfigError(f"Git cannot tell where {self.folder} comes from", why=why[:200])
        return done.stdout

    def _call(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes] | None:
        """None where there is no git here."""
        left = self._until - time.monotonic()
        try:
            return subprocess.run(
                [*_FIXED, *words],
                cwd=self.folder,
                env=_environment(),
                input=given,
                capture_output=True,
                timeout=max(left, 0.01),
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"Git did not answer about {self.folder} within {self.seconds:g} s") from error
        except OSError:
            return None


def _commit(said: bytes) -> Commit:
    commit, parents, author, at, trailers = said.decode("utf-8", "replace").rstrip("\n").split("\0")
    moment = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(at).astimezone(UTC)
    reviewers = tuple(one.strip() for one in trailers.split("\x01") if one.strip())
    return Commit(commit, tuple(parents.split()), author, moment, reviewers)


def _environment() -> dict[str, str]:
    """What git needs to find itself and its user's settings (`safe.directory`), and nothing that leads it elsewhere."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "XDG_CONFIG_HOME") if name in os.environ}
    return {
        **kept,
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": "/dev/null",
    }
