"""Holds the gates of a policy, those of its stages and of its emergency class, against the kinds of gates there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.adapters.configuration.address_checks import told_of_address
from bot.adapters.configuration.evidence_checks import check_evidence, evidence_texts
from bot.adapters.configuration.files import PolicyFile
from bot.adapters.configuration.names import unknown
from bot.adapters.configuration.parameter_checks import Written, is_placeholder, leaves
from bot.adapters.configuration.policy_checks import Playbooks
from bot.adapters.configuration.reader import Path_
from bot.adapters.configuration.shapes import Marked, marked
from bot.adapters.expressions import is_template
from bot.domain.errors import Fault
from bot.domain.stages import GateUse, Stage, live_stage
from bot.gate_plugins import FileField, Gate, PlaybookField
from bot.plugins import RoleField, UrlField

Gates = Mapping[str, Gate]
HasFile = Callable[[str, str], bool]
"""Whether the configuration has a file: its folder, its name."""

_OF_EVERY_GATE = tuple(GateUse.model_fields)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


@dataclass
class GateFindings:
    """What is wrong, and what looks wrong."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


@dataclass(frozen=True)
class _Place:
    """One gate where it stands in the file."""

    path: Path_
    use: GateUse
    raw: Mapping[str, Any]
    stage: Stage


def check_gates(
    file: PolicyFile, gates: Gates, playbooks: Playbooks, broken: frozenset[str], has_file: HasFile
) -> GateFindings:
    """Each gate: its kind, its parameters by the kind's own model, its conditions, and the names that it uses; and the
    evidence that is fetched for them."""
    found = GateFindings()
    check = _Check(file, playbooks, broken, has_file, found)
    found.faults, found.warnings = check_evidence(file, has_file)
    for place in _places(file):
        gate = gates.get(place.use.use)
        written = Written(file.document, place.path, place.path, place.raw)
        found.faults += written.check_templates(())
        if gate is None:
            found.faults.append(file.document.fault((*place.path, "use"), unknown("gate", place.use.use, gates)))
            continue
        found.faults += [*written.check_model(gate.Params), *written.check_conditions(gate.Params)]
        for one in marked(gate.Params, place.raw):
            check.name(place, one)
    found.warnings += _open_ways(file)
    return found


def _open_ways(file: PolicyFile) -> Iterator[Fault]:
    """A warning where a release comes to serve everybody with no gate before it."""
    stages = file.policy.stages
    names = [stage.name for stage in stages]
    live = live_stage(stages)
    if live is None:
        return
    until = stages[: names.index(live) + 1]
    if not any(stage.gates for stage in until):
        yield file.document.fault(
            ("stages", len(until) - 1),
            f"stage {live!r} serves everybody, and neither it nor a stage before it has a gate: nothing is checked",
        )


@dataclass(frozen=True)
class _Check:
    file: PolicyFile
    playbooks: Playbooks
    broken: frozenset[str]
    has_file: HasFile
    found: GateFindings

    def name(self, place: _Place, one: Marked) -> None:
        """Whether what a marked value names is there."""
        marker, inner, value = one
        path = (*place.path, *inner)
        if isinstance(marker, UrlField) and isinstance(value, str):
            self._address(place, path, value)
        elif isinstance(value, str) and not is_template(value) and not is_placeholder(value):
            message = self._missing(marker, value)
            if message:
                self.found.faults.append(self.file.document.fault(path, message))

    def _missing(self, marker: object, value: str) -> str:
        if isinstance(marker, RoleField) and value not in self.file.policy.roles:
            return unknown("role", value, self.file.policy.roles)
        if isinstance(marker, PlaybookField) and value not in self.playbooks and value not in self.broken:
            return unknown("playbook", value, self.playbooks)
        if isinstance(marker, FileField):
            if not _FILE_NAME.fullmatch(value):
                return f"{value[:80]!r} is not the name of a file in {marker.folder}/"
            if not self.has_file(marker.folder, value):
                return f"there is no file {marker.folder}/{value} in the configuration"
        return ""

    def _address(self, place: _Place, path: Path_, text: str) -> None:
        about = f"gate {place.use.name or place.use.use!r} of stage {place.stage.name!r}"
        for fault, is_fault in told_of_address(self.file, place.stage.place, path, text, about):
            (self.found.faults if is_fault else self.found.warnings).append(fault)


def gate_texts(file: PolicyFile) -> Iterator[tuple[Path_, str]]:
    """Every text in the parameters of every gate and of the evidence that stages fetch, with its place."""
    for place in _places(file):
        yield from leaves(place.raw, place.path)
    yield from evidence_texts(file)


def _places(file: PolicyFile) -> Iterator[_Place]:
    policy = file.policy
    rows: list[tuple[Path_, Stage]] = [(("stages", index), stage) for index, stage in enumerate(policy.stages)]
    if policy.emergency is not None:
        rows += [(("emergency",), stage) for stage in policy.emergency.stages()]
    for base, stage in rows:
        for index, use in enumerate(stage.gates):
            path = (*base, "gates", index)
            written = _at(file.document.value, path)
            raw = {key: value for key, value in written.items() if key not in _OF_EVERY_GATE}
            yield _Place(path, use, raw, stage)


def _at(value: Any, path: Path_) -> dict[str, Any]:
    for part in path:
        value = value[part]
    return dict(value)
