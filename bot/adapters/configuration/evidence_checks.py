"""Holds the evidence that stages fetch against what is there: names, files, templates, and hosts that may be asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.configuration.address_checks import told_of_address
from bot.adapters.configuration.files import PolicyFile
from bot.adapters.configuration.parameter_checks import Written, leaves
from bot.adapters.configuration.reader import Path_
from bot.domain.errors import Fault
from bot.domain.evidence_sources import EvidenceSource
from bot.domain.stages import Stage

FOLDER = "evidence"
_PLACES = ("http", "object", "prometheus")


@dataclass(frozen=True)
class _Place:
    """One piece where it stands in the file."""

    path: Path_
    source: EvidenceSource
    raw: Mapping[str, Any]
    stage: Stage


def check_evidence(file: PolicyFile, has_file: Callable[[str, str], bool]) -> tuple[list[Fault], list[Fault]]:
    """Faults and warnings. `has_file` says whether the configuration has a file: its folder, its name."""
    faults: list[Fault] = [*_doubled(file)]
    warnings: list[Fault] = []
    for place in _places(file):
        faults += Written(file.document, place.path, place.path, place.raw).check_templates(())
        if place.source.file is not None and not has_file(FOLDER, place.source.file):
            message = f"there is no file {FOLDER}/{place.source.file} in the configuration"
            faults.append(file.document.fault((*place.path, "file"), message))
        if place.source.address is not None:
            about = f"evidence {place.source.name!r} of stage {place.stage.name!r}"
            told = told_of_address(file, place.stage.place, _at(place), place.source.address, about)
            for fault, is_fault in told:
                (faults if is_fault else warnings).append(fault)
    return faults, warnings


def evidence_texts(file: PolicyFile) -> Iterator[tuple[Path_, str]]:
    """Every text of every piece, with its place."""
    for place in _places(file):
        yield from leaves(place.raw, place.path)


def _doubled(file: PolicyFile) -> Iterator[Fault]:
    for index, stage in enumerate(file.policy.stages):
        counts = Counter(one.name for one in stage.evidence)
        for name, count in counts.items():
            if count > 1:
                last = max(place for place, one in enumerate(stage.evidence) if one.name == name)
                message = f"stage {stage.name!r} fetches {name!r} {count} times; a gate would read the last one only"
                yield file.document.fault(("stages", index, "evidence", last, "name"), message)


def _places(file: PolicyFile) -> Iterator[_Place]:
    for index, stage in enumerate(file.policy.stages):
        for number, source in enumerate(stage.evidence):
            path = ("stages", index, "evidence", number)
            raw: Any = file.document.value
            for part in path:
                raw = raw[part]
            yield _Place(path, source, raw, stage)


def _at(place: _Place) -> Path_:
    """Where its address stands."""
    name = next(one for one in _PLACES if place.raw.get(one) is not None)
    return (*place.path, name, "prometheus" if name == "prometheus" else "url")
