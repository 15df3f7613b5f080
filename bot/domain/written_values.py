"""Values that people write as text in a policy, each checked by its shape: hosts, time zones, hours, cron lines."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from bot.domain.errors import BadInput

_HOST = re.compile(r"(?:[\w.-]{1,253}|[0-9A-Fa-f:.]{2,45}|\[[0-9A-Fa-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?")
_QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


def quiet_hours(value: str) -> str:
    """Quiet hours, such as `22:00-07:00`. ValueError otherwise."""
    if not _QUIET.fullmatch(value) or value[:5] == value[6:]:
        raise ValueError('quiet hours are written "22:00-07:00"')
    return value


def time_zone(value: str) -> str:
    """The name of a time zone that there is. ValueError otherwise."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is not a time zone; write for example Europe/Berlin") from error
    return value


def cron_line(value: str) -> str:
    """Five fields of standard crontab; Sunday is 0 or 7. ValueError otherwise."""
    fields = value.split()
    if len(fields) != 5 or not all(re.fullmatch(r"[0-9A-Za-z*/,\-]+", part) for part in fields):
        raise ValueError('a cron line has five fields: "minute hour day month weekday"')
    ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
    for part, (low, high) in zip(fields, ranges, strict=True):
        for number in re.findall(r"(?<![/\d])\d+", part):
            if not low <= int(number) <= high:
                raise ValueError(f"{number} is outside {low}-{high} in the cron line {value!r}")
    return value


def host_name(value: str) -> str:
    """A host, with or without a port. ValueError otherwise."""
    if not _HOST.fullmatch(value):
        raise ValueError(f"{value[:80]!r} is no host; write deploy.example.com, deploy.example.com:8443 or [::1]:8443")
    return value


def mail_address(value: str) -> str:
    """`ada@example.com`, or `Ada Lovelace <ada@example.com>`. ValueError otherwise."""
    from bot.domain.mail import parse_mail_address  # most processes never read an address

    if "," in value:
        raise ValueError(f"{value[:80]!r} holds a comma: write several addresses as a list")
    try:
        parse_mail_address(value)
    except BadInput as error:
        raise ValueError(str(error).rstrip(".")) from None
    return value
