"""Commands for canaries: show one, compare a file, save what was affected, send observations."""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bot.cli.session import actor_of, complain, program, show
from bot.domain.errors import AndonError, BadInput

if TYPE_CHECKING:
    from bot.domain.canary_rules import Canary as CanaryRule
    from bot.evidence.observation_columns import Observations

EXITS = {"equivalent": 0, "diverged": 1, "unknown": 3}
_PART = 4_000_000
"""Bytes of lines that are read, or sent, at once."""
_POINTS = 50
"""Of the drawing, for each part of a file."""


def show_canary(args: argparse.Namespace) -> int:
    """The standing, with a drawing of its way there."""
    from bot.flow.canary_views import canary_of

    with program(args) as app, app.store.read() as tx:
        view = canary_of(tx, args.release, app.configuration.current)
    _print(args, view)
    return 0


def check(args: argparse.Namespace) -> int:
    """Compare what a file holds."""
    view = _compared(args.file, _rule(args))
    _print(args, view)
    return EXITS[view["verdict"]]


def affected(args: argparse.Namespace) -> int:
    """Write the affected predictions."""
    from bot.flow.canary_views import affected_lines, find_release

    count = 0
    with program(args) as app:
        with app.store.read() as tx:
            release = find_release(tx, args.release)
        with _output(args.output) as file:
            for part in affected_lines(app.store, release.id):
                file.write(part)
                count += part.count(b"\n")
    if args.output != "-":
        found = {"release": release.id, "affected": count, "file": args.output}
        show(found if args.json else f"{count:,} affected predictions of {release.id} are in {args.output}")
    return 0


def push(args: argparse.Namespace) -> int:
    """Send a file of lines, in batches that the door takes."""
    from bot.domain.events import Role
    from bot.flow.observing import look_at

    sent = []
    with program(args) as app:
        actor = actor_of(app)
        if actor.role.rank < Role.OPERATOR.rank:
            complain(f"{actor.name} may not send observations: it needs the role operator")
            return 1
        for part in _line_parts(args.file):
            (taken,) = app.observing.take([look_at(args.release, part)])
            if isinstance(taken, AndonError):
                raise taken
            sent.append(taken)
    lines = sum(one.lines or 0 for one in sent if not one.duplicate)
    if args.json:
        batches = [{"batch": one.batch, "duplicate": one.duplicate, "lines": one.lines} for one in sent]
        show({"release": sent[0].release, "batches": batches, "lines": lines})
        return 0
    again = sum(one.duplicate for one in sent)
    show(f"{lines:,} lines were stored for {sent[0].release}" + (f"; {again} batches were there already" * bool(again)))
    show(f"Next: `andon canary show {args.release}`. They are compared by `andon up`, or a worker of the queue other.")
    return 0


def _print(args: argparse.Namespace, view: Any) -> None:
    from bot.cli.canary_chart import described

    if args.json:
        show(view)
        return
    is_plain = "utf" not in (sys.stdout.encoding or "").lower()
    for line in described(view, is_plain=is_plain):
        show(line)


def _rule(args: argparse.Namespace) -> CanaryRule:
    from pydantic import ValidationError

    from bot.domain.canary_rules import Canary as CanaryRule

    names = ("output", "tolerance", "alpha", "min_pairs", "min_pairs_diverged", "relative", "absolute", "top_k")
    said: dict[str, Any] = {name: getattr(args, name) for name in (*names, "errors")}
    if args.unit:
        said["unit"] = int(args.unit) if args.unit.isdecimal() else args.unit
    if args.latency is not None:
        said["latency"] = {"max_ratio": args.latency}
    if args.max_drop is not None:
        said["labels"] = {"max_drop": args.max_drop}
    try:
        return CanaryRule.model_validate({name: value for name, value in said.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the rule"
        raise BadInput(f"{where} cannot be used", why=first["msg"].removeprefix("Value error, ")) from None


def _compared(name: str, rule: CanaryRule) -> Any:
    """The standing of a file's pairs, as the API would show it."""
    from bot.domain.canaries import Canary, Phase
    from bot.domain.releases import Release
    from bot.flow.canary_rule import check_installed, pinned, unit_field
    from bot.flow.canary_views import canary_view
    from bot.flow.comparing import Comparing, open_states

    check_installed()
    now = datetime.now(UTC)
    release = Release(name, "", "incumbent", "candidate", now)
    canary = Canary(name, "", str(Phase.CANARY), now, standing={"rule": pinned(rule)})
    work = Comparing(canary, release, rule, open_states(canary, rule), Phase.CANARY, now, most_points=_POINTS)
    for number, part in enumerate(_observations(name, unit_field(rule)), 1):
        work.take_in(part, now, f"part {number}")
    work.finish()
    after, _ = work.outcome(closes=True)
    return canary_view(release, after, work.points)


def _observations(name: str, unit: str) -> Iterator[Observations]:
    from bot.evidence.observation_files import from_csv, from_parquet
    from bot.evidence.observations import parse_lines

    kind = Path(name.removesuffix(".gz")).suffix.lower()
    if kind == ".parquet":
        with _input(name) as file:
            yield from from_parquet(file, unit=unit)
    elif kind == ".csv":
        import io

        with _input(name) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
            yield from from_csv(text, unit=unit)
    else:
        for part in _line_parts(name):
            yield parse_lines(part, unit=unit)


def _line_parts(name: str) -> Iterator[bytes]:
    """Whole lines, some megabytes at a time. BadInput for a file without any."""
    is_empty = True
    with _input(name) as file:
        while lines := file.readlines(_PART):
            part = b"".join(lines)
            if part.strip():
                is_empty = False
                yield part
    if is_empty:
        raise BadInput(f"{name} is empty", next="give one JSON object on each line")


@contextmanager
def _input(name: str) -> Iterator[Any]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with gzip.open(name, "rb") if name.endswith(".gz") else Path(name).open("rb") as file:
            yield file
    except (OSError, EOFError) as error:
        raise BadInput(f"{name} cannot be read", why=getattr(error, "strerror", None) or str(error)) from error


@contextmanager
def _output(name: str) -> Iterator[IO[bytes]]:
    if name == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with Path(name).open("wb") as file:
            yield file
    except OSError as error:
        raise BadInput(f"{name} cannot be written", why=error.strerror or str(error)) from error
