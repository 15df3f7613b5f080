"""Text as Slack sends it, turned into what its writer saw; mentions stay `<@U…>`, so that they remain ids.

Escapes: https://docs.slack.dev/messaging/formatting-message-text.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r"<([@#!][^<>\n]{1,200}|[a-z][a-z0-9+.-]{1,20}:[^<>\n]{1,3000})>")
"""What Slack writes; any other angle bracket is one that somebody typed."""
_PERSON = re.compile(r"@([UW][A-Z0-9]{2,20})(?:\|[^<>]*)?")
_GROUP = re.compile(r"!subteam\^(S[A-Z0-9]{2,20})(?:\|[^<>]*)?")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def plain(text: str) -> str:
    """What was written: links as their addresses, channels as `#name`, escapes undone."""
    return _unescaped(_TOKEN.sub(lambda found: _read(found[1]), text))


def _read(inside: str) -> str:
    person, group = _PERSON.fullmatch(inside), _GROUP.fullmatch(inside)
    if person:
        return f"<@{person[1]}>"
    if group:
        return f"<!subteam^{group[1]}>"
    target, _, label = inside.partition("|")
    if target[:1] in ("#", "!"):
        return _named(target, label)
    # Slack makes links of plain words such as `example.com`: those were written without the scheme.
    if label and target in (f"http://{label}", f"https://{label}", f"mailto:{label}"):
        return label
    return f"{label} ({target})" if label and label != target else target


def _named(target: str, label: str) -> str:
    """A channel, or one of Slack's own words such as `!here`: what its reader sees."""
    if target.startswith("#"):
        return f"#{label or target[1:]}"
    return label or f"@{target[1:].partition('^')[0]}"


def _unescaped(text: str) -> str:
    for escape, sign in _ESCAPES:
        text = text.replace(escape, sign)
    return text
