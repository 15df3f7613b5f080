"""Hands out bundles: seals the trail, collects one consistent view, has it written, and audits that it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import BinaryIO

from bot.domain.bundles import EXPORTED, BundleKind, Draft, Label
from bot.domain.errors import AndonError
from bot.domain.events import Actor
from bot.domain.records import AuditEntry
from bot.flow.bundle_lines import Lines
from bot.flow.bundle_scope import Scope, check_there, runs_of, scope_of
from bot.flow.bundling import Collector
from bot.ports import Clock, Secrets, Store, Transaction

_NAMED = re.compile(r"secret\(\s*[\\'\"]+([A-Z][A-Z0-9_]{0,63})")


class BundleDesk:
    """Where bundles are asked for."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        secrets: Secrets,
        own_secrets: Callable[[str], str],
        write: Callable[[Draft, BinaryIO], None],
    ) -> None:
        """`own_secrets` takes the house's own secrets out of a text; `write` writes and signs."""
        self._store = store
        self._clock = clock
        self._secrets = secrets
        self._own_secrets = own_secrets
        self._write = write

    def export(self, kind: BundleKind, subject: str, actor: Actor, out: BinaryIO) -> Label:
        """Write the bundle to a file that can be sought in. The same record gives the same bytes.

        NotFound where there is no such record, BadInput where it is too large, TryLater where the database is away."""
        with self._store.read() as tx:
            check_there(tx, kind, subject)  # nothing is sealed for a record that is not there
        while self._store.seal():
            pass  # a row that is chained later would change the bundle
        with self._store.read() as tx:
            scope = scope_of(tx, kind, subject)
            self._learn_secrets(tx, scope)
            self._write(Draft(scope.label, Collector(tx, scope, Lines(self._redact)).pieces()), out)
        entry = AuditEntry(self._clock.now(), actor.name, EXPORTED, f"{kind}:{subject}", {"bytes": out.tell()})
        with self._store.write() as tx:
            tx.add(entry)
        return scope.label

    def _redact(self, text: str) -> str:
        return self._own_secrets(self._secrets.redact(text))

    def _learn_secrets(self, tx: Transaction, scope: Scope) -> None:
        """A secret out of the plain environment is known, and taken out, only once it was asked for."""
        texts: list[str] = [run.playbook.model_dump_json() for run in runs_of(tx, scope)]
        texts += [version.text for version in tx.policies_in_force()]
        texts += [version.text for digest in scope.policies if (version := tx.policy_version(digest))]
        for name in sorted(_names(texts)):
            try:
                self._secrets.get(name)
            except AndonError:
                continue  # it is not there any more


def _names(texts: Iterable[str]) -> set[str]:
    return {match[1] for text in texts for match in _NAMED.finditer(text)}
