"""The Web API of the fake Slack, second half: people, channels, views, files; and which scope each method needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import chat_methods
from .block_judge import view_faults
from .state import Refusal, State

Args = dict[str, Any]


def auth_test(state: State, args: Args) -> Args:
    """auth.test."""
    workspace = state.workspace
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.team,
        "user": "andon",
        "team_id": workspace.team_id,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def open_conversation(state: State, args: Args) -> Args:
    """conversations.open, with one person."""
    return {"channel": {"id": state.conversation(str(args.get("users"))).id}}


def conversation_info(state: State, args: Args) -> Args:
    """conversations.info."""
    return {"channel": state.channel(args.get("channel")).shown(state.workspace.bot_user)}


def join(state: State, args: Args) -> Args:
    """conversations.join: public channels only."""
    channel = state.channel(args.get("channel"))
    if channel.is_private:
        raise Refusal("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refusal("is_archived")
    if state.workspace.bot_user not in channel.members:
        channel.members.append(state.workspace.bot_user)
    return {"channel": channel.shown(state.workspace.bot_user)}


def members(state: State, args: Args) -> Args:
    """conversations.members."""
    return _paged("members", list(state.channel(args.get("channel")).members), args)


def user_info(state: State, args: Args) -> Args:
    """users.info."""
    person = state.workspace.people.get(str(args.get("user")))
    if person is None:
        raise Refusal("user_not_found")
    return {"user": person.shown(home=state.workspace.team_id, with_email=_emails(state))}


def user_list(state: State, args: Args) -> Args:
    """users.list."""
    workspace = state.workspace
    shown = [one.shown(home=workspace.team_id, with_email=_emails(state)) for one in workspace.people.values()]
    return _paged("members", shown, args)


def user_by_email(state: State, args: Args) -> Args:
    """users.lookupByEmail: the deactivated are not found."""
    wanted = str(args.get("email", "")).casefold()
    for person in state.workspace.people.values():
        if wanted and person.email.casefold() == wanted and not person.deleted:
            return {"user": person.shown(home=state.workspace.team_id, with_email=True)}
    raise Refusal("users_not_found")


def group_members(state: State, args: Args) -> Args:
    """usergroups.users.list."""
    group = state.workspace.groups.get(str(args.get("usergroup")))
    if group is None or (group.is_disabled and args.get("include_disabled") not in (True, "1", "true")):
        raise Refusal("no_such_subteam")
    return {"users": list(group.members)}


def open_view(state: State, args: Args) -> Args:
    """views.open."""
    _judge_view(args.get("view"))
    view = state.open_view(state.spend_trigger(args.get("trigger_id")), args["view"])
    return {"view": view.shown(state.workspace)}


def update_view(state: State, args: Args) -> Args:
    """views.update, by view_id or external_id; a hash that is not the newest is a conflict."""
    _judge_view(args.get("view"))
    for view in state.views.values():
        named = view.id == args.get("view_id") or (
            args.get("external_id") and view.body.get("external_id") == args["external_id"]
        )
        if named and view.is_open:
            if args.get("hash") not in (None, view.hash):
                raise Refusal("hash_conflict")
            return {"view": state.change_view(view, args["view"]).shown(state.workspace)}
    raise Refusal("not_found")


def file_info(state: State, args: Args) -> Args:
    """files.info; the address of the content is filled in by the server."""
    stored = state.workspace.files.get(str(args.get("file")))
    if stored is None:
        raise Refusal("file_not_found")
    return {
        "file": {
            "id": stored.id,
            "name": stored.name,
            "title": stored.name,
            "mimetype": stored.mimetype,
            "size": len(stored.content),
            "user": stored.user,
            "is_public": stored.is_public,
            "url_private": f"{{files}}/{stored.id}/{stored.name}",
            "url_private_download": f"{{files}}/{stored.id}/download/{stored.name}",
        }
    }


def _judge_view(view: Any) -> None:
    faults = view_faults(view)
    if faults:
        raise Refusal("invalid_arguments", response_metadata={"messages": faults})


def _emails(state: State) -> bool:
    return "users:read.email" in state.workspace.scopes


def _paged(name: str, items: list[Any], args: Args) -> Args:
    start, limit = int(args.get("cursor") or 0), int(args.get("limit") or 100)
    more = len(items) > start + limit
    return {
        name: items[start : start + limit],
        "response_metadata": {"next_cursor": str(start + limit) if more else ""},
    }


Method = Callable[[State, Args], Args]
METHODS: dict[str, tuple[Method, tuple[str, ...]]] = {
    "auth.test": (auth_test, ()),
    "chat.postMessage": (chat_methods.post_message, ("chat:write",)),
    "chat.update": (chat_methods.update, ("chat:write",)),
    "chat.delete": (chat_methods.delete, ("chat:write",)),
    "chat.postEphemeral": (chat_methods.post_ephemeral, ("chat:write",)),
    "chat.getPermalink": (chat_methods.get_permalink, ()),
    "conversations.history": (chat_methods.history, ("{kind}:history",)),
    "conversations.replies": (chat_methods.replies, ("{kind}:history",)),
    "conversations.info": (conversation_info, ("{kind}:read",)),
    "conversations.members": (members, ("{kind}:read",)),
    "conversations.join": (join, ("channels:join",)),
    "conversations.open": (open_conversation, ("im:write",)),
    "reactions.add": (chat_methods.add_reaction, ("reactions:write",)),
    "users.info": (user_info, ("users:read",)),
    "users.list": (user_list, ("users:read",)),
    "users.lookupByEmail": (user_by_email, ("users:read.email",)),
    "usergroups.users.list": (group_members, ("usergroups:read",)),
    "views.open": (open_view, ()),
    "views.update": (update_view, ()),
    "files.info": (file_info, ("files:read",)),
}


def needed_scopes(state: State, method: str, args: Args) -> tuple[str, ...]:
    """What a token must be allowed; `{kind}` depends on the channel."""
    channel = state.workspace.channels.get(str(args.get("channel")))
    kind = "channels" if channel is None or not channel.is_private else "im" if channel.im_with else "groups"
    return tuple(scope.format(kind=kind) for scope in METHODS[method][1])
