"""Checks a proposed change of policies and playbooks exactly as `andon check` would, without writing it anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bot.adapters.configuration.loader import Contents
from bot.adapters.configuration.provenance import config_files
from bot.domain.configuration import Configuration
from bot.domain.errors import ConfigError, Fault
from bot.domain.policy_versions import ConfigFile

Load = Callable[[Contents], Configuration]


class ProposedChanges:
    """Holds a changed text against the files in force: what lies in the folder beside them counts for nothing."""

    def __init__(self, folder: Path, load: Load) -> None:
        self._folder = folder
        self._load = load

    def faults(self, in_force: Sequence[ConfigFile], changed: Mapping[str, str]) -> tuple[str, ...]:
        """What is wrong with `changed` (texts by `policies/<name>.yaml`) among these files; nothing where all is right.

        Each fault is `file:line: what`, with the file as it is called in the folder."""
        contents: dict[Path, bytes | None] = {file.path: None for file in config_files(self._folder)}
        contents |= {file.path: file.raw for file in in_force}
        contents |= {self._folder / path: text.encode("utf-8") for path, text in changed.items()}
        try:
            self._load(contents)
        except ConfigError as error:
            return tuple(map(self._shown, error.faults)) or (str(error),)
        return ()

    def _shown(self, fault: Fault) -> str:
        path = Path(fault.file)
        inside = path.relative_to(self._folder) if path.is_relative_to(self._folder) else path
        return str(Fault(str(inside), fault.line, fault.message))
