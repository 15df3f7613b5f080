"""Strict mode: only what another person has read comes into force; at a restart, what was in force before stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from bot.adapters.configuration.loader import Contents
from bot.adapters.configuration.provenance import FOLDERS, Origins, config_files, unreviewed
from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError, ConfigError, Fault
from bot.domain.policy_versions import NOT_REVIEWED, ConfigFile, FileKey, PolicyVersion, Provenance

Load = Callable[[Contents], Configuration]
Known = Mapping[FileKey, PolicyVersion]


class Reviewed:
    """Loads a configuration folder in strict mode.

    `load` reads and checks the folder, with some contents in place of what is on disk. `recorded` gives what is in
    force according to the database; it may fail, and then nothing is known."""

    def __init__(
        self, folder: Path, load: Load, origins: Origins, recorded: Callable[[], Iterable[PolicyVersion]]
    ) -> None:
        self._folder = folder
        self._load_files = load
        self._origins = origins
        self._recorded = recorded

    def again(self) -> Configuration:
        """The folder as it is. ConfigError with a fault for each file that is not reviewed."""
        known, _ = self._known()
        files, bad, found = self._judged(known)
        if bad:
            raise self._refused(tuple(unreviewed(file, found[file.key]) for file in bad))
        return self._load({file.path: file.raw for file in files})

    def first(self) -> Configuration:
        """At the start of a process: for a file that is not reviewed, the version that was in force before, or nothing
        where there was none. ConfigError where not all that was in force was reviewed, or nothing was: people who
        start it for the first time, or in strict mode for the first time, are there to read it."""
        known, problem = self._known()
        files, bad, found = self._judged(known)
        if not bad:
            return self._load({file.path: file.raw for file in files})
        if not known or not all(one.is_reviewed and one.is_whole for one in known.values()):
            raise self._refused((*(unreviewed(file, found[file.key]) for file in bad), *problem))
        before = {file.path: _text_of(known.get(file.key)) for file in bad}
        loaded = self._load({**{file.path: file.raw for file in files}, **before})
        told = [_instead(file, found[file.key], known.get(file.key)) for file in bad]
        return replace(loaded, warnings=(*told, *loaded.warnings))

    def _load(self, contents: Contents) -> Configuration:
        loaded = self._load_files(contents)
        if late := [file for file in loaded.files if file.path not in contents]:
            raise self._refused(tuple(Fault(str(file.path), 0, "it came while the folder was read") for file in late))
        return loaded

    def _refused(self, faults: tuple[Fault, ...]) -> ConfigError:
        return ConfigError(f"The configuration in {self._folder} is not reviewed", faults=faults)

    def _judged(self, known: Known) -> tuple[list[ConfigFile], list[ConfigFile], Mapping[FileKey, Provenance]]:
        """The files there are, those that are not reviewed or whose deletion is not, and where each comes from.

        Of what is in force already, the record is believed; git is asked for all else."""
        files = config_files(self._folder)
        there = {file.key for file in files}
        gone = [_file_of(self._folder, one) for key, one in known.items() if one.is_reviewed and key not in there]
        stays = {file.key for file in files if _stays(file, known.get(file.key))}
        asked = self._origins.of(files, gone) if gone or len(stays) < len(files) else {}
        found = {**asked, **dict.fromkeys(stays, Provenance())}
        return files, [file for file in (*files, *gone) if not found[file.key].is_reviewed], found

    def _known(self) -> tuple[Known, tuple[Fault, ...]]:
        try:
            return {(one.kind, one.name): one for one in self._recorded()}, ()
        except ConfigError:
            return {}, ()  # the database was never upgraded: nothing was in force
        except AndonError as error:
            return {}, (Fault(str(self._folder), 0, f"what was in force before is not known: {error}"),)


def _file_of(folder: Path, version: PolicyVersion) -> ConfigFile:
    path = folder / FOLDERS[version.kind] / f"{version.name}.yaml"
    return ConfigFile(version.kind, version.name, path, version.text.encode("utf-8"))


def _stays(file: ConfigFile, version: PolicyVersion | None) -> bool:
    return version is not None and version.is_reviewed and _text_of(version) == file.raw


def _text_of(version: PolicyVersion | None) -> bytes | None:
    return version.text.encode("utf-8") if version else None


def _instead(file: ConfigFile, found: Provenance, before: PolicyVersion | None) -> Fault:
    what = f"version {before.digest}, which was in force before, stays" if before else "it is left out"
    return Fault(str(file.path), 0, f"{NOT_REVIEWED}: {found.why}; {what} until it is")
