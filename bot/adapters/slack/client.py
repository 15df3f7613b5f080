"""One call of Slack's Web API: within a deadline, never repeated by itself, and with errors of the house."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.adapters.addresses import parse_address
from bot.adapters.slack.failures import SlackRefusal, asked_delay, failure
from bot.adapters.slack.scopes import METHODS
from bot.domain.errors import AndonError, Refused, StepFailed, TryLater
from bot.plugins import Call
from bot.ports import Http

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

    from bot.adapters.slack.transport import HttpWebClient

API_URL = "https://slack.com/api/"
FILE_HOST = "files.slack.com"
DEADLINE = timedelta(seconds=10)
"""For a whole call, from the name look-up to the last byte."""

MOST_TEXT_BYTES = 1024 * 1024


class SlackClient:
    """The methods that Andon uses (`METHODS`), with one token. Safe to use from several threads.

    Every call raises TryLater (`ambiguous` where it may have had its effect), SlackRefusal (a StepFailed with Slack's
    `code`) or SlackTokenTrouble (a ConfigError). The token is in no error and in no log.
    """

    def __init__(self, http: Http, token: str, *, api_url: str = API_URL, deadline: timedelta = DEADLINE) -> None:
        self._http = http
        self._token = token.strip()
        self._api_url = api_url.rstrip("/") + "/"
        self._deadline = deadline
        self._clients: dict[timedelta, HttpWebClient] = {}

    def warm(self) -> None:
        """Load the vendor's client now (about 0.2 s), so that the first notice need not wait for it."""
        self._client(self._deadline)

    def call(self, method: str, *, deadline: timedelta | None = None, **arguments: Any) -> Mapping[str, Any]:
        """Slack's answer to a method; arguments that are None are left out."""
        return self._called(method, deadline or self._deadline, arguments)[0]

    def identity(self) -> tuple[Mapping[str, Any], frozenset[str]]:
        """The answer of `auth.test` (team, user_id, bot_id, …) and the scopes that the token has."""
        answer, headers = self._called("auth.test", self._deadline, {})
        scopes = next((value for name, value in headers.items() if name.lower() == "x-oauth-scopes"), "")
        return answer, frozenset(filter(None, (scope.strip() for scope in scopes.split(","))))

    def text_of_file(self, file_id: str, *, reader: str) -> tuple[str, str]:
        """Name and text of a file of at most 1 MiB; otherwise like `file`."""
        name, raw = self.file(file_id, reader=reader, most=MOST_TEXT_BYTES, deadline=self._deadline)
        return name, raw.decode("utf-8", "replace")

    def file(self, file_id: str, *, reader: str, most: int, deadline: timedelta) -> tuple[str, bytes]:
        """Name and content of a file of at most so many bytes; `deadline` holds for each of the two calls.

        The token may see more than `reader`, the person who asks, does. So only a file of that person's own or one
        that stands in a public channel is fetched; Refused for any other. SlackRefusal where it cannot be read.
        """
        shown = self.call("files.info", deadline=deadline, file=file_id)["file"]
        if shown.get("user") != reader and shown.get("is_public") is not True:
            raise Refused(
                "The file is not fetched",
                why="somebody else shared it, and not in a public channel",
                next="whoever shared it gives it, or you upload it yourself",
            )
        url = str(shown.get("url_private_download") or shown.get("url_private") or "")
        headers = {"authorization": f"Bearer {self._token}"}
        call = Call("GET", url, headers=headers, max_bytes=most, timeout=deadline)
        reply = self._http.request(call, allow_hosts=(FILE_HOST, parse_address(self._api_url).authority))
        if reply.status is None or reply.status >= 500:
            raise TryLater("The file could not be fetched from Slack", delay=timedelta(seconds=5), why=reply.error)
        if reply.status != 200 or reply.error or _is_page(reply.headers, str(shown.get("mimetype"))):
            raise SlackRefusal(
                "The file could not be fetched from Slack",
                code="file_not_readable",
                why=reply.error or "Slack shows its sign-in page instead" if reply.status == 200 else "it is gone",
                next=f"is the scope files:read there, and is the file smaller than {most // 1024**2} MiB?",
            )
        return str(shown.get("name") or file_id), reply.raw

    def _called(
        self, method: str, deadline: timedelta, arguments: Mapping[str, Any]
    ) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        if method not in METHODS:
            raise StepFailed(f"{method} is not in the list of Slack's methods", next="add it with its scopes")
        from slack_sdk.errors import SlackApiError

        from bot.adapters.slack.transport import NoAnswerFromSlack

        try:
            answer = self._client(deadline).api_call(method, params=_spelled(arguments))
        except SlackApiError as error:
            raise _refused(method, error) from None
        except NoAnswerFromSlack as error:
            raise TryLater(
                f"Slack did not answer {method}",
                delay=timedelta(seconds=2),
                ambiguous=error.was_sent,
                why=str(error),
            ) from None
        return dict(answer.data) if isinstance(answer.data, dict) else {}, answer.headers

    def _client(self, deadline: timedelta) -> HttpWebClient:
        if deadline not in self._clients:
            # Only those who use Slack should wait for it to load.
            from bot.adapters.slack.transport import HttpWebClient

            self._clients[deadline] = HttpWebClient(self._http, self._token, api_url=self._api_url, deadline=deadline)
        return self._clients[deadline]


def _spelled(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A form is understood by every method, JSON only by those that write; structures are JSON inside the form."""
    return {
        name: json.dumps(value, separators=(",", ":")) if isinstance(value, list | dict) else value
        for name, value in arguments.items()
        if value is not None
    }


def _refused(method: str, error: SlackApiError) -> AndonError:
    response: Any = error.response
    headers = {name.lower(): value for name, value in response.headers.items()}
    retry_after = str(headers.get("retry-after", ""))
    status = response.status_code
    if status == 429:
        return failure(method, "ratelimited", retry_after=retry_after)
    if status >= 500 or status in (408, 425):
        delay = asked_delay(retry_after, otherwise=timedelta(seconds=2))
        return TryLater(f"Slack answered {method} with {status}", delay=delay, ambiguous=status >= 500)
    data = response.data if isinstance(response.data, dict) else {}
    if status != 200 and not headers.get("content-type", "").startswith("application/json"):
        return SlackRefusal(
            f"Slack answered {method} with {status}",
            code=f"http_{status}",
            why="without saying why",
            next="is there a proxy in between, and is ANDON_SLACK_API_URL right?",
        )
    found = failure(method, data.get("error"), retry_after=retry_after, needed=data.get("needed"))
    if isinstance(found, SlackRefusal) and found.code in ("invalid_blocks", "invalid_arguments"):
        found.why = f"{found.why} ({_said(data)})"
    return found


def _said(data: Mapping[str, Any]) -> str:
    """What Slack says is wrong with blocks: pointers and limits, never the text itself."""
    more = data.get("response_metadata")
    said = more.get("messages") if isinstance(more, dict) else None
    return "; ".join(str(one)[:120] for one in said[:3]) if isinstance(said, list) and said else "it does not say where"


def _is_page(headers: Mapping[str, str], wanted: str) -> bool:
    return headers.get("content-type", "").startswith("text/html") and not wanted.startswith("text/html")
