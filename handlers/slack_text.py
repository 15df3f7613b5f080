"""Slack's text as a person reads it: links by their labels, mail addresses bare, the three escaped characters back.

https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re

_MAIL = re.compile(r"<mailto:([^|>\s]{1,320})(?:\|[^>]{0,320})?>")
_LINK = re.compile(r"<(https?://[^|>\s]{1,2000})(?:\|([^>]{0,500}))?>")
_CHANNEL = re.compile(r"<#[A-Z0-9]{1,20}(?:\|([^>]{0,80}))?>")
_CALL = re.compile(r"<!(?:subteam\^[A-Z0-9]{1,20}\|)?@?([^>|^]{1,80})(?:\|[^>]{0,80})?>")
_ESCAPES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def plain_text(text: str) -> str:
    """The text of an event or an export. Mentions of people stay as they are, `<@U0LEAD>`, without a label."""
    text = _MAIL.sub(r"\1", text)
    text = _LINK.sub(lambda found: found[2] or found[1], text)
    text = _CHANNEL.sub(lambda found: f"#{found[1] or 'channel'}", text)
    text = _CALL.sub(r"\1", text)
    text = re.sub(r"<@([A-Z0-9]{2,20})\|[^>]{0,80}>", r"<@\1>", text)
    for escaped, plain in _ESCAPES:
        text = text.replace(escaped, plain)
    return text
