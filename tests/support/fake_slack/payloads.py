"""The shapes that Slack sends: commands as a form, interactions as JSON in a form field, events as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .block_judge import elements_of
from .state import State, View
from .workspace import Message

VERIFICATION_TOKEN = "not-used-any-more"


class Payloads:
    """Builds payloads; the addresses in them lead back to the fake."""

    def __init__(self, state: State, url: str) -> None:
        self._state = state
        self._url = url

    def command(self, word: str, text: str, *, user: str, channel: str) -> dict[str, str]:
        """A slash command."""
        workspace = self._state.workspace
        person = workspace.people[user]
        where = workspace.channels[channel]
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": person.team_id,
            "team_domain": workspace.domain,
            "channel_id": channel,
            "channel_name": "directmessage" if where.im_with else "privategroup" if where.is_private else where.name,
            "user_id": user,
            "user_name": person.name,
            "command": word,
            "text": text,
            "api_app_id": workspace.app_id,
            "is_enterprise_install": "false",
            "response_url": self._hook(channel, user),
            "trigger_id": self._state.trigger(user),
        }

    def interaction(self, kind: str, *, user: str, trigger: bool = True) -> dict[str, Any]:
        """What every interaction has."""
        workspace = self._state.workspace
        person = workspace.people[user]
        payload: dict[str, Any] = {
            "type": kind,
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": person.team_id},
            "api_app_id": workspace.app_id,
            "token": VERIFICATION_TOKEN,
            "team": {"id": workspace.team_id, "domain": workspace.domain},
            "enterprise": None,
            "is_enterprise_install": False,
        }
        if trigger:
            payload["trigger_id"] = self._state.trigger(user)
        return payload

    def click(self, message: Message, action: Mapping[str, Any], *, user: str) -> dict[str, Any]:
        """A button or a select in a message."""
        container: dict[str, Any] = {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.is_ephemeral,
        }
        if message.thread_ts:
            container["thread_ts"] = message.thread_ts
        payload = self.interaction("block_actions", user=user)
        payload |= {
            "container": container,
            "channel": self._channel(message.channel),
            "state": {"values": {}},
            "response_url": self._hook(message.channel, user, message),
            "actions": [{**action, "action_ts": self._state.ts()}],
        }
        if not message.is_ephemeral:
            payload["message"] = message.shown()
        return payload

    def click_in_view(
        self, view: View, action: Mapping[str, Any], values: Mapping[str, Any], *, user: str
    ) -> dict[str, Any]:
        """A button or a select in a modal."""
        payload = self.interaction("block_actions", user=user)
        return payload | {
            "container": {"type": "view", "view_id": view.id},
            "view": view.shown(self._state.workspace, values),
            "actions": [{**action, "action_ts": self._state.ts()}],
        }

    def submission(self, view: View, values: Mapping[str, Any], *, user: str) -> dict[str, Any]:
        """A modal that is sent."""
        payload = self.interaction("view_submission", user=user)
        return payload | {"view": view.shown(self._state.workspace, values), "response_urls": []}

    def closing(self, view: View, *, user: str) -> dict[str, Any]:
        """A modal that is closed without sending."""
        payload = self.interaction("view_closed", user=user, trigger=False)
        return payload | {"view": view.shown(self._state.workspace), "is_cleared": False}

    def shortcut(self, callback_id: str, message: Message, *, user: str) -> dict[str, Any]:
        """A message shortcut."""
        payload = self.interaction("message_action", user=user)
        return payload | {
            "callback_id": callback_id,
            "action_ts": self._state.ts(),
            "message_ts": message.ts,
            "message": {**message.shown(), "team": self._state.workspace.team_id},
            "channel": self._channel(message.channel),
            "response_url": self._hook(message.channel, user, None),
        }

    def event(self, event: Mapping[str, Any], event_id: str | None = None) -> dict[str, Any]:
        """An event with its envelope."""
        workspace = self._state.workspace
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": None,
            "api_app_id": workspace.app_id,
            "event": {"event_ts": self._state.ts(), **event},
            "type": "event_callback",
            "event_id": event_id or self._state.number("Ev0"),
            "event_time": int(self._state.clock()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": workspace.team_id,
                    "user_id": workspace.bot_user,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": "4-fake",
        }

    def _channel(self, channel: str) -> dict[str, str]:
        where = self._state.workspace.channels[channel]
        return {"id": channel, "name": "directmessage" if where.im_with else where.name}

    def _hook(self, channel: str, user: str, message: Message | None = None) -> str:
        return f"{self._url}/hooks/{self._state.hook(channel, user, message).id}"


def said(message: Message, channel_type: str) -> dict[str, Any]:
    """The inner event of a new message."""
    shown = {**message.shown(), "channel": message.channel, "channel_type": channel_type, "team": "T0ANDON"}
    return {**shown, "event_ts": message.ts, "client_msg_id": f"client-{message.ts}"}


def action_of(blocks: list[dict[str, Any]], action_id: str, value: Any = None) -> dict[str, Any]:
    """What Slack reports when somebody uses the element with this id (and, for buttons, this value).

    `value` picks among buttons that share an action id, or is what is chosen in a select. LookupError where the
    element is not there.
    """
    for block in blocks:
        for element in elements_of(block):
            if element.get("action_id") != action_id:
                continue
            kind = element["type"]
            base = {"action_id": action_id, "block_id": block.get("block_id", "auto"), "type": kind}
            if kind != "button":
                return {**base, **chosen(element, value)}
            if value in (None, element.get("value")):
                passed = {key: element[key] for key in ("text", "value", "style", "confirm", "url") if key in element}
                return {**base, **passed}
    raise LookupError(f"there is no {action_id!r} with {value!r} to click")


def chosen(element: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The state of one element after somebody put this value in; LookupError where it is not offered."""
    kind = element["type"]
    if (kind.startswith("multi_") and "static" in kind) or kind == "checkboxes":
        return {"type": kind, "selected_options": [_option(element, one) for one in value or []]}
    if kind in ("static_select", "radio_buttons", "overflow", "external_select"):
        return {"type": kind, "selected_option": None if value is None else _option(element, value)}
    if kind == "file_input":
        return {"type": kind, "files": [{"id": one} for one in value or []]}
    names = {
        "users_select": "selected_user",
        "channels_select": "selected_channel",
        "conversations_select": "selected_conversation",
        "multi_users_select": "selected_users",
        "multi_conversations_select": "selected_conversations",
        "datepicker": "selected_date",
        "timepicker": "selected_time",
        "datetimepicker": "selected_date_time",
    }
    return {"type": kind, names.get(kind, "value"): value}


def initial(element: Mapping[str, Any]) -> Any:
    """What an element holds when nobody touches it."""
    for name in ("initial_option", "initial_options"):
        if name in element:
            given = element[name]
            return [one["value"] for one in given] if isinstance(given, list) else given["value"]
    return next((value for key, value in element.items() if key.startswith("initial_")), None)


def _option(element: Mapping[str, Any], value: Any) -> dict[str, Any]:
    groups = [*element.get("option_groups", []), {"options": element.get("options", [])}]
    for option in [one for group in groups for one in group["options"]]:
        if option["value"] == value:
            return dict(option)
    raise LookupError(f"{value!r} is not offered")
