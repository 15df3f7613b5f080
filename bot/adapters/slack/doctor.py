"""What `andon doctor` asks of Slack: the tokens, the scopes, and every channel that the policies name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bot.adapters.slack.client import SlackClient
from bot.adapters.slack.scopes import WITHOUT, needed_scopes
from bot.domain.errors import AndonError


class SlackCheck(NamedTuple):
    """One thing tried; `mend` says what to do where it is not all right."""

    name: str
    ok: bool
    found: str
    mend: str


def slack_checks(
    client: SlackClient, channels: Mapping[str, str], *, app_client: SlackClient | None = None
) -> list[SlackCheck]:
    """Every check, in order. `channels`: what uses a channel or person, by its id. `app_client` has the app token."""
    try:
        answer, scopes = client.identity()
    except AndonError as error:
        return [SlackCheck("slack", ok=False, found=error.what, mend=_mend(error))]
    name = str(answer.get("user") or "andon")
    team, team_id = answer.get("team"), answer.get("team_id")
    checks = [SlackCheck("slack", ok=True, found=f"in {team} ({team_id}) as {name}", mend="")]
    checks += _scopes(scopes)
    if app_client is not None:
        checks.append(_socket_mode(app_client))
    checks += [_address(client, address, used_by, name) for address, used_by in sorted(channels.items())]
    return checks


def _scopes(scopes: frozenset[str]) -> Iterator[SlackCheck]:
    missing = sorted(needed_scopes() - scopes)
    if not missing:
        yield SlackCheck("slack scopes", ok=True, found=f"all {len(needed_scopes())} are there", mend="")
    for scope in missing:
        yield SlackCheck(
            f"slack scope {scope}",
            ok=False,
            found=f"missing: {WITHOUT[scope]}",
            mend=f"api.slack.com/apps, OAuth & Permissions, Bot Token Scopes: add {scope}, then Reinstall to Workspace",
        )


def _socket_mode(client: SlackClient) -> SlackCheck:
    try:
        client.call("apps.connections.open")
    except AndonError as error:
        mend = (
            "api.slack.com/apps, Basic Information, App-Level Tokens: one with connections:write; switch Socket Mode on"
        )
        return SlackCheck("slack socket mode", ok=False, found=f"{error.what} ({error.why})", mend=mend)
    return SlackCheck("slack socket mode", ok=True, found="can connect", mend="")


def _address(client: SlackClient, address: str, used_by: str, name: str) -> SlackCheck:
    title = f"slack {address} ({used_by})"
    try:
        if address[:1] in ("U", "W"):
            return _person(client, address, title)
        channel = client.call("conversations.info", channel=address)["channel"]
    except AndonError as error:
        return SlackCheck(title, ok=False, found=f"{error.what} ({error.why})", mend=_mend(error))
    shown = f"#{channel.get('name')}"
    if channel.get("is_archived"):
        return SlackCheck(
            title, ok=False, found=f"{shown} is archived", mend="unarchive it, or name another in the policy"
        )
    if not channel.get("is_member") and not channel.get("is_im"):
        mend = f"type `/invite @{name}` in {shown}"
        return SlackCheck(title, ok=False, found=f"{shown}: the app is not in it, so nothing can be posted", mend=mend)
    return SlackCheck(title, ok=True, found=f"{shown}, the app is in it", mend="")


def _person(client: SlackClient, address: str, title: str) -> SlackCheck:
    user = client.call("users.info", user=address)["user"]
    if user.get("deleted"):
        return SlackCheck(title, ok=False, found="the account is deactivated", mend="name another in the policy")
    return SlackCheck(title, ok=True, found=str(user.get("real_name") or user.get("name")), mend="")


def _mend(error: AndonError) -> str:
    return error.next or error.why or "is slack.com reachable from here?"
