"""Says of each file of a configuration where it comes from and whether another person has read exactly its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.configuration.files import yaml_files
from bot.adapters.configuration.git_history import Commit, GitHistory
from bot.adapters.configuration.reader import parse_document, read_bytes
from bot.domain.errors import ConfigError, Fault
from bot.domain.policy_versions import NEXT, NOT_REVIEWED, ConfigFile, FileKey, FileKind, Provenance, same_person

FOLDERS: Mapping[FileKind, str] = {FileKind.POLICY: "policies", FileKind.PLAYBOOK: "playbooks"}

Persons = Mapping[str, Iterable[str]]


@dataclass(frozen=True)
class Stated:
    """What the environment says of an image that was built without its repository."""

    commit: str | None = None
    author: str | None = None
    reviewer: str | None = None

    @property
    def says_something(self) -> bool:
        """Any of the three was set."""
        return bool(self.commit or self.author or self.reviewer)


class Origins:
    """Asks git where the configuration folder is in a work tree, else what the environment states."""

    def __init__(self, folder: Path, stated: Stated | None = None, *, seconds: float = 20.0) -> None:
        self._folder = folder
        self._stated = stated or Stated()
        self._seconds = seconds

    def of(self, files: Sequence[ConfigFile], gone: Sequence[ConfigFile] = ()) -> dict[FileKey, Provenance]:
        """One for each file, and one for the deletion of each that is gone. What git cannot tell is not reviewed, with
        the reason; it never raises."""
        if not files and not gone:
            return {}
        persons = persons_of(files)
        try:
            history = GitHistory(self._folder, self._seconds)
            if not history.is_there():
                return {file.key: self._without_git(persons) for file in (*files, *gone)}
            committed = history.committed(sorted(FOLDERS.values()))
            there = {file.key: _of(file, history, committed, persons) for file in files}
            return there | {file.key: _deletion_of(file, history, committed, persons) for file in gone}
        except ConfigError as error:
            return {file.key: Provenance(why=str(error).rstrip(".")) for file in (*files, *gone)}

    def _without_git(self, persons: Persons) -> Provenance:
        stated = self._stated
        if not stated.says_something:
            why = (
                "git knows nothing of the folder (it is in no work tree, or git is not installed), "
                "and ANDON_POLICY_REVIEWER does not say who read it"
            )
            return Provenance(why=why)
        why = _unread(stated.author, [stated.reviewer] if stated.reviewer else [], persons)[1]
        if not stated.commit and not why:
            why = "ANDON_POLICY_COMMIT does not say which commit was read"
        return Provenance(stated.commit, None, stated.author, stated.reviewer, why=why)


def config_files(folder: Path) -> list[ConfigFile]:
    """The policies and playbooks of a folder as they are on disk; what cannot be read is left to the loader to say."""
    found = []
    for kind, name in FOLDERS.items():
        for stem, path in yaml_files(folder / name)[0].items():
            try:
                found.append(ConfigFile(kind, stem, path, read_bytes(path)))
            except OSError:
                continue
    return found


def unreviewed(file: ConfigFile, found: Provenance) -> Fault:
    """What is said of a file that nobody else has read."""
    return Fault(str(file.path), 0, f"{NOT_REVIEWED}: {found.why}; {NEXT}")


def persons_of(files: Iterable[ConfigFile]) -> dict[str, tuple[str, ...]]:
    """Which ids are one person, by all policies together, also where something else in them is wrong."""
    together: dict[str, tuple[str, ...]] = {}
    for file in files:
        document = parse_document(file.raw, file.name)[0] if file.kind is FileKind.POLICY else None
        named = document.value.get("persons") if document and isinstance(document.value, dict) else None
        for person, ids in named.items() if isinstance(named, dict) else ():
            if isinstance(ids, list):
                together[person] = (*together.get(person, ()), *(one for one in ids if isinstance(one, str)))
    return together


def _of(file: ConfigFile, history: GitHistory, committed: Mapping[str, bytes], persons: Persons) -> Provenance:
    path = f"{FOLDERS[file.kind]}/{file.path.name}"
    change = history.last_change(path) if path in committed else None
    if change is None:
        return Provenance(dirty=True, why="it is in no commit")
    if history.is_cut_off_at(change):
        return Provenance(why="the history is cut off (a shallow clone), so its last change is not known")
    reviewer, why = _reviewed(change, history, persons)
    dirty = committed[path] != file.raw
    if dirty:
        why = f"the file differs from commit {change.id[:12]}"
    return Provenance(change.id, change.at, change.author, reviewer, dirty, why)


def _deletion_of(file: ConfigFile, history: GitHistory, committed: Mapping[str, bytes], persons: Persons) -> Provenance:
    path = f"{FOLDERS[file.kind]}/{file.path.name}"
    if path in committed:
        return Provenance(dirty=True, why="it was in force and is gone, but no commit deleted it")
    change = history.last_change(path)
    if change is None:
        return Provenance(why="it was in force and is gone, and no commit says why")
    reviewer, why = _reviewed(change, history, persons)
    return Provenance(change.id, change.at, change.author, reviewer, why=why and f"it was deleted, and {why}")


def _reviewed(change: Commit, history: GitHistory, persons: Persons) -> tuple[str | None, str]:
    reviewer, why = _unread(change.author, change.reviewers, persons)
    if not why:
        return reviewer, ""
    merge = history.merge_of(change)
    if merge is None:
        return reviewer, why
    read = [*merge.reviewers, merge.author]
    merged_by, still = _unread(change.author, read, persons)
    return (merged_by, "") if not still else (reviewer, why)


def _unread(author: str | None, reviewers: Sequence[str], persons: Persons) -> tuple[str | None, str]:
    """Who read it, and what is wrong with that; the first reviewer who is another person than the author counts."""
    if not author:
        return next(iter(reviewers), None), "nobody is named as its author"
    if not reviewers:
        return None, f"its last change, by {author}, names no reviewer"
    other = next((one for one in reviewers if not same_person(author, one, persons)), None)
    if other is None:
        return reviewers[0], f"its author and its reviewer are the same person ({author})"
    return other, ""
