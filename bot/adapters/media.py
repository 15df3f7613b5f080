"""Opens the media that are set up: each loads what it needs only then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from bot.adapters.letters import Enclosures
from bot.adapters.page_messenger import PageMessenger
from bot.domain.errors import BadInput, ConfigError
from bot.domain.letters import Medium
from bot.domain.mail import MailAddress, parse_mail_address, parse_smtp_url
from bot.ports import Clock, Http, Messenger, People

if TYPE_CHECKING:
    from bot.adapters.mail.messenger import MailMessenger
    from bot.adapters.slack.client import SlackClient


class MediaSettings(Protocol):
    """What is read of the settings."""

    @property
    def slack_bot_token(self) -> SecretStr | None: ...
    @property
    def slack_api_url(self) -> str: ...
    @property
    def slack_team(self) -> str | None: ...
    @property
    def smtp_url(self) -> SecretStr | None: ...
    @property
    def mail_from(self) -> str | None: ...


def open_media(settings: MediaSettings, http: Http, clock: Clock, templates: Sequence[Path]) -> Mapping[str, Messenger]:
    """The messengers of all media that are set up, the page always; ConfigError where a setting cannot be used."""
    found: dict[str, Messenger] = {Medium.PAGE: PageMessenger()}
    slack = open_slack(settings, http)
    if slack is not None:
        from bot.adapters.posting import SlackPost
        from bot.adapters.slack.messenger import SlackMessenger

        found[Medium.SLACK] = SlackPost(SlackMessenger(slack))
    mail = open_mail(settings, clock, templates)
    if mail is not None:
        from bot.adapters.posting import MailPost

        found[Medium.MAIL] = MailPost(mail)
    return found


def open_slack(settings: MediaSettings, http: Http) -> SlackClient | None:
    """Slack's Web API; None where no token is set."""
    if settings.slack_bot_token is None:
        return None
    from bot.adapters.slack.client import SlackClient

    return SlackClient(http, settings.slack_bot_token.get_secret_value(), api_url=settings.slack_api_url)


def open_people(settings: MediaSettings, http: Http, clock: Clock) -> People | None:
    """Who is who in Slack; None where no token is set."""
    client = open_slack(settings, http)
    if client is None:
        return None
    from bot.adapters.slack.people import SlackPeople

    return SlackPeople(client, clock=clock, team=settings.slack_team)


def open_mail(settings: MediaSettings, clock: Clock, templates: Sequence[Path]) -> MailMessenger | None:
    """The mail server; None where none is set."""
    if settings.smtp_url is None:
        return None
    from bot.adapters.mail.messenger import MailMessenger

    url = parse_smtp_url(settings.smtp_url.get_secret_value())
    return MailMessenger(url, sender_of(settings), clock=clock, templates=templates)


def open_enclosures(settings: MediaSettings) -> Enclosures | None:
    """What goes with mailed notices; None without mail."""
    if settings.smtp_url is None:
        return None
    from bot.adapters.enclosures import Calendars

    return Calendars(sender_of(settings))


def sender_of(settings: MediaSettings) -> MailAddress:
    """Whom mail comes from; ConfigError where that is not set or is no address."""
    if not settings.mail_from:
        raise ConfigError(
            "ANDON_SMTP_URL is set, but not whom mail comes from",
            next="set ANDON_MAIL_FROM to an address, such as Andon <andon@example.com>",
        )
    try:
        return parse_mail_address(settings.mail_from)
    except BadInput as error:
        raise ConfigError("ANDON_MAIL_FROM cannot be used", why=error.what, next=error.next) from error
