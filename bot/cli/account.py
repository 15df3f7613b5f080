"""Commands of the account: the report on controls, rights, and the runbook."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.session import program, put, settings_of, show
from bot.domain.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from bot.app import App


def controls(args: argparse.Namespace) -> int:
    """Markdown, or the signed envelope."""
    from bot.flow.controls import controls_report, period_of

    with program(args) as app:
        period = period_of(args.since, args.until, app.clock.now(), args.service)
        with app.store.read() as tx:
            if args.service and tx.service(args.service) is None:
                app.configuration.current.policy(args.service)
            facts = controls_report(tx, period)
        text = _paper(app, facts, signed=args.json)
    put(text, args.output)
    return 0


def _paper(app: App, facts: dict[str, Any], *, signed: bool) -> str:
    from bot.adapters.controls_papers import ControlsPapers
    from bot.adapters.shipped import shipped_folder
    from bot.flow.controls import PAYLOAD_TYPE
    from bot.wiring.outside import keyring

    papers = ControlsPapers([app.settings.config / "templates", shipped_folder("templates")], app.secrets.redact)
    if signed:
        return papers.sealed(facts, PAYLOAD_TYPE, keyring(app.settings).own()).decode("ascii")
    return papers.markdown(facts)


def verify(args: argparse.Namespace) -> int:
    """Needs neither database nor configuration: the file and the public key are enough."""
    from bot.adapters.envelopes import open_payload
    from bot.flow.controls import PAYLOAD_TYPE

    payload, signer = open_payload(_read(args.file), PAYLOAD_TYPE, _keys(args))
    if args.json:
        show(json.loads(payload))
        return 0
    facts = json.loads(payload)
    show(f"verified: controls from {facts['from']} to {facts['to']}, signed by key {signer}")
    if not facts["complete"]:
        show(f"the time was not over when it was made: it says what was known at {facts['as_of']}")
    return 0


def _keys(args: argparse.Namespace) -> list[str]:
    if args.key:
        return [_read(args.key).decode("utf-8", "replace")]
    from bot.wiring.outside import keyring

    found = list(keyring(settings_of(args)).known().values())
    if not found:
        raise ConfigError("There is no signing key here", next="give the signer's public key with --key FILE")
    return found


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name} cannot be read", why=error.strerror or str(error)) from error


def rights(args: argparse.Namespace) -> int:
    """A table for each service, Markdown or JSON."""
    from bot.cli.showing import table
    from bot.flow.rights_views import rights_markdown, rights_view

    with program(args) as app:
        current = app.configuration.current
        policies = (
            [current.policy(args.service)] if args.service else [one for _, one in sorted(current.policies.items())]
        )
        with app.store.read() as tx:
            view = rights_view(tx, policies, app.tokens.values())
    if args.json or args.markdown:
        show(dict(view) if args.json else rights_markdown(view).rstrip("\n"))
        return 0
    for service in view["services"]:
        show(f"{service['service']} (policy {service['policy_digest']})")
        rows = [(_about(one), one["role"] or "", one["who"], one["note"]) for one in service["rights"]]
        table(("right", "role", "who", "note"), rows)
        show("")
    return 0


def _about(one: Any) -> str:
    return f"{one['right']} ({one['about']})" if one["about"] else str(one["right"])


def runbook(args: argparse.Namespace) -> int:
    """Markdown, or one HTML page."""
    from bot.adapters.paper import as_html, as_markdown
    from bot.wiring.upkeep import runbook_of

    with program(args) as app:
        current = app.configuration.current
        policy = current.policy(args.service)
        with app.store.read() as tx:
            release = tx.latest_releases((policy.service,)).get(policy.service)
        blocks = runbook_of(app.settings, app.workshop, policy, current, release, args.environment)
    text = as_html(f"Runbook: {policy.service}", blocks) if args.html else as_markdown(blocks)
    put(text, args.output)
    return 0
