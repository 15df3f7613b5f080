"""What becomes of a proposed change: applied to the text in force, checked, and kept with the verdict either way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.domain.configuration import Configuration
from bot.domain.errors import BadInput
from bot.domain.events import Command
from bot.domain.policy_versions import ConfigFile, FileKind
from bot.domain.postmortems import LONGEST_DIFF, ChangeVerdict
from bot.domain.strict_json import storable
from bot.domain.unified_diffs import FileChange, parse_diff
from bot.domain.words import Word

Check = Callable[[Sequence[ConfigFile], Mapping[str, str]], tuple[str, ...]]
"""The faults of changed texts, by `policies/<name>.yaml`, among the files in force; none where all is right."""

_FOLDERS: Mapping[FileKind, str] = {FileKind.POLICY: "policies", FileKind.PLAYBOOK: "playbooks"}
_MOST_FAULTS = 20


@dataclass(frozen=True)
class Proposal:
    """The verdict on a diff. `base` names the files that it was held against, each with its digest."""

    verdict: ChangeVerdict
    faults: tuple[str, ...] = ()
    base: tuple[str, ...] = ()


def unchecked(_files: Sequence[ConfigFile], _changed: Mapping[str, str]) -> tuple[str, ...]:
    """Where there is no folder of a configuration: nothing can be said to be right."""
    return ("there is no configuration folder here that a change could be checked in",)


def proposed_in(command: Command, configuration: Configuration, check: Check) -> Proposal | None:
    """The verdict on the diff that an order brings; None where it brings none. Takes a moment: it loads everything."""
    diff = command.details.get("diff")
    if command.word is not Word.POSTMORTEM_LESSON or not isinstance(diff, str) or not diff.strip():
        return None
    return judged(storable(diff), configuration, check)


def judged(diff: str, configuration: Configuration, check: Check) -> Proposal:
    """Whether a diff applies to what is in force, and whether the result passes the check."""
    if len(diff) > LONGEST_DIFF:
        return Proposal(ChangeVerdict.REFUSED, (f"a diff has at most {LONGEST_DIFF:,} characters",))
    try:
        changes = parse_diff(diff)
        files = {f"{_FOLDERS[file.kind]}/{file.path.name}": file for file in configuration.files}
        changed = {change.path: _changed(change, files.get(change.path)) for change in changes}
    except BadInput as error:
        return Proposal(ChangeVerdict.REFUSED, (str(error),))
    base = tuple(f"{file.kind}/{file.name} {file.digest}" for path, file in files.items() if path in changed)
    faults = check(configuration.files, changed)[:_MOST_FAULTS]
    return Proposal(ChangeVerdict.REFUSED if faults else ChangeVerdict.VALID, faults, base)


def _changed(change: FileChange, file: ConfigFile | None) -> str:
    if change.is_new and file is not None:
        raise BadInput(f"{change.path} is there already", next="make the diff against the version in force")
    if change.is_new:
        return change.applied("")
    if file is None:
        raise BadInput(
            f"{change.path} is not in force",
            why="it is no file of the configuration folder, or it was not loaded",
            next="`andon policy list` shows what is; what ships with Andon is changed by a file of the same name",
        )
    before = file.raw.decode("utf-8", "replace")
    after = change.applied(before)
    if after == before:
        raise BadInput(f"Nothing changes in {change.path}")
    return after
