"""The files of a configuration folder: which there are, and each one read and validated on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.adapters.conditions import compile_condition
from bot.adapters.configuration.reader import Document, read_bytes, read_document, unreadable
from bot.adapters.configuration.sentences import explain
from bot.domain.errors import Fault
from bot.domain.keeping import Retention
from bot.domain.playbooks import Playbook
from bot.domain.policies import Policy


@dataclass(frozen=True)
class PolicyFile:
    """A policy with the lines it was written in."""

    document: Document
    policy: Policy


@dataclass(frozen=True)
class PlaybookFile:
    """A playbook with the lines it was written in."""

    document: Document
    playbook: Playbook


def yaml_files(folder: Path) -> tuple[dict[str, Path], list[Fault]]:
    """The YAML files of a folder by their names without `.yaml`; a `.yml` would be overlooked and is a fault."""
    if not folder.is_dir():
        return {}, []
    found = {path.stem: path for path in sorted(folder.glob("*.yaml")) if not path.name.startswith(".")}
    overlooked = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".yml", ".yaml")]
    faults = [
        Fault(str(path), 0, "the name of this file must end in .yaml")
        for path in overlooked
        if path.suffix != ".yaml" and not path.name.startswith(".")
    ]
    return found, faults


def read_policy(path: Path, raw: bytes | None = None) -> tuple[PolicyFile | None, Sequence[Fault]]:
    """One policy, or what is wrong with it. Its service is called as the file is."""
    document, model, faults = _read(path, raw, Policy, "service")
    if document is None or not isinstance(model, Policy):
        return None, faults
    return PolicyFile(document, model.model_copy(update={"digest": document.digest})), faults


def read_playbook(path: Path, raw: bytes | None = None) -> tuple[PlaybookFile | None, Sequence[Fault]]:
    """One playbook, or what is wrong with it. It is called as its file is."""
    document, model, faults = _read(path, raw, Playbook, "playbook")
    if document is None or not isinstance(model, Playbook):
        return None, faults
    return PlaybookFile(document, model), faults


def read_retention(folder: Path) -> tuple[Retention, list[Fault]]:
    """`retention.yaml` of the folder, or what is wrong with it; without the file everything is kept."""
    path = folder / "retention.yaml"
    if (wrong := folder / "retention.yml").exists():
        return Retention(), [Fault(str(wrong), 0, "the name of this file must end in .yaml")]
    if not path.exists():
        return Retention(), []
    document, faults = read_document(path, str(path), None)
    if document is None:
        return Retention(), faults
    if not isinstance(document.value, dict):
        return Retention(), [Fault(document.file, 1, "the file must be a map that starts with 'keep:'")]
    try:
        return Retention.model_validate(document.value), []
    except ValidationError as error:
        return Retention(), explain(error, document, Retention)


def _read(
    path: Path, raw: bytes | None, model: type[BaseModel], name_key: str
) -> tuple[Document | None, Any, Sequence[Fault]]:
    if raw is not None:  # somebody's proposal: keeping all of them would fill the memory
        return _understood(path, raw, model, name_key)
    try:
        raw = read_bytes(path)
    except OSError as error:
        return None, None, (unreadable(str(path), error),)
    return _understood_before(path, raw, model, name_key)


def _understood(
    path: Path, raw: bytes, model: type[BaseModel], name_key: str
) -> tuple[Document | None, Any, Sequence[Fault]]:
    document, faults = read_document(path, str(path), raw)
    if document is None:
        return None, None, tuple(faults)
    if not isinstance(document.value, dict):
        return None, None, (Fault(document.file, 1, f"the file must be a map that starts with '{name_key}:'"),)
    try:
        value = model.model_validate(document.value, context={"compile": compile_condition})
    except ValidationError as error:
        return document, None, tuple(explain(error, document, model))
    name = getattr(value, name_key)
    if name != path.stem:
        message = f"{name_key} is {name!r}, but the file is called {path.name}; the two names must be the same"
        return document, value, (document.fault((name_key,), message),)
    return document, value, ()


_understood_before = lru_cache(maxsize=1024)(_understood)
"""By what the files hold: when one of some hundred is changed, the others need not be understood again."""
