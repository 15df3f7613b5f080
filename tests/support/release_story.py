"""The stage of the release story: processes of Andon, a real model server for each service, Slack and mail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx

from support.databases import database
from support.fake_slack import FakeSlack
from support.installation import SECRETS, Parts, end_all, family_of, running_parts, until
from support.mail_server import MailServer, mail_server
from support.redis_servers import redis_server
from support.release_policies import CHANNEL, MANIFEST, release_policy, write_story_config


@dataclass
class ModelServer:
    """The demo's model server as a process, with 41 in place and payments coming in while `paying`."""

    process: subprocess.Popen[str]
    address: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10, trust_env=False))

    def known(self) -> dict[str, Any]:
        """What it says of itself."""
        return dict(self.http.get(f"{self.address}/models/fraud-model").json())

    def break_pipeline(self, *versions: str) -> None:
        """From now on the features of these versions come in cents."""
        answer = self.http.post(f"{self.address}/models/fraud-model/pipeline", json={"cents": versions})
        assert answer.status_code == 200, answer.text

    def close(self) -> None:
        """End it."""
        end_all(family_of(self.process.pid))
        self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.http.close()


def start_model_server(delay_seconds: float = 0.0) -> ModelServer:
    """On a free port."""
    command = [sys.executable, "-m", "bot.demo.model_server", str(delay_seconds), "41"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return ModelServer(process, f"http://127.0.0.1:{int(process.stdout.readline())}")


@dataclass
class Sender:
    """The shadow process of one release."""

    process: subprocess.Popen[str]
    times_file: Path

    @property
    def times(self) -> list[float]:
        """When each pair was there, oldest first; seconds since the epoch."""
        return [float(line) for line in self.times_file.read_text().splitlines() if "." in line]

    def end(self) -> dict[str, Any]:
        """Send what waits, and stop; the client's counts."""
        said, _ = self.process.communicate("", timeout=20)
        return dict(json.loads(said))

    def close(self) -> None:
        """Kill it, where it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@dataclass(frozen=True)
class Said:
    """One command of `andon` as its caller sees it."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, parsed."""
        return json.loads(self.out)


@dataclass
class House:
    """Web, workers, clock and Redis as single processes on one database; Slack and mail beside them."""

    parts: Parts
    slack: FakeSlack
    mail: MailServer
    models: dict[str, ModelServer]
    senders: list[Sender] = field(default_factory=list)

    def andon(self, *words: str, by: str = "ada") -> Said:
        """A command in a process of its own."""
        env = self.parts.env(ANDON_TOKEN=SECRETS[by])
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words], env=env, capture_output=True, text=True, timeout=60, check=False
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str, by: str = "ada") -> Said:
        """A command that has to end with 0."""
        said = self.andon(*words, by=by)
        assert said.code == 0, f"andon {' '.join(words)}: {said.code} {said.out} {said.err}"
        return said

    def start(self, service: str, candidate: str = "43") -> str:
        """The id of a release that the command line started with the manifest."""
        file = self.parts.folder / f"{service}.json"
        file.write_text(json.dumps(MANIFEST), encoding="utf-8")
        words = ("release", "start", service, "--candidate", candidate, "--manifest", str(file), "--json")
        return str(self.must(*words).json["id"])

    def release(self, release: str) -> dict[str, Any]:
        """As the API shows it."""
        return self.parts.api.get(f"/releases/{release}")

    def await_state(self, release: str, state: str, *, seconds: float = 40) -> dict[str, Any]:
        """The release, once it is there."""

        def look() -> dict[str, Any] | None:
            found = self.release(release)
            return found if found["state"] == state else None

        return until(f"{release} is {state}", look, seconds=seconds)

    def canary(self, release: str) -> dict[str, Any]:
        """The comparison, as the API shows it."""
        return self.parts.api.get(f"/canaries/{release}")

    def shadow(self, service: str, release: str, candidate: str = "43", seed: int = 7) -> Sender:
        """A process that sends pairs from now on."""
        file = self.parts.folder / f"{service}.times"
        model, address = self.models[service].address, self.parts.api.address
        words = [model, address, SECRETS["olga"], release, candidate, str(file), str(seed)]
        process = subprocess.Popen(
            [sys.executable, "-m", "support.shadow_sender", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        )
        self.senders.append(Sender(process, file))
        return self.senders[-1]

    def incident(self, service: str) -> dict[str, Any]:
        """The newest incident of a service, whole, once there is one."""
        found = until(
            f"{service} has an incident", lambda: self.parts.api.get(f"/incidents?service={service}")["items"]
        )
        return self.parts.api.get(f"/incidents/{found[0]['id']}")

    def page(self, path: str) -> str:
        """A page, as somebody sees it who logged in with a token."""
        address = self.parts.api.address
        with httpx.Client(timeout=20, trust_env=False, follow_redirects=True) as browser:
            form = {"token": SECRETS["ada"], "next": path}
            answer = browser.post(f"{address}/login", data=form, headers={"Origin": address})
        assert answer.status_code == 200, answer.text
        return answer.text

    def slack_says(self, service: str, *words: str) -> str:
        """The newest message about a service with all these words, as it stands there; waited for."""

        def look() -> str | None:
            for one in reversed(self.slack.every_message(CHANNEL)):
                said = f"{one.text}\n{one.blocks}"
                if service in said and all(word in said for word in words):
                    return said
            return None

        return until(f"{words} is said of {service} in Slack", look, seconds=40)

    def mailed(self, service: str, to: str, *words: str) -> str:
        """The newest mail about a service to somebody with all these words; waited for."""

        def look() -> str | None:
            for one in reversed(self.mail.mails):
                part = one.message.get_body(("plain",))
                said = f"{one.message['Subject']}\n{part.get_content() if part else ''}"
                if to in one.to and service in said and all(word in said for word in words):
                    return said
            return None

        return until(f"{words} is mailed to {to} about {service}", look, seconds=40)

    def dying_worker(self, point: str) -> subprocess.Popen[bytes]:
        """A worker of the lane for folds and promotions that is killed at a point, once: its data folder is its own."""
        return self.parts.worker("other", ANDON_DATA=mkdtemp(dir=self.parts.folder), ANDON_CRASH_AT=point)


@contextmanager
def running_house(folder: Path, kind: str, services: Iterable[str]) -> Iterator[House]:
    """Everything, started and ended; workers are there, one for each lane."""
    with ExitStack() as stack:
        models = {}
        for service in services:
            models[service] = start_model_server()
            stack.callback(models[service].close)
        slack, mail = stack.enter_context(FakeSlack()), stack.enter_context(mail_server())
        address = stack.enter_context(database(kind, folder))
        config = write_story_config(
            folder / "config", [release_policy(name, one.address) for name, one in models.items()]
        )
        (folder / "redis").mkdir()
        redis = stack.enter_context(redis_server(folder / "redis"))
        parts = stack.enter_context(
            running_parts(
                folder,
                config,
                address,
                redis.url,
                ANDON_SLACK_BOT_TOKEN=slack.workspace.bot_token,
                ANDON_SLACK_SIGNING_SECRET=slack.workspace.signing_secret,
                ANDON_SLACK_API_URL=slack.api_url,
                ANDON_SMTP_URL=f"smtp://127.0.0.1:{mail.port}?starttls=never",
                ANDON_MAIL_FROM="Andon <andon@example.com>",
            )
        )
        house = House(parts, slack, mail, models)
        parts.clock()
        for lane in ("rollbacks", "notices", "other"):
            parts.worker(lane)
        try:
            yield house
        finally:
            for one in house.senders:
                with suppress(ValueError):
                    one.close()
