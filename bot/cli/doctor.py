"""`andon doctor`: tries every configured connection, says what is wrong and how to mend it."""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import asdict
from typing import Any

from bot.cli.audit_checks import audit_checks
from bot.cli.checks import Check
from bot.cli.media_checks import media_checks
from bot.cli.session import program, settings_of, show
from bot.domain.errors import AndonError, ConfigError
from bot.domain.pages import PAGERS
from bot.plugins import Call
from bot.ports import Http

_PAGER_KEYS = {"pagerduty": "ANDON_PAGERDUTY_ROUTING_KEY", "opsgenie": "ANDON_OPSGENIE_KEY"}


def doctor(args: argparse.Namespace) -> int:
    """Exit 0 where everything answers, else 1."""
    checks = list(_checks(args))
    if args.json:
        show({"ok": all(one.ok for one in checks), "checks": [asdict(one) for one in checks]})
    else:
        for one in checks:
            mend = f"; {one.mend}" if one.mend else ""
            show(f"{'ok  ' if one.ok else 'BAD '} {one.name}: {one.found.rstrip('.')}{mend}")
    return 0 if all(one.ok for one in checks) else 1


def _checks(args: argparse.Namespace) -> Iterator[Check]:
    try:
        settings = settings_of(args)
        yield Check("settings", ok=True, found=f"configuration in {settings.config}, data in {settings.data}")
        with program(args) as app:
            yield from _parts(app)
    except ConfigError as error:
        mend = "`andon check` shows every fault" if error.faults else ""
        yield Check("configuration", ok=False, found=str(error).splitlines()[0], mend=mend)
    except AndonError as error:
        yield Check("database", ok=False, found=str(error), mend="is it running, and is ANDON_DATABASE_URL right?")


def _parts(app: Any) -> Iterator[Check]:
    current = app.configuration.current
    yield Check("configuration", ok=True, found=f"{len(current.policies)} policies, {len(current.playbooks)} playbooks")
    for warning in current.warnings:
        yield Check("configuration", ok=True, found=f"warning: {warning}")
    yield from _database(app)
    yield from audit_checks(app)
    answers = app.queue.ping()
    embedded = app.settings.is_embedded_redis
    mend = (
        ""
        if answers
        else ("it runs only while `andon up` does" if embedded else "is it running, and is ANDON_REDIS_URL right?")
    )
    found = "answers" if answers else "does not answer; workers take due runs from the database meanwhile"
    yield Check("redis", ok=answers or embedded, found=found, mend=mend)
    yield _sources(app)
    yield from media_checks(app)
    yield from _pagers(app)
    yield from _targets(app)


def _database(app: Any) -> Iterator[Check]:
    kind = "SQLite" if app.settings.is_embedded_database else "configured database"
    if not app.store.schema_is_current():
        yield Check(
            "database", ok=False, found=f"{kind}: its tables are of another version", mend="run `andon db upgrade`"
        )
        return
    skew = abs((app.store.now() - app.clock.now()).total_seconds())
    extra = f" {sqlite3.sqlite_version}" if kind == "SQLite" else ""
    yield Check("database", ok=True, found=f"{kind}{extra} answers, tables are current")
    yield Check(
        "clock", ok=skew < 2, found=f"{skew:.1f} s apart from the database's", mend="" if skew < 2 else "set up NTP"
    )


def _sources(app: Any) -> Check:
    named = sorted(app.settings.webhook_secrets)
    unknown = [name for name in named if name not in app.sources]
    if app.webhook_token and not unknown:
        own = f"; secrets of their own: {', '.join(named)}" if named else ""
        found = f"one bearer secret for every source, in the file webhook-token of the data folder{own}"
        return Check("webhooks", ok=True, found=found)
    if not named:
        return Check(
            "webhooks",
            ok=False,
            found="every source is closed",
            mend="set ANDON_WEBHOOK_SECRET_ALERTMANAGER, for instance",
        )
    mend = f"ANDON_WEBHOOK_SECRET_{unknown[0].upper()} names no source" if unknown else ""
    return Check("webhooks", ok=not unknown, found=f"open: {', '.join(named)}", mend=mend)


def _pagers(app: Any) -> Iterator[Check]:
    """Pagers that the policies name and that cannot do what is asked of them."""
    wanted: dict[str, list[str]] = {}
    for policy in app.configuration.current.policies.values():
        for name in dict.fromkeys(name for step in policy.escalation for name in (step.notify, step.page)):
            if name in PAGERS:
                wanted.setdefault(name, []).append(policy.service)
    for name, services in wanted.items():
        if name not in app.pagers:
            found, mend = f"nobody can be paged for {', '.join(services)}: its key is not set", _PAGER_KEYS[name]
            yield Check(f"pager {name}", ok=False, found=found, mend=f"set {mend}, or change 'escalation:'")
        elif name == "pagerduty" and app.settings.pagerduty_token is None:
            found = "pages go out, but whether somebody acknowledged them cannot be read back"
            yield Check(f"pager {name}", ok=True, found=f"warning: {found}", mend="set ANDON_PAGERDUTY_TOKEN")


def _targets(app: Any) -> Iterator[Check]:
    for policy in app.configuration.current.policies.values():
        for environment, target in policy.targets.items():
            for key, value in target.facts().items():
                if isinstance(value, str) and value.startswith(("http://", "https://")):
                    call = Call("GET", value)
                    yield _reached(app.workshop.http, f"{policy.service} {environment} {key}", call, target.allow_hosts)


def _reached(http: Http, name: str, call: Call, allow_hosts: Collection[str]) -> Check:
    address = call.url
    try:
        reply = http.request(call, allow_hosts=allow_hosts)
    except AndonError as error:
        return Check(name, ok=False, found=str(error))
    if reply.status is None:
        return Check(
            name,
            ok=False,
            found=f"{address} does not answer ({reply.error})",
            mend="is it running and reachable from here?",
        )
    return Check(name, ok=True, found=f"{address} answers with {reply.status}")
