"""The part of `andon doctor` about people: Slack, mail, pagers, and who is told where nothing is set up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.adapters.media import open_mail, open_slack
from bot.cli.checks import Check
from bot.domain.errors import AndonError
from bot.domain.policies import Policy


def media_checks(app: Any) -> Iterator[Check]:
    """Every medium that is set up is tried; one that a policy names and that is not set up is said."""
    policies = app.configuration.current.policies.values()
    yield from _slack(app, channels_of(policies))
    yield from _mail(app, addresses_of(policies))
    for name in sorted(app.pagers):
        yield Check(f"pager {name}", ok=True, found="has a key; nobody is called to try it")


def channels_of(policies: Any) -> dict[str, str]:
    """What uses a channel or person, by its id."""
    return {
        audience.slack: f"{policy.service}, {name}"
        for policy in policies
        for name, audience in policy.audiences.items()
        if audience.slack
    }


def addresses_of(policies: Any) -> list[str]:
    """Who is told by mail, as `service, audience`."""
    return [_name(policy, name) for policy in policies for name, one in policy.audiences.items() if one.email]


def _name(policy: Policy, audience: str) -> str:
    return f"{policy.service}, {audience}"


def _slack(app: Any, channels: Mapping[str, str]) -> Iterator[Check]:
    http, settings = app.workshop.http, app.settings
    client = open_slack(settings, http)
    if client is None:
        if channels:
            used = sorted(channels.values())[0]
            mend = "set ANDON_SLACK_BOT_TOKEN and ANDON_SLACK_SIGNING_SECRET (docs/slack.md)"
            yield Check("slack", ok=False, found=f"no token is set, and {used} is told there", mend=mend)
        return
    if not settings.slack_signing_secrets and settings.slack_app_token is None:
        mend = "set ANDON_SLACK_SIGNING_SECRET, or ANDON_SLACK_APP_TOKEN for Socket Mode"
        yield Check("slack requests", ok=False, found="nobody can give orders in Slack", mend=mend)
    from bot.adapters.slack.client import SlackClient
    from bot.adapters.slack.doctor import slack_checks

    app_token = settings.slack_app_token
    app_client = (
        SlackClient(http, app_token.get_secret_value(), api_url=settings.slack_api_url)
        if app_token is not None
        else None
    )
    for one in slack_checks(client, channels, app_client=app_client):
        yield Check(one.name, ok=one.ok, found=one.found, mend=one.mend)


def _mail(app: Any, used: list[str]) -> Iterator[Check]:
    try:
        mail = open_mail(app.settings, app.clock, ())
        if mail is not None:
            mail.check()
    except AndonError as error:
        yield Check("mail", ok=False, found=error.what, mend=error.next or error.why)
        return
    if mail is not None:
        yield Check("mail", ok=True, found="the server takes mail from here")
    elif used:
        mend = "set ANDON_SMTP_URL and ANDON_MAIL_FROM (docs/mail.md)"
        yield Check("mail", ok=False, found=f"no server is set, and {used[0]} is told by mail", mend=mend)
