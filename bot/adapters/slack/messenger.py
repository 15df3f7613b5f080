"""Posts letters to Slack, changes them in place, and looks whether one is there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.adapters.slack.blocks import SlackWords, slack_words
from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.failures import SlackRefusal, SlackTokenTrouble
from bot.domain.errors import AndonError, TryLater
from bot.domain.letters import Letter, Posted

EVENT_TYPE = "andon_notice"
"""Of the metadata that every message carries, with the id of its notice."""

LOOK_DEADLINE = timedelta(seconds=5)
LINK_DEADLINE = timedelta(seconds=2)
EARLIER = timedelta(minutes=10)
"""How much before the last try a search begins: Slack's clock is not ours, and there may have been tries before it."""

_MOST_PAGES = 5
_PAGE = 200
_WITHOUT_THREAD = frozenset({"thread_not_found", "cannot_reply_to_message", "restricted_action_non_threadable_channel"})
_WITHOUT_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})


class SlackMessenger:
    """Sends to channels and people by id. Errors are those of `SlackClient`; nothing is repeated here."""

    def __init__(self, client: SlackClient) -> None:
        self._client = client

    def send(self, notice_id: str, letter: Letter, *, address: str, thread: str | None = None) -> Posted:
        """Post a letter to a channel or a person (`address`), in the thread of `thread` where that is there.

        TryLater with `ambiguous` means that it may stand there all the same: `find` it before sending it again.
        A thread that is gone costs the thread, and blocks that Slack does not take cost the blocks, never the notice.
        """
        words = slack_words(letter, mark=_mark(notice_id))
        try:
            answer = self._post(notice_id, words, address, thread)
        except SlackRefusal as refusal:
            if thread is None or refusal.code not in _WITHOUT_THREAD:
                raise
            answer = self._post(notice_id, words, address, None)
        return self._posted(str(answer["channel"]), str(answer["ts"]))

    def edit(self, notice_id: str, letter: Letter, posted: Posted) -> Posted:
        """Change a message in place; SlackRefusal `message_not_found` where it is gone."""
        words = slack_words(letter, mark=_mark(notice_id))
        self._write("chat.update", words, channel=posted.address, ts=posted.ref, metadata=_metadata(notice_id))
        return posted

    def find(self, notice_id: str, *, address: str, thread: str | None, since: datetime) -> Posted | None:
        """The message of a notice, where an earlier attempt has posted it since then; None where none is seen.

        None also where the app may not look: a notice that comes twice is better than one that does not come.
        """
        try:
            return self._found(notice_id, self._conversation(address), thread, since - EARLIER)
        except SlackRefusal as refusal:
            if thread is not None and refusal.code in _WITHOUT_THREAD:
                return self.find(notice_id, address=address, thread=None, since=since)
        except SlackTokenTrouble as trouble:
            if trouble.code != "missing_scope":
                raise
        except TryLater as error:
            error.ambiguous = True  # the question is still open, however surely this call did nothing
            raise
        return None

    def _found(self, notice_id: str, channel: str, thread: str | None, since: datetime) -> Posted | None:
        for message in self._messages(channel, thread, since):
            if _is_of(message, notice_id):
                return self._posted(channel, str(message["ts"]))
        return None

    def _post(self, notice_id: str, words: SlackWords, address: str, thread: str | None) -> Mapping[str, Any]:
        return self._write(
            "chat.postMessage",
            words,
            channel=address,
            thread_ts=thread,
            metadata=_metadata(notice_id),
            unfurl_links=False,
            unfurl_media=False,
        )

    def _write(self, method: str, words: SlackWords, **arguments: Any) -> Mapping[str, Any]:
        arguments |= {"parse": "none", "link_names": False}
        try:
            return self._client.call(method, text=words.text, blocks=words.blocks, **arguments)
        except SlackRefusal as refusal:
            if refusal.code not in _WITHOUT_BLOCKS:
                raise
            # Slack has limits that it does not document; the words count more than how they look.
            text = "\n".join(filter(None, [words.calls, words.text]))
            return self._client.call(method, text=text, blocks=[], **arguments)

    def _posted(self, channel: str, ref: str) -> Posted:
        try:
            answer = self._client.call("chat.getPermalink", deadline=LINK_DEADLINE, channel=channel, message_ts=ref)
        except AndonError:
            return Posted(channel, ref)  # it stands there; only its address is not known
        return Posted(channel, ref, str(answer["permalink"]))

    def _conversation(self, address: str) -> str:
        if address[:1] not in ("U", "W"):
            return address
        return str(self._client.call("conversations.open", deadline=LOOK_DEADLINE, users=address)["channel"]["id"])

    def _messages(self, channel: str, thread: str | None, since: datetime) -> Iterator[Mapping[str, Any]]:
        method = "conversations.replies" if thread else "conversations.history"
        cursor = None
        for _ in range(_MOST_PAGES):
            answer = self._client.call(
                method,
                deadline=LOOK_DEADLINE,
                channel=channel,
                ts=thread,
                oldest=f"{since.timestamp():.6f}",
                limit=_PAGE,
                cursor=cursor,
                include_all_metadata=True,
            )
            yield from answer.get("messages") or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return


def _metadata(notice_id: str) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"notice": notice_id}}


def _mark(notice_id: str) -> str:
    """The id of the first block says which notice it is too: metadata may be withheld from an app, blocks are not."""
    return f"{EVENT_TYPE}-{notice_id}"


def _is_of(message: Mapping[str, Any], notice_id: str) -> bool:
    if not message.get("bot_id"):
        return False  # what a person wrote is never ours
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == EVENT_TYPE and (metadata.get("event_payload") or {}).get("notice") == notice_id:
        return True
    blocks = message.get("blocks") or [{}]
    return bool(blocks[0].get("block_id") == f"{_mark(notice_id)}-0")
