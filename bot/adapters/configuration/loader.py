"""Loads a whole configuration folder: everything in it is valid and fits together, or every fault is told at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.configuration.canary_checks import canary_faults, canary_warnings
from bot.adapters.configuration.drill_checks import check_drills, drill_warnings
from bot.adapters.configuration.files import (
    PlaybookFile,
    PolicyFile,
    read_playbook,
    read_policy,
    read_retention,
    yaml_files,
)
from bot.adapters.configuration.gate_checks import GateFindings, Gates, check_gates, gate_texts
from bot.adapters.configuration.host_checks import check_hosts
from bot.adapters.configuration.live_checks import check_live
from bot.adapters.configuration.parameter_checks import leaves
from bot.adapters.configuration.playbook_checks import Steps, actions, check_playbook
from bot.adapters.configuration.policy_checks import check_policy, policy_warnings
from bot.adapters.configuration.reader import Document, Path_
from bot.adapters.configuration.stable_checks import check_stable, stable_warnings
from bot.adapters.configuration.unused import unused_parts
from bot.adapters.expressions import references
from bot.adapters.notice_templates import NoticeTemplates
from bot.adapters.secrets import EnvironmentSecrets
from bot.domain.configuration import Configuration
from bot.domain.errors import ConfigError, Fault
from bot.domain.keeping import Retention
from bot.domain.policy_versions import ConfigFile, FileKind

Contents = Mapping[Path, bytes | None]
"""Bytes that stand for files; None: the file is not there."""


def load_configuration(
    folder: Path,
    *,
    steps: Steps,
    gates: Gates,
    shipped: Path,
    secrets: EnvironmentSecrets | None = None,
    contents: Contents | None = None,
) -> Configuration:
    """The configuration in `folder`; playbooks in `shipped` are there too unless the folder has one of that name.

    With `secrets`, a playbook or a gate that reads one that is not set gets a warning. With `contents`, these bytes
    stand for the files of those paths, None for one that is not there. ConfigError lists every fault."""
    policies_folder = folder / "policies"
    if not policies_folder.is_dir():
        raise ConfigError(
            f"There is no configuration in {folder}",
            why=f"{policies_folder} does not exist",
            next="run `andon init` for an example, or set ANDON_CONFIG to the folder that has policies/",
        )
    findings = _Findings(contents=contents or {})
    playbooks, broken = _playbooks((shipped, folder / "playbooks"), steps, findings)
    policies = _policies(policies_folder, playbooks, broken, steps, findings)
    for policy in policies.values():
        findings.take(check_gates(policy, gates, playbooks, broken, lambda *file: folder.joinpath(*file).is_file()))
        findings.take(_drills(policy, playbooks, policies, steps))
    retention = _besides(folder, findings)
    if secrets is not None:
        findings.warnings += _unset_secrets(playbooks, policies, secrets)
    findings.refuse(folder)
    if not policies:
        raise ConfigError(f"{policies_folder} holds no policy", next="run `andon init` for an example")
    return Configuration(
        policies={name: file.policy for name, file in policies.items()},
        playbooks={name: file.playbook for name, file in playbooks.items()},
        warnings=tuple(dict.fromkeys(findings.warnings)),
        retention=retention,
        digest=_digest([*policies.values(), *playbooks.values()]),
        files=tuple(_as_loaded(FileKind.POLICY, policies, shipped) + _as_loaded(FileKind.PLAYBOOK, playbooks, shipped)),
    )


@dataclass
class _Findings:
    """What came up so far, and what stands for files."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    contents: Contents = field(default_factory=dict)

    def take(self, found: GateFindings) -> None:
        """What came up about gates, or drills."""
        self.faults += found.faults
        self.warnings += found.warnings

    def refuse(self, folder: Path) -> None:
        """ConfigError with every fault, in the order of files and lines; nothing where there is none."""
        if self.faults:
            faults = tuple(sorted(dict.fromkeys(self.faults), key=lambda fault: (fault.file, fault.line)))
            raise ConfigError(f"The configuration in {folder} cannot be used", faults=faults)

    def files(self, folder: Path) -> dict[str, Path]:
        """The files of a folder by name, with what stands for some of them."""
        found, faults = yaml_files(folder)
        self.faults += faults
        found |= {path.stem: path for path, raw in self.contents.items() if path.parent == folder and raw is not None}
        return {name: path for name, path in sorted(found.items()) if self.contents.get(path, b"") is not None}


def _playbooks(
    folders: Iterable[Path], steps: Steps, findings: _Findings
) -> tuple[dict[str, PlaybookFile], frozenset[str]]:
    """Playbooks by name, later folders first, and the names of those that have faults."""
    paths: dict[str, Path] = {}
    for folder in folders:
        paths |= findings.files(folder)
    playbooks: dict[str, PlaybookFile] = {}
    for name, path in sorted(paths.items()):
        file, faults = read_playbook(path, findings.contents.get(path))
        findings.faults += faults
        if file is not None and not faults:
            playbooks[name], faults, warnings = check_playbook(file, steps)
            findings.faults += faults
            findings.warnings += warnings
    return playbooks, frozenset(paths) - frozenset(playbooks)


def _policies(
    folder: Path, playbooks: Mapping[str, PlaybookFile], broken: frozenset[str], steps: Steps, findings: _Findings
) -> dict[str, PolicyFile]:
    policies: dict[str, PolicyFile] = {}
    for name, path in findings.files(folder).items():
        file, faults = read_policy(path, findings.contents.get(path))
        findings.faults += faults
        if file is None:
            continue
        policies[name] = file
        host_faults, host_warnings = check_hosts(file, playbooks, steps)
        checked = [*check_policy(file, playbooks, broken, steps), *check_live(file), *check_stable(file)]
        findings.faults += [*checked, *canary_faults(file), *host_faults]
        warnings = [*policy_warnings(file), *stable_warnings(file), *canary_warnings(file)]
        findings.warnings += [*warnings, *unused_parts(file.document), *host_warnings]
    return policies


def _besides(folder: Path, findings: _Findings) -> Retention:
    """How long records are kept; templates are looked at too."""
    retention, faults = read_retention(folder)
    findings.faults += [*faults, *_check_templates(folder / "templates")]
    return retention


def _check_templates(folder: Path) -> list[Fault]:
    """Notices that replace shipped ones must at least be templates that the sandbox takes."""
    return NoticeTemplates((folder,)).faults(folder) if folder.is_dir() else []


def _drills(
    file: PolicyFile, playbooks: Mapping[str, PlaybookFile], policies: Mapping[str, PolicyFile], steps: Steps
) -> GateFindings:
    return GateFindings([*check_drills(file, steps)], [*drill_warnings(file, playbooks, policies, steps)])


def _unset_secrets(
    playbooks: Mapping[str, PlaybookFile], policies: Mapping[str, PolicyFile], secrets: EnvironmentSecrets
) -> Iterator[Fault]:
    for file in playbooks.values():
        yield from _missing_secrets(file.document, _step_texts(file), secrets)
    for policy in policies.values():
        yield from _missing_secrets(policy.document, gate_texts(policy), secrets)


def _missing_secrets(
    document: Document, texts: Iterable[tuple[Path_, str]], secrets: EnvironmentSecrets
) -> Iterator[Fault]:
    for place, text in texts:
        try:
            names = references(text).secrets
            missing = [name for name in sorted(names) if secrets.find(name) is None]
        except (ValueError, ConfigError):
            continue  # reported as a fault already
        for name in missing:
            yield document.fault(place, f"the secret {name} is not set")


def _step_texts(file: PlaybookFile) -> Iterator[tuple[Path_, str]]:
    for _, path, action, _ in actions(file.playbook.steps, ("steps",)):
        yield from leaves(action.with_, (*path, "with"))


def _as_loaded(kind: FileKind, files: Mapping[str, PolicyFile | PlaybookFile], shipped: Path) -> list[ConfigFile]:
    paths = {name: Path(file.document.file) for name, file in files.items()}
    return [
        ConfigFile(kind, name, path, files[name].document.raw) for name, path in paths.items() if path.parent != shipped
    ]


def _digest(files: Iterable[PlaybookFile | PolicyFile]) -> str:
    lines = sorted(f"{Path(file.document.file).name} {file.document.digest}" for file in files)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
