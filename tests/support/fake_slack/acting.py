"""What people do in the fake Slack: commands, clicks, forms, shortcuts, messages, reactions; all reach the product."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .block_judge import elements_of, view_faults
from .payloads import Payloads, action_of, chosen, initial, said
from .people import Answer, Courier
from .state import State, View
from .workspace import Message, StoredFile, Workspace


class Acting:
    """The people of a workspace."""

    workspace: Workspace
    state: State
    _payloads: Payloads
    _courier: Courier

    # `forge`, `retry` and `reason` go to `Courier.carry`.

    def command(
        self, word: str, text: str = "", *, user: str = "U0IDA", channel: str = "C0MLREL", **how: Any
    ) -> Answer:
        """Somebody types a slash command. A JSON or text answer is shown as Slack shows it."""
        answer = self._courier.carry("command", self._payloads.command(word, text, user=user, channel=channel), **how)
        self._show(answer, channel, user)
        return answer

    def click(self, message: Message, action_id: str, *, value: Any = None, user: str = "U0IDA", **how: Any) -> Answer:
        """Somebody uses a button or a select of a message; LookupError where it is not there."""
        action = action_of(message.blocks, action_id, value)
        return self._courier.carry("interaction", self._payloads.click(message, action, user=user), **how)

    def forged_click(self, message: Message, action: Mapping[str, Any], *, user: str = "U0IDA", **how: Any) -> Answer:
        """Somebody sends a button press that nobody was shown: `action` needs `action_id` and `value`."""
        whole = {"type": "button", "block_id": "made-up", "text": {"type": "plain_text", "text": "?"}, **action}
        return self._courier.carry("interaction", self._payloads.click(message, whole, user=user), **how)

    def click_in_view(
        self, view: View, action_id: str, *, value: Any = None, values: Mapping[str, Any] | None = None, **how: Any
    ) -> Answer:
        """Somebody uses a button or a select of a modal; `values` are what its inputs hold meanwhile."""
        user = how.pop("user", view.user)
        action = action_of(view.body["blocks"], action_id, value)
        payload = self._payloads.click_in_view(view, action, self._filled(view, values or {}, strict=False), user=user)
        return self._courier.carry("interaction", payload, **how)

    def submit_view(self, view: View, values: Mapping[str, Any], *, user: str | None = None, **how: Any) -> Answer:
        """Somebody sends a modal. `values` by block id or action id; what is not named keeps its initial value.

        AssertionError where Slack's own client would not let it go: a required input is empty, a text too long.
        """
        payload = self._payloads.submission(view, self._filled(view, values, strict=True), user=user or view.user)
        answer = self._courier.carry("interaction", payload, **how)
        self._after_submission(view, answer)
        return answer

    def close_view(self, view: View, *, user: str | None = None, **how: Any) -> Answer | None:
        """Somebody closes a modal; the product hears of it only where the view asked for that."""
        view.is_open = False
        if not view.body.get("notify_on_close"):
            return None
        return self._courier.carry("interaction", self._payloads.closing(view, user=user or view.user), **how)

    def shortcut(self, callback_id: str, message: Message, user: str = "U0IDA", **how: Any) -> Answer:
        """Somebody uses a message shortcut."""
        return self._courier.carry("interaction", self._payloads.shortcut(callback_id, message, user=user), **how)

    def event(self, event: Mapping[str, Any], *, event_id: str | None = None, **how: Any) -> Answer:
        """Any event; `event` is the inner part."""
        return self._courier.carry("event", self._payloads.event(event, event_id), **how)

    def again(self, answer: Answer, *, retry: int = 1, reason: str = "http_timeout") -> Answer:
        """Slack repeats a delivery: the same payload, freshly signed, marked as a retry."""
        return self._courier.carry(answer.delivery.kind, answer.delivery.payload, retry=retry, reason=reason)

    def replay(self, answer: Answer) -> Answer:
        """Somebody repeats a recorded request, to the byte."""
        return self._courier.post(answer.delivery)

    def challenge(self, words: str = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", **how: Any) -> Answer:
        """Slack checks a new request address."""
        return self._courier.carry("event", {"type": "url_verification", "token": "t", "challenge": words}, **how)

    # Messages of people: kept in the workspace and told to the product

    def say(
        self, text: str, *, user: str = "U0IDA", channel: str = "C0MLREL", thread: str | None = None, **how: Any
    ) -> tuple[Message, Answer]:
        """Somebody writes a message."""
        with self.state.lock:
            message = self.state.keep(Message(channel, self.state.ts(), user, text, thread_ts=thread))
            if thread:
                self.workspace.channels[channel].messages[thread].thread_ts = thread
        return message, self.event(said(message, self._kind(channel)), **how)

    def echo(self, message: Message, **how: Any) -> Answer:
        """Slack tells the product of the message that the product itself has posted, as it does in every channel."""
        return self.event(said(message, self._kind(message.channel)), **how)

    def edit(self, message: Message, text: str, **how: Any) -> Answer:
        """The author changes a message."""
        before = message.shown()
        message.text, message.edited_at = text, self.state.ts()
        return self.event(self._changed(message, "message_changed", message=message.shown(), previous=before), **how)

    def erase(self, message: Message, **how: Any) -> Answer:
        """Somebody deletes a message."""
        with self.state.lock:
            del self.workspace.channels[message.channel].messages[message.ts]
        changed = self._changed(message, "message_deleted", previous=message.shown())
        return self.event({**changed, "deleted_ts": message.ts}, **how)

    def react(self, message: Message, reaction: str, user: str = "U0IDA", **how: Any) -> Answer:
        """Somebody reacts."""
        message.reactions.setdefault(reaction, []).append(user)
        return self.event(self._reacted("reaction_added", message, reaction, user), **how)

    def unreact(self, message: Message, reaction: str, user: str = "U0IDA", **how: Any) -> Answer:
        """Somebody takes a reaction back."""
        message.reactions[reaction].remove(user)
        if not message.reactions[reaction]:
            del message.reactions[reaction]
        return self.event(self._reacted("reaction_removed", message, reaction, user), **how)

    def share_file(self, name: str, content: bytes, *, user: str = "U0IDA", channel: str = "C0MLREL") -> StoredFile:
        """Somebody uploads a file; the product hears of it by an event of your own."""
        is_public = self._kind(channel) == "channel"
        stored = StoredFile(self.state.number("F"), name, content, user, is_public=is_public)
        self.workspace.files[stored.id] = stored
        return stored

    # How it is done

    def _kind(self, channel: str) -> str:
        where = self.workspace.channels[channel]
        return "im" if where.im_with else "group" if where.is_private else "channel"

    def _changed(self, changed: Message, subtype: str, *, previous: Any, **more: Any) -> dict[str, Any]:
        return {
            "type": "message",
            "subtype": subtype,
            "hidden": True,
            "channel": changed.channel,
            "channel_type": self._kind(changed.channel),
            "ts": self.state.ts(),
            "previous_message": previous,
            **more,
        }

    def _reacted(self, kind: str, message: Message, reaction: str, user: str) -> dict[str, Any]:
        item = {"type": "message", "channel": message.channel, "ts": message.ts}
        return {"type": kind, "user": user, "reaction": reaction, "item": item, "item_user": message.user}

    def _show(self, answer: Answer, channel: str, user: str) -> None:
        """An answer in the body of the response is a message: to all where it says so, else to the one who asked."""
        given = answer.json if isinstance(answer.json, dict) else {"text": answer.body} if answer.body else {}
        if answer.status != 200 or not (given.get("text") or given.get("blocks")):
            return
        workspace = self.workspace
        blocks = list(given.get("blocks") or [])
        message = Message(channel, self.state.ts(), workspace.bot_user, given.get("text", ""), blocks, sent=given)
        message.bot_id = workspace.bot_id
        if given.get("response_type") == "in_channel":
            self.state.keep(message)
        else:
            message.is_ephemeral, message.seen_by = True, user
            self.state.ephemerals.append(message)

    def _filled(self, view: View, values: Mapping[str, Any], *, strict: bool) -> dict[str, Any]:
        left, filled = set(values), {}
        for block in view.body["blocks"]:
            for element in elements_of(block):
                if element["type"] == "button":
                    continue
                name, block_id = element.get("action_id", "auto"), block.get("block_id", "auto")
                value = values.get(block_id, values.get(name, initial(element)))
                left -= {block_id, name}
                is_needed = block["type"] == "input" and not block.get("optional", False)
                if strict:
                    assert value not in (None, "", []) or not is_needed, f"{block_id} must be filled in"
                    assert len(str(value or "")) <= element.get("max_length", 3000), f"{block_id} is too long"
                filled.setdefault(block_id, {})[name] = chosen(element, value)
        assert not left, f"the form has no {sorted(left)}"
        return filled

    def _after_submission(self, view: View, answer: Answer) -> None:
        """Slack keeps a modal open where the answer has errors, shows another where it says so, else closes it."""
        given = answer.json if isinstance(answer.json, dict) else {}
        if answer.status != 200:
            return  # "We had some trouble connecting": it stays open
        action = given.get("response_action")
        if action == "errors":
            known = {block.get("block_id") for block in view.body["blocks"]}
            assert set(given["errors"]) <= known, f"errors for blocks that are not in the form: {given['errors']}"
            view.errors = dict(given["errors"])
        elif action in ("update", "push"):
            faults = view_faults(given["view"])
            assert faults == [], faults
            if action == "update":
                self.state.change_view(view, given["view"])
            else:
                self.state.open_view(view.user, given["view"])
        else:
            view.is_open, view.errors = False, {}
