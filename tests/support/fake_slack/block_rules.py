"""Block Kit's documented limits as checks; a wrong block is refused with a pointer to what is wrong, as Slack does.

Limits from Slack's reference of blocks, elements, composition objects and views. Kinds that Slack has and this file
does not name (`table`, `video`, …) are refused as unknown: the product does not use them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str, list[str]], None]
"""Looks at a value that stands at a JSON pointer and adds its complaints."""

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MOST_BLOCK_CHARACTERS = 13_200
"""All texts of one message together; undocumented, seen by others (slackapi/bolt-js issue 2509)."""


def complain(faults: list[str], words: str, at: str) -> None:
    """One line in Slack's own form."""
    faults.append(f"[ERROR] {words} [json-pointer:{at}]")


def string(most: int, *, least: int = 0, pattern: str = "") -> Check:
    """A string of so many characters."""

    def check(value: Any, at: str, faults: list[str]) -> None:
        if not isinstance(value, str):
            complain(faults, "must provide a string", at)
        elif len(value) > most:
            complain(faults, f"must be less than {most + 1} characters", at)
        elif len(value) < least:
            complain(faults, f"must be more than {least - 1} characters", at)
        elif pattern and not re.fullmatch(pattern, value):
            complain(faults, "must match the pattern", at)

    return check


def choice(*words: str) -> Check:
    """One of these strings."""

    def check(value: Any, at: str, faults: list[str]) -> None:
        if value not in words:
            complain(faults, f"must be a valid enum value ({', '.join(words)})", at)

    return check


def boolean(value: Any, at: str, faults: list[str]) -> None:
    """True or false."""
    if not isinstance(value, bool):
        complain(faults, "must provide a boolean", at)


def number(low: int, high: int) -> Check:
    """A whole number."""

    def check(value: Any, at: str, faults: list[str]) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            complain(faults, f"must be a whole number from {low} to {high}", at)

    return check


def many(each: Check, most: int, *, least: int = 1) -> Check:
    """An array of so many."""

    def check(value: Any, at: str, faults: list[str]) -> None:
        if not isinstance(value, list):
            complain(faults, "must provide an array", at)
            return
        if len(value) > most:
            complain(faults, f"no more than {most} items allowed", at)
        if len(value) < least:
            complain(faults, f"no less than {least} items allowed", at)
        for position, item in enumerate(value):
            each(item, f"{at}/{position}", faults)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields and no others; `type` was judged already."""
    allowed = {**required, **(optional or {})}

    def check(value: Any, at: str, faults: list[str]) -> None:
        if not isinstance(value, dict):
            complain(faults, "must provide an object", at)
            return
        for name in required.keys() - value.keys():
            complain(faults, f"missing required field: {name}", at)
        for name, inner in value.items():
            if name in allowed:
                allowed[name](inner, f"{at}/{name}", faults)
            elif name != "type":
                complain(faults, f"invalid additional property: {name}", at)

    return check


def kinds(shapes: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of these it is."""

    def check(value: Any, at: str, faults: list[str]) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in shapes:
            complain(faults, f"unsupported type: {kind}", f"{at}/type")
            return
        shapes[kind](value, at, faults)

    return check


def plain(most: int) -> Check:
    """A plain text object."""
    return kinds({"plain_text": shape({"text": string(most, least=1)}, {"emoji": boolean})})


def text(most: int) -> Check:
    """A text object of either kind."""
    marked = shape({"text": string(most, least=1)}, {"verbatim": boolean})
    return kinds({"plain_text": shape({"text": string(most, least=1)}, {"emoji": boolean}), "mrkdwn": marked})


ID = string(255, least=1)
STYLE = choice("primary", "danger")
CONFIRM = shape({"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)}, {"style": STYLE})
OPTION = shape({"text": text(75), "value": string(150, least=1)}, {"description": text(75), "url": string(3000)})
GROUP = shape({"label": plain(75), "options": many(OPTION, 100)})
DATE = string(10, pattern=r"\d{4}-\d\d-\d\d")
_PICKED = {"action_id": ID, "placeholder": plain(150), "confirm": CONFIRM, "focus_on_load": boolean}
_MULTI = {**_PICKED, "max_selected_items": number(1, 100)}
_LIST = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean}


def _select(value: Any, at: str, faults: list[str], *, multi: bool) -> None:
    initial = {"initial_options": many(OPTION, 100)} if multi else {"initial_option": OPTION}
    lists = {"options": many(OPTION, 100), "option_groups": many(GROUP, 100)}
    shape({}, {**(_MULTI if multi else _PICKED), **lists, **initial})(value, at, faults)
    if ("options" in value) == ("option_groups" in value):
        complain(faults, "must provide either options or option_groups", at)
    offered = [one for group in value.get("option_groups", []) for one in group.get("options", [])]
    offered += value.get("options", [])
    chosen = value.get("initial_options", []) if multi else [value[k] for k in ("initial_option",) if k in value]
    if any(one not in offered for one in chosen):
        complain(faults, "initial option must be one of the options", at)


def _typed(value: Any, at: str, faults: list[str]) -> None:
    """A text input; what it starts with must fit its own limits."""
    fields = {
        "action_id": ID,
        "placeholder": plain(150),
        "initial_value": string(3000),
        "multiline": boolean,
        "min_length": number(0, 3000),
        "max_length": number(1, 3000),
        "focus_on_load": boolean,
        "dispatch_action_config": shape({}, {"trigger_actions_on": many(string(50), 2)}),
    }
    shape({}, fields)(value, at, faults)
    if len(str(value.get("initial_value", ""))) > value.get("max_length", 3000):
        complain(faults, "initial_value is longer than max_length", at)


IMAGE_ELEMENT = shape({"alt_text": string(2000)}, {"image_url": string(3000, least=1), "slack_file": shape({}, {})})
BUTTON = shape(
    {"text": plain(75)},
    {
        "action_id": ID,
        "url": string(3000),
        "value": string(2000),
        "style": STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
SINGLES: dict[str, Check] = {
    "static_select": lambda value, at, faults: _select(value, at, faults, multi=False),
    "users_select": shape({}, {**_PICKED, "initial_user": string(255)}),
    "channels_select": shape({}, {**_PICKED, "initial_channel": string(255), "response_url_enabled": boolean}),
    "conversations_select": shape(
        {}, {**_PICKED, "initial_conversation": string(255), "default_to_current_conversation": boolean}
    ),
    "external_select": shape({}, {**_PICKED, "initial_option": OPTION, "min_query_length": number(0, 100)}),
    "datepicker": shape({}, {**_PICKED, "initial_date": DATE}),
    "timepicker": shape({}, {**_PICKED, "initial_time": string(5, pattern=r"\d\d:\d\d"), "timezone": string(100)}),
    "datetimepicker": shape({}, {**_LIST, "initial_date_time": number(10**9, 10**10 - 1)}),
    "checkboxes": shape({"options": many(OPTION, 10)}, {**_LIST, "initial_options": many(OPTION, 10)}),
    "radio_buttons": shape({"options": many(OPTION, 10)}, {**_LIST, "initial_option": OPTION}),
}
MULTIS: dict[str, Check] = {
    "multi_static_select": lambda value, at, faults: _select(value, at, faults, multi=True),
    "multi_users_select": shape({}, {**_MULTI, "initial_users": many(string(255), 100)}),
    "multi_conversations_select": shape({}, {**_MULTI, "initial_conversations": many(string(255), 100)}),
}
CLICKED: dict[str, Check] = {
    "button": BUTTON,
    "overflow": shape({"options": many(OPTION, 5)}, {"action_id": ID, "confirm": CONFIRM}),
}
TYPED: dict[str, Check] = {
    "plain_text_input": _typed,
    "email_text_input": shape({}, {"action_id": ID, "placeholder": plain(150), "initial_value": string(255)}),
    "file_input": shape({}, {"action_id": ID, "max_files": number(1, 10), "filetypes": many(string(20), 100)}),
    "number_input": shape({"is_decimal_allowed": boolean}, {"action_id": ID, "initial_value": string(50)}),
}
