"""Judges whole messages and views against Block Kit, and finds what in them would call people or open a link."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .block_rules import (
    CLICKED,
    ID,
    IMAGE_ELEMENT,
    MESSAGE_BLOCKS,
    MOST_BLOCK_CHARACTERS,
    MULTIS,
    SINGLES,
    TYPED,
    VIEW_BLOCKS,
    Check,
    boolean,
    choice,
    complain,
    kinds,
    many,
    plain,
    shape,
    string,
    text,
)

_BLOCK = {"block_id": ID}
_TITLE = {**_BLOCK, "title": plain(2000), "image_url": string(3000, least=1), "slack_file": shape({}, {})}


def _section(value: Any, at: str, faults: list[str]) -> None:
    accessory = kinds({**CLICKED, **SINGLES, **MULTIS, "image": IMAGE_ELEMENT})
    fields = {"text": text(3000), "fields": many(text(2000), 10), "accessory": accessory, "expand": boolean}
    shape({}, {**_BLOCK, **fields})(value, at, faults)
    if "text" not in value and "fields" not in value:
        complain(faults, "must provide text or fields", at)


def _anything(value: Any, at: str, faults: list[str]) -> None:
    """Inside rich text only the outer shape is judged."""


BLOCKS: dict[str, Check] = {
    "section": _section,
    "header": shape({"text": plain(150)}, _BLOCK),
    "divider": shape({}, _BLOCK),
    "context": shape(
        {
            "elements": many(
                kinds(
                    {
                        "image": IMAGE_ELEMENT,
                        "mrkdwn": shape({"text": string(3000, least=1)}, {"verbatim": boolean}),
                        "plain_text": shape({"text": string(3000, least=1)}, {"emoji": boolean}),
                    }
                ),
                10,
            )
        },
        _BLOCK,
    ),
    "actions": shape({"elements": many(kinds({**CLICKED, **SINGLES}), 25)}, _BLOCK),
    "image": shape({"alt_text": string(2000)}, _TITLE),
    "input": shape(
        {"label": plain(2000), "element": kinds({**TYPED, **SINGLES, **MULTIS})},
        {**_BLOCK, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "markdown": shape({"text": string(12_000, least=1)}, _BLOCK),
    "rich_text": shape({"elements": many(_anything, 100)}, _BLOCK),
}
_VIEW = shape(
    {"title": plain(24), "blocks": many(kinds(BLOCKS), VIEW_BLOCKS)},
    {
        "submit": plain(24),
        "close": plain(24),
        "private_metadata": string(3000),
        "callback_id": string(255),
        "external_id": string(255),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
    },
)


def message_faults(blocks: Any) -> list[str]:
    """What is wrong with the blocks of a message; nothing where Slack would take them."""
    faults: list[str] = []
    many(kinds(BLOCKS), MESSAGE_BLOCKS, least=0)(blocks, "/blocks", faults)
    if not faults:
        _judge_ids(blocks, "/blocks", faults)
    return faults


def view_faults(view: Any) -> list[str]:
    """What is wrong with a modal."""
    faults: list[str] = []
    if not isinstance(view, dict):
        return ["[ERROR] must provide an object [json-pointer:/view]"]
    choice("modal", "home")(view.get("type"), "/view/type", faults)
    _VIEW(view, "/view", faults)
    if not faults:
        _judge_ids(view["blocks"], "/view/blocks", faults)
        if view["type"] == "modal" and "submit" not in view and any(b["type"] == "input" for b in view["blocks"]):
            complain(faults, "must define `submit` to use an `input` block in modals", "/view")
        if len(json.dumps(view)) > 250_000:
            complain(faults, "the view is too large", "/view")
    return faults


def _judge_ids(blocks: list[Any], at: str, faults: list[str]) -> None:
    seen: set[str] = set()
    for position, block in enumerate(blocks):
        name = block.get("block_id")
        if name is not None and name in seen:
            complain(faults, "block_id already exists", f"{at}/{position}/block_id")
        seen.add(name)
        actions = [one["action_id"] for one in elements_of(block) if "action_id" in one]
        if len(actions) != len(set(actions)):
            complain(faults, "action_id already exists", f"{at}/{position}/elements")


def elements_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """The interactive parts of a block."""
    if block["type"] == "actions":
        return list(block["elements"])
    return [block[key] for key in ("accessory", "element") if key in block]


def texts_of(value: Any) -> Iterator[tuple[str, str, bool]]:
    """Every text in blocks, as (kind, text, verbatim)."""
    if isinstance(value, list):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, dict):
        if value.get("type") in ("plain_text", "mrkdwn", "markdown") and isinstance(value.get("text"), str):
            yield value["type"], value["text"], value.get("verbatim") is True
        else:
            for inner in value.values():
                yield from texts_of(inner)


def is_too_long(blocks: Any) -> bool:
    """More text than one message may carry."""
    return sum(len(words) for _, words, _ in texts_of(blocks)) > MOST_BLOCK_CHARACTERS


_CONTROL = re.compile(r"<([@#!][^<>\s]*|[a-z][a-z0-9+.-]*:[^<>]*)>", re.IGNORECASE)
_LOOSE = re.compile(
    r"(?<![\w@])@(?:channel|here|everyone)\b|(?<![\w&#])#[a-z][\w-]+|\b(?:https?://|www\.)\S+", re.IGNORECASE
)


def live_parts(message: Any) -> list[str]:
    """What Slack would turn into a mention or a link: `@U0IDA`, `!channel`, `https://…|words`, in order.

    Escaped text (`&lt;@U0IDA&gt;`) is dead, and so is everything in plain text. In mrkdwn that is not `verbatim`,
    and in a message's own text unless `parse` is `none`, words such as `@here` and bare addresses come alive too.
    Code spans do not protect: Slack reads its control sequences inside them as well.
    """
    found: list[str] = []
    whole = [("mrkdwn", message.text, message.sent.get("parse") == "none"), *texts_of(message.blocks)]
    for kind, words, verbatim in whole:
        if kind == "plain_text":
            continue
        found += _CONTROL.findall(words)
        if not verbatim:
            found += _LOOSE.findall(_CONTROL.sub(" ", words))
    return found
