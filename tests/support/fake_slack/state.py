"""What the fake Slack remembers while it runs: calls, faults, triggers, open views, response addresses, limits."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .workspace import Channel, Message, Workspace

TRIGGER_SECONDS = 3.0
HOOK_SECONDS, HOOK_USES = 1800.0, 5


class Refusal(Exception):
    """Slack answers `ok: false` with this code."""

    def __init__(self, code: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(code)
        self.code, self.status, self.headers, self.more = code, status, dict(headers or {}), more


@dataclass
class Call:
    """One call of the Web API, in the order of arrival; `method` is `hook` for a response address."""

    number: int
    at: float
    method: str
    args: dict[str, Any]
    ok: bool | None = None
    """None: not answered yet, or never."""
    error: str = ""
    status: int = 0


@dataclass
class Fault:
    """How the next `times` calls of `method` (`*`: any) misbehave; `when` may look at the arguments.

    Modes: `answer` (not applied; `error` as code, or `status`), `hang` and `hang_after` (applied) for `seconds`,
    `close` and `close_after` (the connection breaks), `slow` (applied after `seconds`), `drip_after` (one byte each
    half second), `garbage` (an HTML page with `status`), `cut_after` (half of the answer).
    """

    method: str
    times: int = 1
    mode: str = "answer"
    error: str = ""
    status: int = 200
    retry_after: str | None = None
    seconds: float = 60.0
    when: Callable[[Mapping[str, Any]], bool] | None = field(default=None, repr=False)


@dataclass
class View:
    """A modal that somebody has open."""

    id: str
    user: str
    body: dict[str, Any]
    revision: int = 1
    is_open: bool = True
    errors: dict[str, str] = field(default_factory=dict)
    """What our answer to a submission complained about, by block."""

    @property
    def hash(self) -> str:
        """Changes with every update."""
        return f"{self.revision}.{self.id.lower()}"

    def shown(self, workspace: Workspace, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The view object of answers and interactions."""
        defaults = {"private_metadata": "", "callback_id": "", "external_id": "", "submit": None, "close": None}
        return {
            **defaults,
            "clear_on_close": False,
            "notify_on_close": False,
            **self.body,
            "id": self.id,
            "team_id": workspace.team_id,
            "app_id": workspace.app_id,
            "bot_id": workspace.bot_id,
            "hash": self.hash,
            "root_view_id": self.id,
            "previous_view_id": None,
            "state": {"values": dict(values or {})},
        }


@dataclass
class Hook:
    """A response address: five uses in half an hour."""

    id: str
    channel: str
    user: str
    until: float
    message: Message | None = None
    uses: int = 0


class State:
    """Everything that changes, behind one lock."""

    def __init__(self, workspace: Workspace, clock: Callable[[], float]) -> None:
        self.workspace = workspace
        self.clock = clock
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self.calls: list[Call] = []
        self.faults: list[Fault] = []
        self.triggers: dict[str, tuple[float, str]] = {}
        self.spent_triggers: set[str] = set()
        self.views: dict[str, View] = {}
        self.hooks: dict[str, Hook] = {}
        self.ephemerals: list[Message] = []
        self.limit_burst: int | None = None
        """None: nobody is limited; else one message a second and channel, and so many more at once."""
        self._buckets: dict[str, tuple[float, float]] = {}
        self._last_ts = 0
        self._numbers: dict[str, int] = {}

    def number(self, prefix: str) -> str:
        """A new id."""
        with self.lock:
            self._numbers[prefix] = self._numbers.get(prefix, 0) + 1
            return f"{prefix}{self._numbers[prefix]:06d}"

    def ts(self) -> str:
        """A message's timestamp, which is its id: unique and growing."""
        with self.lock:
            self._last_ts = max(self._last_ts + 1, int(self.clock() * 1_000_000))
            return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def trigger(self, user: str) -> str:
        """A trigger id, good for one use within three seconds."""
        with self.lock:
            name = f"{self.number('1')}.{self.workspace.team_id.lower()}.{'f' * 32}"
            self.triggers[name] = (self.clock() + TRIGGER_SECONDS, user)
            return name

    def spend_trigger(self, name: Any) -> str:
        """The user whom it belongs to; refused where it is unknown, late or used."""
        with self.lock:
            if name in self.spent_triggers:
                raise Refusal("exchanged_trigger_id")
            if name not in self.triggers:
                raise Refusal("invalid_trigger_id")
            until, user = self.triggers[name]
            if self.clock() > until:
                raise Refusal("expired_trigger_id")
            self.spent_triggers.add(name)
            return user

    def hook(self, channel: str, user: str, message: Message | None = None) -> Hook:
        """A new response address."""
        with self.lock:
            hook = Hook(self.number("hook-"), channel, user, self.clock() + HOOK_SECONDS, message)
            self.hooks[hook.id] = hook
            return hook

    def limit(self, channel: str) -> None:
        """One message a second and channel, where that is switched on."""
        if self.limit_burst is None:
            return
        most, now = float(1 + self.limit_burst), self.clock()
        left, then = self._buckets.get(channel, (most, now))
        left = min(most, left + max(0.0, now - then))
        if left < 1:
            self._buckets[channel] = (left, now)
            raise Refusal("ratelimited", status=429, headers={"Retry-After": str(max(1, math.ceil(1 - left)))})
        self._buckets[channel] = (left - 1, now)

    def fault_for(self, method: str, args: Mapping[str, Any]) -> Fault | None:
        """The first fault that this call meets, counted down."""
        with self.lock:
            for fault in self.faults:
                if fault.times != 0 and fault.method in ("*", method) and (fault.when is None or fault.when(args)):
                    fault.times -= 1 if fault.times > 0 else 0
                    return fault
        return None

    def channel(self, name: Any) -> Channel:
        """By id; a private one without the bot does not exist for it."""
        found = self.workspace.channels.get(name)
        if found is None or (found.is_private and self.workspace.bot_user not in found.members):
            raise Refusal("channel_not_found")
        return found

    def conversation(self, user: str) -> Channel:
        """The bot's conversation with one person, made when needed."""
        with self.lock:
            person = self.workspace.people.get(user)
            if person is None:
                raise Refusal("user_not_found")
            if person.deleted:
                raise Refusal("user_disabled")
            if person.is_bot:
                raise Refusal("cannot_dm_bot")
            for channel in self.workspace.channels.values():
                if channel.im_with == user:
                    return channel
            channel = Channel(f"D{user[1:]}", "", [user, self.workspace.bot_user], is_private=True, im_with=user)
            self.workspace.channels[channel.id] = channel
            return channel

    def keep(self, message: Message) -> Message:
        """Post it."""
        with self.lock:
            self.workspace.channels[message.channel].messages[message.ts] = message
            return message

    def open_view(self, user: str, body: dict[str, Any]) -> View:
        """Show a modal to somebody."""
        with self.lock:
            view = View(self.number("V"), user, body)
            self.views[view.id] = view
            return view

    def change_view(self, view: View, body: dict[str, Any]) -> View:
        """Another content under the same id."""
        with self.lock:
            view.body, view.revision, view.errors = body, view.revision + 1, {}
            return view
