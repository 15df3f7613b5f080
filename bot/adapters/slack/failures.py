"""What Slack's refusals mean: try later, never, or the token; each with what to do next."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.domain.errors import AndonError, ConfigError, StepFailed, TryLater

LONGEST_DELAY = timedelta(seconds=60)
"""Slack may ask for more; asking again after a minute costs one call and keeps the fallback within its time."""


class SlackRefusal(StepFailed):
    """Slack will never do this; `code` is its own word for why."""

    def __init__(self, what: str, *, code: str, why: str = "", next: str = "") -> None:  # noqa: A002
        super().__init__(what, why=why, next=next)
        self.code = code


class SlackTokenTrouble(ConfigError):
    """Slack does not take the token, or the token may not do this; somebody has to change the app."""

    def __init__(self, what: str, *, code: str, why: str = "", next: str = "") -> None:  # noqa: A002
        super().__init__(what, why=why, next=next)
        self.code = code


_INVITE = "type `/invite @andon` in the channel"
_POLICY = "name another channel in `audiences` of the policy"
_TOKEN = "copy the Bot User OAuth Token of the app into ANDON_SLACK_BOT_TOKEN"  # noqa: S105 - the name of a secret
_INSTALL = "install the app again (api.slack.com/apps, Install App), and " + _TOKEN
_ADMIN = "ask an administrator of the workspace to allow it"
_FORM = "use the button again: it opens the form anew"
_FAULT = "this is a fault of Andon: please report it with the words of the notice"

PASSING = {
    "ratelimited": "too much was sent in a short time",
    "rate_limited": "too much was sent in a short time",
    "message_limit_exceeded": "too much was sent in a short time",
    "internal_error": "Slack stumbled",
    "fatal_error": "Slack stumbled",
    "service_unavailable": "Slack is away",
    "request_timeout": "the request arrived in part only",
    "team_added_to_org": "the workspace is being moved",
    "external_channel_migrating": "the channel is being moved",
}
"""Codes that go away by themselves, and why they come."""

_UNCERTAIN = frozenset({"internal_error", "fatal_error", "service_unavailable"})
"""Slack's reference says that some of the work may have been done all the same."""

TOKEN = {
    "invalid_auth": ("Slack does not know the token", _TOKEN),
    "not_authed": ("there is no token", _TOKEN),
    "token_revoked": ("the token was taken back", _INSTALL),
    "token_expired": ("the token has expired", "switch token rotation off in the app; then " + _INSTALL),
    "account_inactive": ("the app was removed from the workspace", _INSTALL),
    "app_uninstalled": ("the app was removed from the workspace", _INSTALL),
    "not_allowed_token_type": (
        "the token is of another kind",
        "a bot token begins with xoxb-, an app token with xapp-",
    ),
    "missing_scope": ("the app lacks a scope", "add it under OAuth & Permissions, and reinstall the app"),
    "no_permission": ("the app lacks a permission", "compare its scopes with docs/slack-app-manifest.yaml"),
    "access_denied": ("the workspace does not allow it", _ADMIN),
    "ekm_access_denied": ("the workspace has suspended access", _ADMIN),
    "org_login_required": ("the workspace belongs to an organisation now", _INSTALL),
    "team_access_not_granted": ("the app is not installed in this workspace", _INSTALL),
    "two_factor_setup_required": ("the workspace demands a second factor", _ADMIN),
}
"""Codes about the token: why, and what to do next."""

PERMANENT = {
    "channel_not_found": ("there is no such channel, or it is private without the app", f"{_INVITE}, or {_POLICY}"),
    "not_in_channel": ("the app is not in the channel", _INVITE),
    "is_archived": ("the channel is archived", _POLICY),
    "is_inactive": ("the channel is not active", _POLICY),
    "restricted_action": ("the workspace restricts who may post", _ADMIN),
    "restricted_action_read_only_channel": ("the channel can only be read", _POLICY),
    "restricted_action_thread_only_channel": ("only replies are allowed in the channel", _POLICY),
    "restricted_action_non_threadable_channel": ("the channel has no threads", _POLICY),
    "restricted_action_thread_locked": ("the thread is locked", "unlock it"),
    "channel_is_limited_access": ("the channel is open to few", _ADMIN),
    "user_not_found": ("there is no such person", "correct the id in the policy"),
    "users_not_found": ("nobody has this address", "correct the address in the policy"),
    "user_not_visible": ("the app may not see this person", _ADMIN),
    "user_disabled": ("the account is deactivated", "name another person in the policy"),
    "user_not_in_channel": ("the person is not in the channel", "invite them"),
    "cannot_dm_bot": ("bots take no messages", "name a person in the policy"),
    "no_such_subteam": ("there is no such user group", "correct the id (S…) in the policy"),
    "message_not_found": ("the message is gone", ""),
    "thread_not_found": ("the thread is gone", ""),
    "cannot_reply_to_message": ("the message takes no replies", ""),
    "cant_update_message": ("the message is not the app's", ""),
    "edit_window_closed": ("the workspace does not allow edits any more", _ADMIN),
    "cant_delete_message": ("the message is not the app's", ""),
    "msg_too_long": ("the text is too long", _FAULT),
    "msg_blocks_too_long": ("the blocks are too long", _FAULT),
    "no_text": ("there is no text", _FAULT),
    "invalid_blocks": ("the blocks break a limit", _FAULT),
    "invalid_blocks_format": ("the blocks are no blocks", _FAULT),
    "invalid_arguments": ("the arguments are wrong", _FAULT),
    "invalid_metadata_format": ("the metadata is wrong", _FAULT),
    "metadata_too_large": ("the metadata is too large", _FAULT),
    "invalid_cursor": ("the cursor is wrong", _FAULT),
    "unknown_method": ("Slack has no such method", "is ANDON_SLACK_API_URL right?"),
    "method_deprecated": ("Slack has retired the method", "a newer version of Andon is needed"),
    "expired_trigger_id": ("three seconds had passed", _FORM),
    "exchanged_trigger_id": ("the form was opened already", _FORM),
    "invalid_trigger_id": ("Slack does not know what opened the form", _FORM),
    "view_too_large": ("the form is too large", _FAULT),
    "hash_conflict": ("somebody changed the form meanwhile", _FORM),
    "not_found": ("the form is closed", _FORM),
    "already_reacted": ("the reaction is there already", ""),
    "file_not_found": ("there is no such file", ""),
    "file_deleted": ("the file was deleted", ""),
}
"""Codes that stay: why, and what to do next."""

_CODE = re.compile(r"[a-z0-9_]{1,60}")


def failure(method: str, code: object, *, retry_after: str = "", needed: object = "") -> AndonError:
    """The error for a refusal with this code; one that nobody has heard of is permanent, so that it is not hammered."""
    word = code if isinstance(code, str) and _CODE.fullmatch(code) else "a code that cannot be read"
    what = f"Slack refused {method}: {word}"
    if word in PASSING:
        delay = asked_delay(retry_after, otherwise=timedelta(seconds=5))
        return TryLater(what, delay=delay, ambiguous=word in _UNCERTAIN, why=PASSING[word])
    if word in TOKEN:
        why, then = TOKEN[word]
        if isinstance(needed, str) and re.fullmatch(r"[a-z:._,]{1,200}", needed):
            why = f"{why}: {needed}"
        return SlackTokenTrouble(what, code=word, why=why, next=then)
    why, then = PERMANENT.get(word, ("Andon does not know this code", "see docs.slack.dev for what it means"))
    return SlackRefusal(what, code=word, why=why, next=then)


def asked_delay(retry_after: str, *, otherwise: timedelta) -> timedelta:
    """What `Retry-After` asks for in seconds, between one second and `LONGEST_DELAY`."""
    if not re.fullmatch(r"\d{1,9}", retry_after.strip()):
        return otherwise
    return min(LONGEST_DELAY, timedelta(seconds=max(1, int(retry_after))))
