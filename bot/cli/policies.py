"""Commands about policies: what is in force, what it says, and what a change would have meant."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.session import complain, settings_of, show
from bot.cli.showing import table
from bot.domain.errors import BadInput, NotFound
from bot.domain.policy_versions import FileKind

if TYPE_CHECKING:
    from bot.adapters.sql import SqlStore
    from bot.domain.policies import Policy
    from bot.settings import Settings

_DIGEST = re.compile(r"[0-9a-f]{16}")
_PAGE = 2000


def listed(args: argparse.Namespace) -> int:
    """In force, by kind and name; a file on disk that is another one is named."""
    from bot.adapters.configuration.provenance import config_files
    from bot.flow.policy_views import policies_view

    settings = settings_of(args)
    with _store(settings) as store, store.read() as tx:
        view: dict[str, Any] = dict(policies_view(tx))
    if args.json:
        show(view)
        return 0
    for kind in FileKind:
        rows = [_row(one) for one in view["items"] if one["kind"] == kind]
        if rows or kind is FileKind.POLICY:
            table((str(kind), "digest", "commit", "author", "reviewer", "reviewed", "since"), rows)
    known = {(one["kind"], one["name"]): one["digest"] for one in view["items"]}
    for file in config_files(settings.config):
        if known.get(file.key, file.digest) != file.digest:
            show(f"{file.path} is another version ({file.digest}); it comes into force when it is loaded")
        elif file.key not in known:
            show(f"{file.path} was not in force yet: no process has loaded it")
    return 0


def shown(args: argparse.Namespace) -> int:
    """The text, and the change that brought it."""
    from bot.flow.policy_views import policy_detail

    kind = FileKind.PLAYBOOK if args.playbook else FileKind.POLICY
    with _store(settings_of(args)) as store, store.read() as tx:
        view: dict[str, Any] = dict(policy_detail(tx, args.service, args.version, kind=kind))
    if args.json:
        show(view)
        return 0
    state = "in force" if view["in_force"] else f"until {view['until']}"
    show(f"# {view['kind']} {view['name']}, version {view['digest']}, since {view['since']}, {state}")
    show(f"# commit {view['commit'] or 'not known'}, by {view['author'] or 'nobody known'}")
    show(f"# reviewed by {view['reviewer']}" if view["reviewed"] else f"# not reviewed: {view['why_not']}")
    show(view["text"].rstrip("\n"))
    if view["diff"]:
        show(f"\n# changed against version {view['previous']}\n{view['diff']}")
    return 0


def backtest(args: argparse.Namespace) -> int:
    """Both sets over what is recorded."""
    from bot.cli.backtest_words import as_json, as_markdown, as_text
    from bot.cli.replaying import replayer
    from bot.domain.times import parse_duration
    from bot.flow.backtesting import compare
    from bot.flow.rehearsing import alerts_of

    if args.json and args.markdown:
        raise BadInput("--json and --markdown exclude each other", next="give one of them")
    settings, unread = settings_of(args), list[Any]()
    with _store(settings) as store:
        since = store.now() - parse_duration(args.since)
        before, after = (_policies(name, settings, store) for name in (args.before, args.after))
        wanted = _wanted(before, after, args.service)
        recorded = alerts_of(_decisions(store, since), unread.append)
        releases = replayer(settings, store, since)
        report = compare(recorded, before.of(wanted), after.of(wanted), outcomes_of=releases.outcomes)
    about = {"from": args.before, "to": args.after, "since": since, "releases": len(releases.releases)}
    if unread:
        complain(f"{len(unread)} recorded alerts cannot be read any more and were left out")
    if args.json:
        show(as_json(report, about))
    else:
        show(as_markdown(report, about) if args.markdown else as_text(report, about))
    return 0


@dataclass(frozen=True)
class _Set:
    """Policies by service; `only` where they are no whole set but one policy out of the record."""

    policies: Mapping[str, Policy]
    only: str | None = None

    def of(self, services: set[str]) -> dict[str, Policy]:
        return {name: policy for name, policy in self.policies.items() if name in services}


def _wanted(before: _Set, after: _Set, service: str | None) -> set[str]:
    known = {*before.policies, *after.policies}
    for only in (service, before.only, after.only):
        known = {name for name in known if only is None or name == only}
    if not known:
        raise NotFound("Neither of the two has a policy for that service", next="leave --service out for all")
    return known


def _policies(name: str, settings: Settings, store: SqlStore) -> _Set:
    from bot.adapters.configuration.revisions import policies_of_folder, policies_of_revision, policy_of_version
    from bot.adapters.shipped import shipped_folder
    from bot.gates import load_gates
    from playbooks.steps import load_steps

    known: dict[str, Any] = {"steps": load_steps(), "gates": load_gates(), "shipped": shipped_folder("playbooks")}
    if Path(name).is_dir():
        return _Set(policies_of_folder(Path(name).absolute(), **known))
    if _DIGEST.fullmatch(name):
        with store.read() as tx:
            version = tx.policy_version(name)
        if version is not None and version.kind is FileKind.POLICY:
            policy = policy_of_version(version)
            return _Set({policy.service: policy}, policy.service)
    return _Set(policies_of_revision(settings.config, name, **known))


def _decisions(store: SqlStore, since: datetime) -> Iterator[Any]:
    after = 0
    while True:
        with store.read() as tx:
            found = tx.decided_alerts(since=since, after=after, limit=_PAGE)
        yield from (decision for _, decision in found)
        if len(found) < _PAGE:
            return
        after = found[-1][0]


@contextmanager
def _store(settings: Settings) -> Iterator[SqlStore]:
    """The database alone: it is read also where the configuration cannot be used."""
    from bot.adapters.sql import open_store

    if settings.is_embedded_database and not (settings.data / "andon.db").exists():
        raise NotFound(f"There is no database in {settings.data}", next="--data names another folder")
    store = open_store(settings.database)
    try:
        if settings.is_embedded_database:
            store.upgrade()
        yield store
    finally:
        store.close()


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    commit = f"{one['commit'][:12]}{' (changed since)' if one['dirty'] else ''}" if one["commit"] else "not known"
    reviewed = "yes" if one["reviewed"] else "no"
    return one["name"], one["digest"], commit, one["author"] or "", one["reviewer"] or "", reviewed, one["since"]
