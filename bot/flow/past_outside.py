"""Stands for everything outside at a moment that is over: whoever asks it is refused, and that is noted."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NoReturn

from bot.domain.errors import AndonError, Refused
from bot.domain.pins import digest_of
from bot.domain.stages import GateUse
from bot.flow.gate_looking import Bench
from bot.plugins import Call, ProcessResult, Reply
from bot.ports import Clock, Expressions, ReviewedFiles


@dataclass
class PastOutside:
    """HTTP and scripts of then: there is nobody to answer."""

    was_asked: bool = False
    hid_secrets: bool = False
    """Whether a parameter would have held a secret."""

    def refuse(self) -> NoReturn:
        """Refused, always."""
        self.was_asked = True
        raise Refused("It cannot be asked of then")

    def request(self, call: Call, *, allow_hosts: Collection[str], bar_hosts: Collection[str] = ()) -> Reply:  # noqa: ARG002
        """Refused, always."""
        self.refuse()

    def run_script(
        self,
        name: str,  # noqa: ARG002
        args: Sequence[str],  # noqa: ARG002
        *,
        timeout: timedelta,  # noqa: ARG002
        env: Mapping[str, str],  # noqa: ARG002
        bar_hosts: Collection[str] = (),  # noqa: ARG002
    ) -> ProcessResult:
        """Refused, always."""
        self.refuse()

    def warm(self) -> None:
        """There is nothing to warm."""

    def close(self) -> None:
        """There is nothing to close."""


def past_bench(bench: Bench, past: PastOutside, pinned: Mapping[str, str] | None, at: datetime) -> Bench:
    """The bench at that moment. `pinned` has the SHA-256 of reviewed files, where they are known."""
    return replace(
        bench,
        http=past,
        processes=past,
        expressions=_HidingExpressions(bench.expressions, past),
        files=_PastFiles(bench.files, pinned, past),
        clock=_PastClock(bench.clock, at),
    )


def pinned_files(bench: Bench, use: GateUse) -> dict[str, str]:
    """SHA-256 of the files that this gate names, where they may be read."""
    found = {}
    for folder, name in bench.names_of(use):
        try:
            found[f"{folder}/{name}"] = digest_of(bench.files.read(folder, name))
        except AndonError:
            continue
    return found


@dataclass(frozen=True)
class _PastClock:
    clock: Clock
    at: datetime

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.clock.monotonic()


@dataclass(frozen=True)
class _HidingExpressions:
    """Fills without secrets, which nobody needs who asks nobody; notes where one would have been."""

    expressions: Expressions
    past: PastOutside

    def fill(self, value: Any, facts: Mapping[str, Any], *, secrets: bool) -> Any:  # noqa: ARG002
        if "secret(" in json.dumps(value, default=str):
            self.past.hid_secrets = True
        return self.expressions.fill(value, facts, secrets=False)


@dataclass(frozen=True)
class _PastFiles:
    """The reviewed files of today, where they are those of the start of the release or were not in it at all."""

    files: ReviewedFiles
    pinned: Mapping[str, str] | None
    past: PastOutside

    def read(self, folder: str, name: str) -> bytes:
        if self.pinned is None:
            self.past.refuse()
        try:
            content = self.files.read(folder, name)
        except AndonError:
            self.past.refuse()
        if self.pinned.get(f"{folder}/{name}", digest_of(content)) != digest_of(content):
            self.past.refuse()
        return content


class PastDrills(Sequence[Mapping[str, Any]]):
    """Which drills there were by then is not kept with a release."""

    def __init__(self, past: PastOutside) -> None:
        self._past = past

    def __len__(self) -> int:  # noqa: PLE0303 - it has no length
        self._past.refuse()

    def __getitem__(self, index: Any) -> Any:
        self._past.refuse()
