"""Keeps each text of a policy or playbook that comes into force, with its change, its author and its reviewer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.configuration import Configuration
from bot.domain.errors import AndonError, ConfigError
from bot.domain.events import ANDON
from bot.domain.policy_versions import ConfigFile, FileKey, FileKind, PolicyVersion, Provenance
from bot.domain.records import AuditEntry
from bot.ports import Clock, Log, Store, Transaction

Origins = Callable[[Sequence[ConfigFile]], Mapping[FileKey, Provenance]]


class PolicyKeeper:
    """Writes only what is new, so any number of processes may come up with the same files."""

    def __init__(self, store: Store, clock: Clock, origins: Origins, log: Log) -> None:
        self._store = store
        self._clock = clock
        self._origins = origins
        self._log = log
        self._looked_at: str | None = None

    def keep(self, configuration: Configuration) -> None:
        """Keep each text that is new. Never raises: where the database is away, the clock tries again."""
        self._looked_at = None
        try:
            self._bring_up(configuration, again=False)
        except ConfigError:
            return  # the database lacks this version's tables, which everything says that needs them
        except AndonError as error:
            self._log("policies not kept yet", problem=str(error))

    def look(self, configuration: Configuration) -> None:
        """Keep what is missing, and look again whether what was not reviewed is by now: once for each time that the
        files were read, because it may take seconds. TryLater where the database is away."""
        if self._looked_at != configuration.digest:
            self._bring_up(configuration, again=True)
            self._looked_at = configuration.digest

    def _bring_up(self, configuration: Configuration, *, again: bool) -> None:
        with self._store.read() as tx:
            current = _by_key(tx.policies_in_force())
        files = {file.key: file for file in configuration.files}
        fresh = [file for key, file in files.items() if _is_news(file, current.get(key), again=again)]
        found = {
            key: origin
            for key, origin in (self._origins(fresh) if fresh else {}).items()
            if not _is_known(files[key], origin, current.get(key))
        }
        if found or current.keys() - files.keys():
            with self._store.write() as tx:
                # Processes that come up at once take turns here; the second finds it all done.
                tx.lock_services({name for kind, name in files if kind is FileKind.POLICY})
                _Turn(tx, self._clock.now(), files, found).write()


class _Turn:
    """One commit that brings the record to what is in force."""

    def __init__(
        self,
        tx: Transaction,
        now: datetime,
        files: Mapping[FileKey, ConfigFile],
        found: Mapping[FileKey, Provenance],
    ) -> None:
        self._tx = tx
        self._now = now
        self._files = files
        self._found = found

    def write(self) -> None:
        current = _by_key(self._tx.policies_in_force())
        for key in sorted(current.keys() - self._files.keys()):
            self._tx.save(replace(current[key], ended_at=self._now))
            self._note("policy.removed", current[key])
        for key, origin in self._found.items():
            file, before = self._files[key], current.get(key)
            if before is not None and before.digest == file.digest:
                self._know(before, origin)
            else:
                self._change(file, origin, before)

    def _know(self, before: PolicyVersion, origin: Provenance) -> None:
        known = before.known_from(origin)
        if known != before:
            self._tx.save(known)
            self._note("policy.provenance", known)

    def _change(self, file: ConfigFile, origin: Provenance, before: PolicyVersion | None) -> None:
        seen = {one.digest: one for one in self._tx.policy_versions(file.key)}
        version = seen.get(file.digest) or _first(file, self._now)
        if before is not None:
            self._tx.save(replace(before, ended_at=self._now))
        version = version.known_from(origin).follows(before, self._now)
        self._tx.save(version)
        self._note("policy.in_force", version)

    def _note(self, action: str, version: PolicyVersion) -> None:
        data = {
            "digest": version.digest,
            "sha256": hashlib.sha256(version.text.encode("utf-8")).hexdigest(),
            "previous": version.previous,
            "commit": version.commit,
            "author": version.author,
            "reviewer": version.reviewer,
            "reviewed": version.is_reviewed,
            "dirty": version.dirty,
        }
        self._tx.add(AuditEntry(self._now, ANDON.name, action, f"{version.kind}:{version.name}", data))


def _first(file: ConfigFile, now: datetime) -> PolicyVersion:
    # What the strict reader took is UTF-8 without NUL, so the text is stored as it is.
    text = file.raw.decode("utf-8", "replace")
    return PolicyVersion(file.kind, file.name, file.digest, text, first_in_force_at=now, in_force_since=now)


def _by_key(versions: Sequence[PolicyVersion]) -> dict[FileKey, PolicyVersion]:
    return {(one.kind, one.name): one for one in versions}


def _is_known(file: ConfigFile, origin: Provenance, version: PolicyVersion | None) -> bool:
    return version is not None and version.digest == file.digest and version.known_from(origin) == version


def _is_news(file: ConfigFile, version: PolicyVersion | None, *, again: bool) -> bool:
    """Another text; or, looked at again, one of which a review may have become known since."""
    return version is None or version.digest != file.digest or (again and not version.is_reviewed)
