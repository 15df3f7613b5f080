"""The command that replays a bundle: runs its playbook where it does no harm, and judges again what was judged."""

from __future__ import annotations

import argparse
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.bundles import ALTERED, verified
from bot.cli.session import actor_of, complain, confirmed, program, settings_of, show
from bot.cli.showing import table
from bot.domain.errors import BadInput, NotFound, Refused

if TYPE_CHECKING:
    from bot.adapters.bundles.verifying import Verified
    from bot.app import App
    from bot.domain.policies import Policy
    from bot.domain.runs import Run
    from bot.flow.bundle_reading import Told
    from bot.flow.findings import Finding
    from bot.flow.replay_runs import ReplayRuns

_MOST_BYTES = 512 * 1024 * 1024
"""Of one file that is read whole."""


def replay(args: argparse.Namespace) -> int:
    """Exit 0 where nothing differs, 1 where something does, 3 where something could not be told."""
    path = Path(args.file)
    found = verified(args, path)
    if not found.is_whole:
        for problem in found.problems:
            complain(problem)
        complain(f"{path} is not what was signed, so it is not replayed")
        return ALTERED
    if not args.decisions_only and args.environment is None:
        raise BadInput("A playbook is run somewhere", next="give --environment staging, or --decisions-only")
    with _told(path) as told:
        findings = _judged_again(args, told)
        run = None if args.decisions_only else _run_again(args, path, found, told, findings)
        if run is NOT_CONFIRMED:
            return ALTERED
    return _said(args, found, findings, run)


NOT_CONFIRMED: Mapping[str, Any] = {}
"""Stands for a run that nobody agreed to."""


@contextmanager
def _told(path: Path) -> Iterator[Told]:
    from bot.adapters.bundles.bags import PAYLOAD
    from bot.adapters.bundles.verifying import opened
    from bot.flow.bundle_reading import told

    with opened(path) as reader:
        folder = next(iter(reader.members)).partition("/")[0]

        def read(name: str) -> bytes | None:
            full = f"{folder}/{PAYLOAD}{name}"
            return reader.read(full, _MOST_BYTES) if full in reader.members else None

        yield told(read)


def _judged_again(args: argparse.Namespace, told: Told) -> list[Finding]:
    from bot.cli.replaying import past_gates
    from bot.flow.decisions_again import DecisionsAgain
    from bot.flow.gates_again import GatesAgain

    decisions = DecisionsAgain(told, _policy).findings()
    return [*decisions, *GatesAgain(told, past_gates(settings_of(args))).findings()]


def _policy(service: str, digest: str, raw: bytes) -> Policy:
    from datetime import UTC, datetime

    from bot.adapters.configuration.revisions import policy_of_version
    from bot.domain.policy_versions import FileKind, PolicyVersion

    began = datetime(1970, 1, 1, tzinfo=UTC)
    text = raw.decode("utf-8", "replace")
    return policy_of_version(PolicyVersion(FileKind.POLICY, service, digest, text, began, began))


def _run_again(
    args: argparse.Namespace, path: Path, found: Verified, told: Told, findings: list[Finding]
) -> Mapping[str, Any] | None:
    """The run that was made, or would be; None where the bundle has none that can be."""
    from bot.flow.findings import Finding, Same

    recorded = _chosen(told.runs, args.run)
    if recorded is None:
        return None
    with program(args) as app:
        runs = _runs(app)
        try:
            planned = runs.planned(recorded, args.environment)
        except (Refused, NotFound) as problem:
            if not args.dry_run:
                raise
            words = (recorded.id, recorded.playbook.name, str(recorded.status), "", Same.NOT_TOLD, str(problem))
            findings.append(Finding("run", *words))
            return None
        plan = _plan(app, planned)
        if args.dry_run:
            return {**plan, "made": False}
        if not found.is_trusted:
            raise Refused(
                "Nobody vouches for this bundle, so its playbook is not run",
                why="it was checked only by the key inside it",
                next="give the owner's public key as --key, or say --dry-run",
            )
        if args.json and not args.yes:
            raise BadInput("With --json nobody is asked", next="look at --dry-run, then say --yes")
        if not args.json:
            _show_plan(plan)
        if not confirmed(f"Run this in {args.environment}?", args):
            return NOT_CONFIRMED
        return _made(args, path, found, app, runs, recorded, findings)


def _made(
    args: argparse.Namespace,
    path: Path,
    found: Verified,
    app: App,
    runs: ReplayRuns,
    recorded: Run,
    findings: list[Finding],
) -> Mapping[str, Any]:
    from bot.flow.replay_runs import Replayed, patience_for
    from bot.flow.steps_again import compare_runs

    assert found.label is not None
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    replayed = Replayed(f"{found.label.kind}:{found.label.id}", digest, found.key or "")
    run = runs.start(recorded, args.environment, actor_of(app), replayed)
    if not args.json:
        show(f"run {run.id} is under way; Ctrl-C leaves it going")
    run = runs.ended(run, run.accepted_at + patience_for(run))
    findings += compare_runs(recorded, run)
    return {**_plan(app, run), "made": True, "id": run.id, "status": str(run.status)}


def _runs(app: App) -> ReplayRuns:
    from bot.flow.replay_runs import ReplayRuns

    return ReplayRuns(
        store=app.store,
        queue=app.queue,
        clock=app.clock,
        ids=app.ids,
        configuration=app.configuration.current,
        verbs=frozenset(app.steps),
        advance=app.runner.advance,
        pause=threading.Event().wait,
    )


def _chosen(runs: Sequence[Run], named: str | None) -> Run | None:
    """The one that was named, else the last rollback that was no drill, else the last run that does not promote."""
    from bot.domain.playbooks import PlaybookKind

    if named is not None:
        found = next((one for one in runs if one.id == named), None)
        if found is None:
            raise NotFound(
                f"The bundle has no run {named!r}", next=f"it has {', '.join(one.id for one in runs) or 'none'}"
            )
        return found
    others = [one for one in runs if one.kind is not PlaybookKind.PROMOTE]
    rollbacks = [one for one in others if one.kind is PlaybookKind.ROLLBACK and not one.drill]
    return next(reversed(rollbacks or others), None)


def _plan(app: App, run: Run) -> dict[str, Any]:
    from bot.cli.dry_run import planned_step

    steps = [planned_step(app, step, dict(run.facts)) for step in run.playbook.steps]
    about = {"playbook": run.playbook.name, "service": run.service, "environment": run.environment}
    return {**about, "plan_hash": run.plan_hash, "steps": steps}


def _show_plan(plan: Mapping[str, Any]) -> None:
    show(f"{plan['playbook']} for {plan['service']} in {plan['environment']} (plan {plan['plan_hash']}), as a drill:")
    for number, step in enumerate(plan["steps"], 1):
        show(f"{number}. {step['id']} ({step['use']})")
        for call in step["calls"]:
            show(f"     {call}")


def _said(args: argparse.Namespace, found: Verified, findings: Sequence[Finding], run: Mapping[str, Any] | None) -> int:
    from bot.cli.bundles import as_json
    from bot.flow.findings import Same, counted, exit_code

    counts, code = counted(findings), exit_code(findings)
    if args.json:
        view = {"bundle": as_json(found), "counts": counts, "run": run, "findings": [one.as_json() for one in findings]}
        show(view)
        return code
    if run and not run["made"]:
        _show_plan(run)
    others = [one for one in findings if one.same is not Same.SAME]
    if others:
        rows = [(one.same, one.kind, one.id, one.about, one.recorded, one.again, one.why) for one in others]
        table(("answer", "what", "id", "about", "recorded", "now", "why"), rows)
    show(", ".join(f"{count} {word}" for word, count in counts.items()))
    if not found.is_trusted:
        complain("nobody vouches for this bundle: it was checked only by the key inside it")
    return code
