"""What the clock does for Andon itself: the heartbeat, the watchdog, the record of tokens, the runbooks."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from bot.adapters.dead_mans_switch import DeadMansSwitch
from bot.adapters.expressions import SandboxedExpressions
from bot.adapters.paper import as_html, as_markdown
from bot.adapters.runbook_folder import put_runbooks
from bot.domain.configuration import Configuration
from bot.domain.errors import NotFound
from bot.domain.paper import Block, redacted
from bot.domain.policies import Policy
from bot.domain.releases import Release
from bot.domain.shell_words import Marks
from bot.flow.by_hand import Manual
from bot.flow.chores import Rounds
from bot.flow.heartbeat import Heartbeat
from bot.flow.runbook import House, runbook
from bot.flow.runbook_keeping import RunbookKeeping
from bot.flow.stepping import Workshop
from bot.flow.token_keeping import TokenKeeping
from bot.flow.watchdog import Watchdog
from bot.settings import Settings
from bot.wiring.outside import Outside, api_tokens

Chore = Callable[[], None]


def own_chores(settings: Settings, rounds: Rounds) -> list[Chore]:
    """Done with each sweep."""
    return [
        Watchdog(rounds, settings.watchdog_within).check,
        TokenKeeping(rounds, api_tokens(settings).values()).keep,
    ]


def own_looks(settings: Settings, outside: Outside) -> list[Chore]:
    """Done beside the sweep, because they call outside or write files."""
    keeping = RunbookKeeping(
        store=outside.store,
        clock=outside.clock,
        owner=outside.owner,
        configuration=outside.current,
        write=partial(_texts, settings, outside),
        put=partial(put_runbooks, settings.runbook_folder),
        log=outside.log,
    )
    return [_heartbeat(settings, outside).look, keeping.look, lambda: outside.policies.look(outside.current())]


def _texts(
    settings: Settings, outside: Outside, policy: Policy, configuration: Configuration, release: Release | None
) -> dict[str, str]:
    blocks = runbook_of(settings, outside.workshop, policy, configuration, release)
    name = policy.service
    return {f"{name}.md": as_markdown(blocks), f"{name}.html": as_html(f"Runbook: {name}", blocks)}


def runbook_of(
    settings: Settings,
    workshop: Workshop,
    policy: Policy,
    configuration: Configuration,
    release: Release | None,
    environment: str | None = None,
) -> list[Block]:
    """The runbook as it is now, without secrets. NotFound where the policy has no such environment."""
    if environment is not None and environment not in policy.targets:
        known = ", ".join(policy.targets) or "none"
        raise NotFound(f"{policy.service} has no environment {environment!r}", next=f"its policy names {known}")
    named = policy.release
    if named is not None and (release is None or release.candidate != named.candidate):
        release = Release("", policy.service, named.incumbent, named.candidate, datetime.min.replace(tzinfo=UTC))
    house = House(
        address=settings.address,
        database=_without_secrets(settings.database),
        redis=_without_secrets(settings.redis_url.get_secret_value())
        if settings.redis_url
        else "embedded, by `andon up`",
        data=str(settings.data),
        config=str(settings.config),
    )
    marks, expressions = Marks(secrets.token_hex(16)), SandboxedExpressions(workshop.secrets)
    manual = Manual(workshop.steps, expressions, marks, str(settings.config))
    environments = [environment] if environment else list(policy.targets)
    blocks = runbook(policy, configuration, release, manual, house, environments)
    return [redacted(block, workshop.secrets.redact) for block in blocks]


def _without_secrets(address: str) -> str:
    """Scheme, host and path: no user, no password, no parameters; the scheme alone where it is not sure what is what.

    A password may have `/` and `#` in it, which would end a host elsewhere."""
    scheme, _, rest = address.partition("://")
    if rest.startswith("/"):  # no host and no user: a path, which may have an `@`
        return f"{scheme}://{rest.partition('?')[0]}"
    user, _, place = rest.rpartition("@")
    if "@" in user or "?" in user:
        return f"{scheme}://…"
    return f"{scheme}://{place.partition('?')[0].partition('#')[0]}"


def _heartbeat(settings: Settings, outside: Outside) -> Heartbeat:
    url, call = settings.heartbeat_url, None
    if url is not None:
        call = DeadMansSwitch(outside.workshop.http, url.get_secret_value(), settings.heartbeat_method)
    return Heartbeat(
        store=outside.store,
        clock=outside.clock,
        owner=outside.owner,
        every=settings.heartbeat_every,
        call=call,
        log=outside.log,
    )
