"""Looks at one gate of one stage outside any transaction: fills its parameters, lets it collect, and has it judge."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from bot.domain.conditions import Compile
from bot.domain.errors import AndonError, Refused, TryLater
from bot.domain.evidence_sources import EvidenceSource
from bot.domain.gates import Judgement
from bot.domain.pins import Pin, digest_of
from bot.domain.stages import GateUse
from bot.flow.sound_judgements import sound
from bot.gate_plugins import Fetched, Gate, GateContext, Measured
from bot.plugins import Call, ProcessResult, Reply
from bot.ports import Clock, Expressions, Http, Processes, ReviewedFiles, Secrets

PATIENCE = timedelta(seconds=30)
"""For one gate, by the wall clock; a gate's own `timeout` may make it shorter or longer, to ten minutes."""
_LONGEST = timedelta(minutes=10)
MOST_FACTS = 512 * 1024
"""Bytes of JSON that a judgement may rest on."""


@dataclass(frozen=True)
class Bench:
    """Everything that gates are judged with."""

    gates: Mapping[str, Gate]
    http: Http
    processes: Processes
    expressions: Expressions
    secrets: Secrets
    files: ReviewedFiles
    compile: Compile
    clock: Clock
    code_version: str
    names_of: Callable[[GateUse], Sequence[tuple[str, str]]]
    """The reviewed files that a gate names, as (folder, name)."""

    def pinned_files(self, uses: Sequence[GateUse], sources: Sequence[EvidenceSource]) -> dict[str, str]:
        """SHA-256 of each reviewed file by `folder/name`. Refused where one is missing."""
        names = dict.fromkeys(name for use in uses for name in self.names_of(use))
        names |= dict.fromkeys(("evidence", source.file) for source in sources if source.file)
        return {f"{folder}/{name}": digest_of(self.files.read(folder, name)) for folder, name in names}


@dataclass(frozen=True)
class Look:
    """What came of looking at one gate."""

    use: GateUse
    position: int
    title: str
    judgement: Judgement
    measured: Measured = field(default_factory=Measured)

    @property
    def kept(self) -> tuple[Fetched, ...]:
        """What is kept as evidence: what was fetched, raw, and the facts that were judged."""
        if not self.measured.facts:
            return self.measured.fetched
        content = json.dumps(self.measured.facts, sort_keys=True, default=str).encode()
        judged = Fetched(f"judged:{self.title}"[:200], "application/json", content, "judged")
        return (*self.measured.fetched, judged)


def title_of(bench: Bench, use: GateUse) -> str:
    """How people call a gate: its own name, else what its kind says of its parameters, else the kind."""
    if use.name:
        return use.name
    gate = bench.gates.get(use.use)
    try:
        return gate.title(gate.Params.model_validate(use.params))[:120] if gate else use.use
    except ValidationError:
        return use.use


def look_at(bench: Bench, pin: Pin, use: GateUse, position: int, ctx: GateContext, facts: Mapping[str, Any]) -> Look:
    """Never raises: whatever goes wrong makes the verdict unknown, with the reason."""
    gate, title = bench.gates.get(use.use), title_of(bench, use)
    if gate is None:
        return Look(use, position, title, Judgement.unknown(f"there is no gate called {use.use!r} any more"))
    try:
        params = gate.Params.model_validate(bench.expressions.fill(use.params, facts, secrets=True))
        asked = getattr(params, "timeout", None)
        timeout = min(asked, _LONGEST) if isinstance(asked, timedelta) else PATIENCE
        measured = _cleaned(bench, gate.collect(params, bounded(bench, pin, timeout, ctx)))
        if measured.problem:
            return Look(use, position, title, Judgement.unknown(measured.problem), measured)
        shown = replace(measured, facts=deepcopy(measured.facts))  # what is kept is what was measured
        return Look(use, position, title, sound(gate.judge(params, shown, bench.compile), bench.secrets), measured)
    except ValidationError as error:
        why = f"its parameters cannot be used: {error.errors()[0]['msg']}"
    except AndonError as error:
        why = str(error)
    except Exception as error:  # a gate of another package may raise anything; that must never be a pass
        why = f"the gate broke in a way nobody foresaw ({type(error).__name__}: {error})"
    return Look(use, position, title, Judgement.unknown(bench.secrets.redact(why)[:2000]))


def _cleaned(bench: Bench, measured: Measured) -> Measured:
    """Without secrets, and as JSON will give it back: what cannot be kept cannot be judged."""
    try:
        text = bench.secrets.redact(json.dumps(measured.facts, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise Refused("What was measured holds a value that is none", why=str(error)) from None
    if len(text) > MOST_FACTS:
        raise Refused(f"What was measured is larger than {MOST_FACTS // 1024} KiB", next="aggregate it")
    redact = bench.secrets.redact
    return replace(
        measured,
        facts=json.loads(text),
        query=redact(measured.query)[:4000],
        problem=redact(measured.problem)[:2000],
        fetched=tuple(replace(one, source=redact(one.source)[:1000]) for one in measured.fetched),
    )


def bounded(bench: Bench, pin: Pin, timeout: timedelta, ctx: GateContext) -> GateContext:
    """The context with calls, scripts and files that end together after `timeout`, by the wall clock."""
    end = bench.clock.monotonic() + timeout.total_seconds()
    hosts = tuple(ctx.target.get("allow_hosts", ()))
    return replace(
        ctx,
        now=bench.clock.now(),
        release=deepcopy(ctx.release),  # no gate may change what another one sees
        manifest=deepcopy(ctx.manifest),
        target=deepcopy(ctx.target),
        canary=deepcopy(ctx.canary),
        live=deepcopy(ctx.live),
        timeout=timeout,
        http=_TimedHttp(bench, hosts, end),
        processes=_TimedProcesses(bench, end),
        files=_PinnedFiles(bench.files, pin.files),
    )


@dataclass(frozen=True)
class _TimedHttp:
    """Allowed hosts only, and all calls of a gate together within its time."""

    bench: Bench
    hosts: tuple[str, ...]
    end: float

    def request(self, call: Call) -> Reply:
        """Make the call. Refused where the host is not allowed, TryLater where the time is over."""
        left = _left(self.bench, self.end)
        return self.bench.http.request(replace(call, timeout=min(call.timeout, left)), allow_hosts=self.hosts)


@dataclass(frozen=True)
class _TimedProcesses:
    bench: Bench
    end: float

    def run_script(
        self, name: str, args: Sequence[str], *, timeout: timedelta, env: Mapping[str, str]
    ) -> ProcessResult:
        """Run a reviewed script within the gate's time."""
        left = min(timeout, _left(self.bench, self.end))
        return self.bench.processes.run_script(name, args, timeout=left, env=env)


def _left(bench: Bench, end: float) -> timedelta:
    left = end - bench.clock.monotonic()
    if left <= 0:
        raise TryLater("The gate's time is over", next="give it a longer `timeout`")
    return timedelta(seconds=left)


@dataclass(frozen=True)
class _PinnedFiles:
    files: ReviewedFiles
    pinned: Mapping[str, str]

    def read(self, folder: str, name: str) -> bytes:
        """The content, where it is still the one that was pinned."""
        content, key = self.files.read(folder, name), f"{folder}/{name}"
        if self.pinned.get(key) != digest_of(content):
            raise Refused(f"{key} is not the file that this release was started with", next="start a new release")
        return content


def context_for(
    bench: Bench, *, facts: Mapping[str, Any], manifest: Mapping[str, Any], stage: str, now: datetime, **more: Any
) -> GateContext:
    """What a gate may see of a release; calls and files are bounded anew for each gate."""
    return GateContext(
        service=facts["service"],
        environment=facts["environment"],
        stage=stage,
        now=now,
        release=facts["release"],
        manifest=manifest,
        target=facts["target"],
        http=_TimedHttp(bench, (), 0.0),
        processes=_TimedProcesses(bench, 0.0),
        files=bench.files,
        compile=bench.compile,
        **more,
    )
