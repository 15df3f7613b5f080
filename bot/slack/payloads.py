"""Slack's requests as far as they are used, parsed strictly: whatever does not fit is the sender's fault."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bot.domain.errors import BadInput

Id = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{1,30}$")]
Ts = Annotated[str, Field(pattern=r"^[0-9]{1,16}\.[0-9]{1,9}$")]
Text = Annotated[str, Field(max_length=100_000)]
_LAST = 32_503_680_000.0


def _mapping(value: object) -> object:
    return value if isinstance(value, Mapping) else {}


class Part(BaseModel):
    """Unknown keys are left aside: Slack adds some all the time."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @classmethod
    def read(cls, payload: object) -> Self:
        """BadInput where the payload is not what Slack documents."""
        try:
            return cls.model_validate(payload)
        except ValidationError as error:
            where = ".".join(map(str, error.errors(include_input=False)[0]["loc"][:4]))
            raise BadInput("Slack's request cannot be understood", why=f"{where or 'the body'} does not fit") from None


class SlashCommand(Part):
    """https://docs.slack.dev/interactivity/implementing-slash-commands"""

    command: Annotated[str, Field(max_length=64)]
    text: Text = ""
    user_id: Id
    team_id: str = ""
    channel_id: str = ""
    trigger_id: Annotated[str, Field(max_length=200)] = ""
    response_url: Annotated[str, Field(max_length=2000)] = ""


class Named(Part):
    id: str = ""
    team_id: str = ""


class SelectedOption(Part):
    value: Annotated[str, Field(max_length=200)] = ""


class Action(Part):
    """One element that somebody used."""

    action_id: Annotated[str, Field(max_length=255)]
    block_id: Annotated[str, Field(max_length=255)] = ""
    type: str = "button"
    value: Annotated[str, Field(max_length=2000)] = ""
    selected_option: SelectedOption | None = None
    selected_user: str | None = None


class Container(Part):
    type: str = ""
    message_ts: str = ""
    thread_ts: str | None = None
    channel_id: str = ""


class Interaction(Part):
    """What every interaction has in common."""

    type: str
    user: Named
    team: Annotated[Named, BeforeValidator(_mapping)] = Named()
    trigger_id: Annotated[str, Field(max_length=200)] = ""
    response_url: Annotated[str, Field(max_length=2000)] = ""

    @property
    def team_id(self) -> str:
        """The person's own workspace."""
        return self.user.team_id or self.team.id


class Press(Interaction):
    """`block_actions`"""

    actions: tuple[Action, ...] = Field(min_length=1, max_length=25)
    container: Container = Container()
    channel: Annotated[Named, BeforeValidator(_mapping)] = Named()


_FILE_ID = re.compile(r"F[A-Z0-9]{2,20}")


class ViewState(Part):
    values: Mapping[str, Mapping[str, Mapping[str, Any]]] = Field(default_factory=dict)


class View(Part):
    id: str = ""
    callback_id: Annotated[str, Field(max_length=255)] = ""
    private_metadata: Annotated[str, Field(max_length=3000)] = ""
    state: ViewState = ViewState()

    def values(self) -> dict[str, str]:
        """What stands in each input, by block id; empty ones are left out."""
        found = {}
        for block, elements in self.state.values.items():
            for element in elements.values():
                chosen = element.get("selected_option")
                one = chosen.get("value") if isinstance(chosen, Mapping) else element.get("value")
                value = one or element.get("selected_user") or element.get("selected_conversation")
                if isinstance(value, str) and value.strip():
                    found[block] = value
        return found

    def files(self) -> tuple[str, ...]:
        """Ids of the files in it, each once."""
        inputs = (element for elements in self.state.values.values() for element in elements.values())
        held = (element["files"] for element in inputs if isinstance(element.get("files"), list))
        ids = [one.get("id") for files in held for one in files if isinstance(one, Mapping)]
        return tuple(dict.fromkeys(one for one in ids if isinstance(one, str) and _FILE_ID.fullmatch(one)))


class Submission(Interaction):
    """`view_submission`"""

    view: View


class Message(Part):
    """A message as events, shortcuts and history hold it."""

    ts: Ts
    user: str = ""
    text: Text = ""
    thread_ts: Ts | None = None
    bot_id: str | None = None
    subtype: str | None = None
    reactions: tuple[Mapping[str, Any], ...] = ()

    @property
    def at(self) -> datetime:
        """When it was written."""
        return datetime.fromtimestamp(min(float(self.ts), _LAST), UTC)

    @property
    def reacted_with(self) -> frozenset[str]:
        """The names of the reactions on it."""
        return frozenset(str(one.get("name")) for one in self.reactions)

    @property
    def is_spoken(self) -> bool:
        """Written by a person."""
        return bool(self.user) and not self.bot_id and self.subtype in (None, "", "thread_broadcast", "file_share")


class Shortcut(Interaction):
    """`message_action`"""

    callback_id: Annotated[str, Field(max_length=255)]
    channel: Named
    message: Message


class Item(Part):
    type: str = ""
    channel: str = ""
    ts: str = ""


class Event(Part):
    """The inner part of an event."""

    type: str
    subtype: str | None = None
    channel: str = ""
    user: str = ""
    text: Text = ""
    ts: str = ""
    thread_ts: str | None = None
    bot_id: str | None = None
    reaction: str = ""
    item: Annotated[Item, BeforeValidator(_mapping)] = Item()
    message: Message | None = None
    previous_message: Message | None = None
    deleted_ts: str = ""


class Envelope(Part):
    """`event_callback`"""

    team_id: str = ""
    event_id: Annotated[str, Field(max_length=64)]
    event: Event


_KINDS: Mapping[str, type[Part]] = {
    "event_callback": Envelope,
    "block_actions": Press,
    "view_submission": Submission,
    "view_closed": Submission,
    "message_action": Shortcut,
}
_OBJECTS = ("team", "user", "enterprise", "channel", "view", "event", "message", "container", "function_data", "action")
_LISTS = ("actions", "authorizations")


def check_shape(payload: Mapping[str, Any]) -> None:
    """BadInput where a part is not of the kind that it always is: Bolt looks into them before anybody else does."""
    for name in _OBJECTS:
        if payload.get(name) is not None and not isinstance(payload[name], Mapping):
            raise BadInput("Slack's request cannot be understood", why=f"{name} is no object")
    for name in _LISTS:
        held = payload.get(name)
        if held is not None and not (isinstance(held, list) and all(isinstance(one, Mapping) for one in held)):
            raise BadInput("Slack's request cannot be understood", why=f"{name} is no list of objects")
    model = _KINDS.get(str(payload.get("type")))
    if model is not None:
        model.read(payload)
