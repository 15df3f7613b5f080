"""Policies as they were or may become: of a folder, of a git revision of the configuration folder."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bot.adapters.configuration.files import read_policy
from bot.adapters.configuration.gate_checks import Gates
from bot.adapters.configuration.git_history import GitHistory
from bot.adapters.configuration.loader import load_configuration
from bot.adapters.configuration.playbook_checks import Steps
from bot.adapters.configuration.provenance import FOLDERS
from bot.domain.errors import ConfigError, NotFound
from bot.domain.policies import Policy
from bot.domain.policy_versions import PolicyVersion

REVIEWED = ("evidence", "references", "scripts", "suites")
"""What gates read and run: a policy that names a file is checked against it."""

Policies = Mapping[str, Policy]


def policies_of_folder(folder: Path, *, steps: Steps, gates: Gates, shipped: Path) -> Policies:
    """The policies of a folder, checked like any other."""
    return load_configuration(folder, steps=steps, gates=gates, shipped=shipped).policies


def policies_of_revision(folder: Path, revision: str, *, steps: Steps, gates: Gates, shipped: Path) -> Policies:
    """The policies that the configuration folder had at a git revision.

    NotFound where there is no such revision; ConfigError with every fault, named by revision, where they are none."""
    if not folder.is_dir():
        raise NotFound(f"There is no folder {folder}", next="--config names the configuration folder")
    history = GitHistory(folder)
    commit = history.resolved(revision) if history.is_there() else None
    if commit is None:
        raise NotFound(
            f"{revision[:80]!r} is no folder, no revision of {folder} and no version on record",
            next="name a folder, a branch, tag or commit, or a digest out of `andon policy list`",
        )
    folders = (*sorted(FOLDERS.values()), *REVIEWED)
    files = history.committed(folders, commit)
    with tempfile.TemporaryDirectory(prefix="andon-revision-") as name:
        made = Path(name)
        for path, raw in files.items():
            kind, _, file = path.partition("/")
            if kind in folders and file and "/" not in file:
                (made / kind).mkdir(exist_ok=True)
                (made / kind / file).write_bytes(raw)
        try:
            return policies_of_folder(made, steps=steps, gates=gates, shipped=shipped)
        except ConfigError as error:
            raise _named(error, made, revision) from error


def policy_of_version(version: PolicyVersion) -> Policy:
    """The policy that a version on record says. ConfigError where this version of Andon does not read it any more."""
    path = Path(f"{version.name}.yaml")
    file, faults = read_policy(path, version.text.encode("utf-8"))
    if file is None or faults:
        raise ConfigError(f"Version {version.digest} of {version.name} cannot be read", faults=tuple(faults))
    return file.policy


def _named(error: ConfigError, folder: Path, revision: str) -> ConfigError:
    """The same faults, named by revision and path instead of by a folder that is gone."""
    start = f"{folder}/"
    faults = tuple(replace(one, file=f"{revision}:{one.file.removeprefix(start)}") for one in error.faults)
    what = error.what.replace(str(folder), revision)
    return ConfigError(what, faults=faults, why=error.why.replace(str(folder), revision), next=error.next)
