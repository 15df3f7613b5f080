"""Commands about releases: start and promote them, run their gates, push evidence, and look at all of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.giving import answer, give
from bot.cli.session import actor_of, program, show
from bot.domain.errors import BadInput, NotFound
from bot.domain.words import Word

if TYPE_CHECKING:
    from bot.flow.release_seeing import Judged

EXITS = {"pass": 0, "fail": 1, "unknown": 3}
"""Exit codes of the verdicts."""
_SIGNS = {"pass": "ok  ", "fail": "FAIL", "unknown": "?   ", "not_run": "-   "}


def start(args: argparse.Namespace) -> int:
    """Start a release; with `--json` the whole of it."""
    details: dict[str, Any] = {
        "candidate": args.candidate,
        "incumbent": args.incumbent,
        "author": args.author,
        "kind": "emergency" if args.emergency else "standard",
        "manifest": _manifest(args.manifest) if args.manifest else {},
    }
    from bot.domain.events import Command
    from bot.flow.release_views import release_detail
    from bot.flow.views import order_view

    details = {key: one for key, one in details.items() if one}
    with program(args) as app:
        command = Command(
            Word.RELEASE_START, args.service, actor_of(app), "cli", reason=args.reason or "", details=details
        )
        receipt = app.intake.order(command)
        if receipt.refused or not args.json:
            return answer(args, receipt)
        with app.store.read() as tx:
            release = tx.release(receipt.records[0])
            assert release is not None
            show({**release_detail(tx, release, app.moves), "order": dict(order_view(receipt))})
    return 0


def _manifest(name: str) -> Any:
    from bot.adapters.configuration.reader import read_document
    from bot.domain.strict_json import parse_json

    path = Path(name)
    if path.suffix.lower() == ".json":
        try:
            return parse_json(path.read_bytes())
        except OSError as error:
            raise BadInput(f"{name} cannot be read", why=error.strerror or str(error)) from error
    document, faults = read_document(path, name)
    if document is None or faults:
        raise BadInput(f"{name} is no manifest", why="; ".join(str(one) for one in faults[:3]))
    return document.value


def list_all(args: argparse.Namespace) -> int:
    """Newest first."""
    from bot.flow.views import release_view

    with program(args) as app, app.store.read() as tx:
        found = [release_view(one) for one in tx.releases(limit=args.limit, service=args.service)]
    if args.json:
        show(found)
        return 0
    for one in found:
        assert one is not None
        versions = f"{one['incumbent']} -> {one['candidate']}"
        show(f"{one['id']}  {one['opened_at']}  {one['service']}  {versions}  {one['state']}")
    return 0


def show_one(args: argparse.Namespace) -> int:
    """Stages, gates, evidence."""
    from bot.flow.release_views import release_detail

    with program(args) as app, app.store.read() as tx:
        release = tx.release(args.release)
        if release is None:
            raise NotFound(f"No release {args.release!r}", next="`andon release list` shows what there is")
        view: dict[str, Any] = dict(release_detail(tx, release, app.moves))
    if args.json:
        show(view)
        return 0
    _show_release(view)
    return 0


def _show_release(view: Mapping[str, Any]) -> None:
    kind = "" if view["kind"] == "standard" else f" ({view['kind']})"
    show(f"{view['id']}{kind}  {view['service']}  {view['incumbent']} -> {view['candidate']}  {view['state']}")
    if view["manifest"].get("objective"):
        show(f"  {view['manifest']['objective']}")
    for stage in view["stages"]:
        mark = {"here": ">", "passed": "x", "ahead": " "}[stage["state"]]
        show(f" {mark} {stage['name']}" + (f", then {stage['do']}" if stage["do"] else ""))
        for gate in stage["gates"]:
            show(f"     {_SIGNS[gate['verdict']]} {gate['name']}" + (f": {gate['why']}" if gate["why"] else ""))
    for one in view["evidence"][:10]:
        if one["source"] != "judged":
            show(f"  evidence {one['name']} ({one['about']}), {one['size']} bytes, by {one['by']} at {one['at']}")
    for one in view["unplanned_dependencies"]:
        show(f"  depends on {one['on_service']} unplanned: {one['what']} ({one['why']})")


def promote(args: argparse.Namespace) -> int:
    """Ask, and have the gates decide at once."""
    from bot.domain.events import Command
    from bot.flow.release_seeing import left

    with program(args) as app:
        with app.store.read() as tx:
            release = tx.release(args.release)
        here = release.stage if release else None
        command = Command(Word.PROMOTE, args.release, actor_of(app), "cli", reason=args.reason or "")
        receipt = app.intake.order(command)
        if receipt.refused or receipt.runs:
            return answer(args, receipt)
        judged = app.judge.judge(args.release, by=actor_of(app).name)
        if judged.stage != here or not judged.results:
            judged = left(app.store, args.release, here) or judged
        return _say(args, judged)


def gate(args: argparse.Namespace) -> int:
    """Run the gates of the present stage."""
    with program(args) as app:
        return _say(args, app.judge.of_service(args.service, by=actor_of(app).name))


def _say(args: argparse.Namespace, judged: Judged) -> int:
    if args.json:
        show(_plain(judged))
    else:
        for one in judged.results:
            show(f"{_SIGNS[str(one.verdict)]} {one.name}: {one.why}")
        show(f"{judged.verdict}: {_summed_up(judged)}")
    return EXITS[str(judged.verdict)]


def _summed_up(judged: Judged) -> str:
    """Why; in short where every gate has said it on a line of its own."""
    open_ones = [one for one in judged.results if str(one.verdict) != "pass"]
    if not open_ones:
        return judged.why
    return f"{len(open_ones)} of {len(judged.results)} gates of {judged.stage} do not pass"


def _plain(judged: Judged) -> dict[str, Any]:
    from bot.domain.times import format_time

    return {
        "service": judged.service,
        "release_id": judged.release_id,
        "stage": judged.stage,
        "verdict": str(judged.verdict),
        "why": judged.why,
        "gates": [
            {
                "id": one.id,
                "use": one.use,
                "name": one.name,
                "verdict": str(one.verdict),
                "why": one.why,
                "at": format_time(one.at),
                "figures": [figure.as_json() for figure in one.figures],
                "details": dict(one.details),
                "query": one.query,
                "evidence_ids": list(one.evidence_ids),
                "code_version": one.code_version,
            }
            for one in judged.results
        ],
    }


def sign(args: argparse.Namespace) -> int:
    """Sign."""
    return give(args, Word.SIGN, args.release, details=_named(item=args.item, brief=args.brief, role=args.role))


def unsign(args: argparse.Namespace) -> int:
    """Take a signature back."""
    return give(args, Word.UNSIGN, args.release, details=_named(item=args.item, brief=args.brief))


def second(args: argparse.Namespace) -> int:
    """The second person."""
    return give(args, Word.SECOND, args.release)


def abandon(args: argparse.Namespace) -> int:
    """Give it up."""
    return give(args, Word.ABANDON, args.release)


def endorse(args: argparse.Namespace) -> int:
    """Accept it."""
    return give(args, Word.RELEASE_ENDORSE, args.release)


def retrospective(args: argparse.Namespace) -> int:
    """Write it down."""
    return give(args, Word.RETROSPECTIVE, args.release)


def push(args: argparse.Namespace) -> int:
    """Push one piece of evidence."""
    from bot.flow.evidence_desk import Pushed
    from bot.flow.release_views import evidence_view

    content, media = _content(args.file, args.media)
    with program(args) as app:
        pushed = Pushed(args.release, args.name, media, content, args.about, args.version)
        kept = app.evidence.keep(pushed, actor_of(app))
    if args.json:
        show(evidence_view(kept))
    else:
        show(f"kept {kept.name} as {kept.id} ({kept.size} bytes, SHA-256 {kept.sha256[:12]}...); the gates look at it")
    return 0


def _content(name: str, media: str | None) -> tuple[bytes, str]:
    from bot.evidence.kinds import kind_of, media_of

    if name == "-":
        return sys.stdin.buffer.read(), media or media_of(kind_of(name=".json"))
    path = Path(name)
    try:
        kind = media or media_of(kind_of(name=path.name))
        return path.read_bytes(), kind
    except OSError as error:
        raise BadInput(f"{name} cannot be read", why=error.strerror or str(error)) from error
    except BadInput as error:
        raise BadInput(
            f"{path.name} is of no type that is known", next=f"{error.next.split(', or')[0]}, or say --media"
        ) from error


def _named(**values: str | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}
