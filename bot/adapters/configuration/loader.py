"""Loads a whole configuration folder: everything in it is valid and fits together, or every fault is told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.configuration.canary_checks import canary_faults, canary_warnings
from bot.adapters.configuration.files import PlaybookFile, PolicyFile, read_playbook, read_policy, yaml_files
from bot.adapters.configuration.host_checks import check_hosts
from bot.adapters.configuration.playbook_checks import Steps, actions, check_playbook, leaves
from bot.adapters.configuration.policy_checks import check_policy, policy_warnings
from bot.adapters.configuration.unused import unused_parts
from bot.adapters.expressions import references
from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.secrets import EnvironmentSecrets
from bot.domain.configuration import Configuration
from bot.domain.errors import ConfigError, Fault


def load_configuration(
    folder: Path, *, steps: Steps, shipped: Path, secrets: EnvironmentSecrets | None = None
) -> Configuration:
    """The configuration in `folder`; playbooks in `shipped` are there too unless the folder has one of that name.

    With `secrets`, a playbook that reads one that is not set gets a warning. ConfigError lists every fault.
    """
    policies_folder = folder / "policies"
    if not policies_folder.is_dir():
        raise ConfigError(
            f"There is no configuration in {folder}",
            why=f"{policies_folder} does not exist",
            next="run `andon init` for an example, or set ANDON_CONFIG to the folder that has policies/",
        )
    findings = _Findings()
    playbooks, broken = _playbooks((shipped, folder / "playbooks"), steps, findings)
    policies = _policies(policies_folder, playbooks, broken, steps, findings)
    findings.faults += _check_templates(folder / "templates")
    if secrets is not None:
        for file in playbooks.values():
            findings.warnings += _missing_secrets(file, secrets)
    if findings.faults:
        faults = tuple(sorted(dict.fromkeys(findings.faults), key=lambda fault: (fault.file, fault.line)))
        raise ConfigError(f"The configuration in {folder} cannot be used", faults=faults)
    if not policies:
        raise ConfigError(f"{policies_folder} holds no policy", next="run `andon init` for an example")
    return Configuration(
        policies={name: file.policy for name, file in policies.items()},
        playbooks={name: file.playbook for name, file in playbooks.items()},
        warnings=tuple(dict.fromkeys(findings.warnings)),
        digest=_digest([*policies.values(), *playbooks.values()]),
    )


@dataclass
class _Findings:
    """What came up so far."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


def _playbooks(
    folders: Iterable[Path], steps: Steps, findings: _Findings
) -> tuple[dict[str, PlaybookFile], frozenset[str]]:
    """Playbooks by name, later folders first, and the names of those that have faults."""
    paths: dict[str, Path] = {}
    for folder in folders:
        found, faults = yaml_files(folder)
        paths |= found
        findings.faults += faults
    playbooks: dict[str, PlaybookFile] = {}
    for name, path in sorted(paths.items()):
        file, faults = read_playbook(path)
        findings.faults += faults
        if file is not None and not faults:
            playbooks[name], faults, warnings = check_playbook(file, steps)
            findings.faults += faults
            findings.warnings += warnings
    return playbooks, frozenset(paths) - frozenset(playbooks)


def _policies(
    folder: Path, playbooks: Mapping[str, PlaybookFile], broken: frozenset[str], steps: Steps, findings: _Findings
) -> dict[str, PolicyFile]:
    paths, faults = yaml_files(folder)
    findings.faults += faults
    policies: dict[str, PolicyFile] = {}
    for name, path in paths.items():
        file, faults = read_policy(path)
        findings.faults += faults
        if file is None:
            continue
        policies[name] = file
        host_faults, host_warnings = check_hosts(file, playbooks, steps)
        findings.faults += [*check_policy(file, playbooks, broken, steps), *host_faults, *canary_faults(file)]
        unused = unused_parts(file.document)
        findings.warnings += [*policy_warnings(file), *host_warnings, *canary_warnings(file), *unused]
    return policies


def _check_templates(folder: Path) -> list[Fault]:
    """Notices that replace shipped ones must at least be templates that the sandbox takes."""
    return NoticeTemplates((folder,)).faults(folder) if folder.is_dir() else []


def _missing_secrets(file: PlaybookFile, secrets: EnvironmentSecrets) -> list[Fault]:
    faults = []
    for _, path, action, _ in actions(file.playbook.steps, ("steps",)):
        for place, text in leaves(action.with_, (*path, "with")):
            try:
                names = references(text).secrets
                missing = [name for name in sorted(names) if secrets.find(name) is None]
            except (ValueError, ConfigError):
                continue  # reported as a fault already
            faults += [file.document.fault(place, f"the secret {name} is not set") for name in missing]
    return faults


def _digest(files: Iterable[PlaybookFile | PolicyFile]) -> str:
    lines = sorted(f"{Path(file.document.file).name} {file.document.digest}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
