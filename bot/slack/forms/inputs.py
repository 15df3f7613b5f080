"""The elements that forms are made of, within Slack's limits; all text in them is plain, so nothing comes to life.

Limits: https://docs.slack.dev/reference/views and https://docs.slack.dev/reference/block-kit/blocks/input-block.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.adapters.slack.mrkdwn import clean, one_line

LONGEST_INPUT = 3000
LONGEST_TITLE = 24
LONGEST_LABEL = 2000
LONGEST_PLACEHOLDER = 150
LONGEST_METADATA = 3000
LONGEST_ERROR = 2000

Block = dict[str, Any]


def modal(callback: str, title: str, metadata: str, blocks: Sequence[Block], *, submit: str = "Save") -> dict[str, Any]:
    """A form; `metadata` comes back as it was."""
    assert len(title) <= LONGEST_TITLE
    assert len(metadata) <= LONGEST_METADATA
    return {
        "type": "modal",
        "callback_id": callback,
        "private_metadata": metadata,
        "title": words(title, LONGEST_TITLE),
        "submit": words(submit, LONGEST_TITLE),
        "close": words("Close", LONGEST_TITLE),
        "blocks": list(blocks),
    }


def text_input(
    name: str,
    label: str,
    *,
    hint: str = "",
    placeholder: str = "",
    initial: str = "",
    is_needed: bool = False,
    is_long: bool = False,
) -> Block:
    """One text to fill in; `name` is the block's id, by which its value and its errors are known."""
    element: dict[str, Any] = {
        "type": "plain_text_input",
        "action_id": "value",
        "multiline": is_long,
        "max_length": LONGEST_INPUT,
    }
    if initial:
        element["initial_value"] = cut(initial, LONGEST_INPUT)
    if placeholder:
        element["placeholder"] = words(placeholder, LONGEST_PLACEHOLDER)
    return _input(name, label, element, hint, is_needed)


def person_input(name: str, label: str, *, initial: str = "", hint: str = "", is_needed: bool = False) -> Block:
    """One person of the workspace."""
    element: dict[str, Any] = {"type": "users_select", "action_id": "value"}
    if initial:
        element["initial_user"] = initial
    return _input(name, label, element, hint, is_needed)


def file_input(name: str, label: str, *, hint: str, most: int) -> Block:
    """Files to attach: https://docs.slack.dev/reference/block-kit/block-elements/file-input-element."""
    return _input(name, label, {"type": "file_input", "action_id": "value", "max_files": most}, hint, is_needed=False)


def note(text: str) -> Block:
    """A line that explains, in plain text."""
    return {"type": "context", "elements": [words(text, 2000)]}


def words(text: str, most: int) -> dict[str, Any]:
    """Plain text of at most so many characters; colons are no emoji."""
    return {"type": "plain_text", "text": one_line(text, most) or " ", "emoji": False}


def cut(text: str, most: int) -> str:
    """Cleaned, at most so long, line breaks kept."""
    tidy = clean(text).strip()
    return tidy if len(tidy) <= most else tidy[: most - 1].rstrip() + "…"


def errors(found: dict[str, str]) -> dict[str, Any]:
    """The answer that keeps a form open, with a sentence at each field that does not fit."""
    return {"response_action": "errors", "errors": {name: cut(text, LONGEST_ERROR) for name, text in found.items()}}


def _input(name: str, label: str, element: dict[str, Any], hint: str, is_needed: bool) -> Block:
    block: Block = {
        "type": "input",
        "block_id": name,
        "optional": not is_needed,
        "label": words(label, LONGEST_LABEL),
        "element": element,
    }
    if hint:
        block["hint"] = words(hint, LONGEST_LABEL)
    return block
