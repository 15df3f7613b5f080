"""The Web API of the fake Slack, first half: sending, changing and reading messages."""

from __future__ import annotations

import re
from typing import Any

from .block_judge import is_too_long, message_faults
from .state import Refusal, State
from .workspace import Channel, Message

Args = dict[str, Any]
POSTED = ("unfurl_links", "unfurl_media", "parse", "link_names", "mrkdwn", "reply_broadcast")


def post_message(state: State, args: Args) -> Args:
    """chat.postMessage."""
    channel = _writable(state, args.get("channel"))
    blocks, text = _content(args, most_text=40_000)
    parent = _parent(channel, args.get("thread_ts"))
    state.limit(channel.id)
    message = Message(
        channel.id,
        state.ts(),
        state.workspace.bot_user,
        text,
        blocks,
        thread_ts=parent,
        bot_id=state.workspace.bot_id,
        metadata=_metadata(args),
        sent={name: args[name] for name in POSTED if name in args},
    )
    if parent:
        channel.messages[parent].thread_ts = parent
    state.keep(message)
    return {"channel": channel.id, "ts": message.ts, "message": message.shown(with_metadata=True)}


def update(state: State, args: Args) -> Args:
    """chat.update."""
    channel = _readable(state, args.get("channel"))
    message = _own(state, channel, args.get("ts"), "cant_update_message")
    blocks, text = _content(args, most_text=4_000)
    state.limit(f"{channel.id} update")
    message.past.append((message.text, message.blocks))
    message.text, message.blocks = text or message.text, blocks
    message.edited_at = state.ts()
    message.metadata = _metadata(args) or message.metadata
    message.sent = {name: args[name] for name in POSTED if name in args}
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.shown()}


def delete(state: State, args: Args) -> Args:
    """chat.delete."""
    channel = _readable(state, args.get("channel"))
    message = _own(state, channel, args.get("ts"), "cant_delete_message")
    del channel.messages[message.ts]
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(state: State, args: Args) -> Args:
    """chat.postEphemeral."""
    channel = _writable(state, args.get("channel"))
    if args.get("user") not in channel.members:
        raise Refusal("user_not_in_channel")
    blocks, text = _content(args, most_text=40_000)
    state.limit(f"{channel.id} ephemeral")
    message = Message(channel.id, state.ts(), state.workspace.bot_user, text, blocks, bot_id=state.workspace.bot_id)
    message.is_ephemeral, message.seen_by, message.thread_ts = True, args["user"], args.get("thread_ts")
    message.sent = {name: args[name] for name in POSTED if name in args}
    state.ephemerals.append(message)
    return {"message_ts": message.ts}


def get_permalink(state: State, args: Args) -> Args:
    """chat.getPermalink."""
    channel = state.channel(args.get("channel"))
    message = channel.messages.get(args.get("message_ts", ""))
    if message is None:
        raise Refusal("message_not_found")
    link = f"https://{state.workspace.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def history(state: State, args: Args) -> Args:
    """conversations.history: newest first, without replies."""
    channel = _readable(state, args.get("channel"))
    found = [one for one in channel.messages.values() if not one.is_reply]
    return _page(state, channel, sorted(_within(found, args), key=lambda one: one.ts, reverse=True), args)


def replies(state: State, args: Args) -> Args:
    """conversations.replies: the first message and what hangs on it, oldest first."""
    channel = _readable(state, args.get("channel"))
    if args.get("ts") not in channel.messages:
        raise Refusal("thread_not_found")
    start = channel.messages[args["ts"]]
    root = start.thread_ts or start.ts
    found = [one for one in channel.messages.values() if one.thread_ts == root and one.ts != root]
    later = sorted(_within(found, args), key=lambda one: one.ts)
    first = [channel.messages[root]] if root in channel.messages and not args.get("cursor") else []
    return _page(state, channel, [*first, *later], args)


def add_reaction(state: State, args: Args) -> Args:
    """reactions.add."""
    channel = _readable(state, args.get("channel"))
    message = channel.messages.get(args.get("timestamp", ""))
    if message is None:
        raise Refusal("message_not_found")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", str(args.get("name"))):
        raise Refusal("invalid_name")
    users = message.reactions.setdefault(args["name"], [])
    if state.workspace.bot_user in users:
        raise Refusal("already_reacted")
    users.append(state.workspace.bot_user)
    return {}


def respond(state: State, hook_id: str, args: Args) -> Args:
    """A response address: answers one person or the channel, or changes the message that was clicked."""
    hook = state.hooks.get(hook_id)
    if hook is None:
        raise Refusal("invalid_url", status=404)
    if state.clock() > hook.until:
        raise Refusal("expired_url", status=404)
    if hook.uses >= 5:
        raise Refusal("used_url", status=404)
    blocks, text = ([], "") if args.get("delete_original") else _content(args, most_text=40_000)
    hook.uses += 1
    if args.get("delete_original") and hook.message is not None:
        state.workspace.channels[hook.channel].messages.pop(hook.message.ts, None)
        return {}
    if args.get("replace_original") and hook.message is not None:
        hook.message.past.append((hook.message.text, hook.message.blocks))
        hook.message.text, hook.message.blocks, hook.message.edited_at = text, blocks, state.ts()
        return {}
    workspace = state.workspace
    message = Message(hook.channel, state.ts(), workspace.bot_user, text, blocks, bot_id=workspace.bot_id)
    message.thread_ts = args.get("thread_ts")
    if args.get("response_type") == "in_channel":
        state.keep(message)
    else:
        message.is_ephemeral, message.seen_by = True, hook.user
        state.ephemerals.append(message)
    return {}


def _writable(state: State, name: Any) -> Channel:
    workspace = state.workspace
    channel = state.conversation(name) if str(name)[:1] in ("U", "W") else state.channel(name)
    if channel.is_archived:
        raise Refusal("is_archived")
    if workspace.bot_user not in channel.members and "chat:write.public" not in workspace.scopes:
        raise Refusal("not_in_channel")
    return channel


def _readable(state: State, name: Any) -> Channel:
    channel = state.channel(name)
    if state.workspace.bot_user not in channel.members:
        raise Refusal("not_in_channel")
    return channel


def _own(state: State, channel: Channel, ts: Any, code: str) -> Message:
    message = channel.messages.get(str(ts))
    if message is None:
        raise Refusal("message_not_found")
    if message.user != state.workspace.bot_user:
        raise Refusal(code)
    return message


def _parent(channel: Channel, ts: Any) -> str | None:
    if ts is None:
        return None
    if str(ts) not in channel.messages:
        # Slack posts into a thread whose start is gone; a made-up ts is refused.
        raise Refusal("thread_not_found")
    parent = channel.messages[str(ts)]
    return parent.thread_ts or parent.ts


def _content(args: Args, *, most_text: int) -> tuple[list[Any], str]:
    blocks, text = args.get("blocks") or [], args.get("text") or ""
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    if not blocks and not text:
        raise Refusal("no_text")
    if len(text) > most_text:
        raise Refusal("msg_too_long")
    faults = message_faults(blocks)
    if faults:
        raise Refusal("invalid_blocks", errors=faults, response_metadata={"messages": faults})
    if is_too_long(blocks):
        raise Refusal("msg_blocks_too_long")
    return blocks, text


def _metadata(args: Args) -> dict[str, Any] | None:
    given = args.get("metadata")
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise Refusal("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    return given


def _within(messages: list[Message], args: Args) -> list[Message]:
    oldest, latest = float(args.get("oldest") or 0), float(args.get("latest") or 1e12)
    inclusive = args.get("inclusive") in (True, "1", "true")
    return [
        one for one in messages if oldest < float(one.ts) < latest or (inclusive and float(one.ts) in (oldest, latest))
    ]


def _page(state: State, channel: Channel, found: list[Message], args: Args) -> Args:
    limit = int(args.get("limit") or 100)
    if not 1 <= limit <= 999:
        raise Refusal("invalid_limit")
    try:
        start = int(args.get("cursor") or 0)
    except ValueError:
        raise Refusal("invalid_cursor") from None
    page, more = found[start : start + limit], len(found) > start + limit
    with_metadata = args.get("include_all_metadata") in (True, "1", "true")
    shown = []
    for one in page:
        item = one.shown(with_metadata=with_metadata)
        hanging = [other.ts for other in channel.messages.values() if other.is_reply and other.thread_ts == one.ts]
        if hanging:
            item |= {"reply_count": len(hanging), "latest_reply": max(hanging)}
        shown.append(item)
    answer: Args = {"messages": shown, "has_more": more}
    if more:
        answer["response_metadata"] = {"next_cursor": str(start + limit)}
    return answer
