"""Reads which version serves in one environment: one call outside, and every way in which it can go wrong in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.domain.errors import AndonError
from bot.domain.policies import LiveRead, Policy
from bot.flow.stepping import Workshop
from bot.plugins import Call, Reply

DEADLINE = timedelta(seconds=5)
MOST_CHARACTERS = 200
"""Of a version."""
_MOST_BYTES = 64 * 1024
_MOST_WORDS = 300


@dataclass(frozen=True)
class Seen:
    """A version, or why there is none."""

    version: str | None = None
    problem: str = ""


def read_version(workshop: Workshop, policy: Policy, environment: str, rule: LiveRead) -> Seen:
    """Ask the target. Never raises; what is said of a fault holds no secret."""
    try:
        reply = _ask(workshop, policy, environment, rule)
        seen = _version_in(rule, reply)
    except AndonError as error:
        seen = Seen(problem=str(error))
    except Exception as error:
        seen = Seen(problem=f"it broke in a way nobody foresaw ({type(error).__name__}: {error})")
    if seen.version is not None and workshop.secrets.redact(seen.version) != seen.version:
        return Seen(problem="the version that it gives holds a secret")
    return Seen(seen.version, _sayable(workshop.secrets.redact(seen.problem)))


def _ask(workshop: Workshop, policy: Policy, environment: str, rule: LiveRead) -> Reply:
    target = policy.targets.get(environment)
    known = target.facts() if target else {}
    facts = {"service": policy.service, "environment": environment, "target": known}
    fill = workshop.expressions.fill
    call = Call(
        "GET",
        str(fill(rule.url, facts, secrets=True)),
        headers={name: str(value) for name, value in fill(dict(rule.headers), facts, secrets=True).items()},
        timeout=min(DEADLINE, rule.every),
        max_bytes=_MOST_BYTES,
    )
    return workshop.http.request(call, allow_hosts=target.allow_hosts if target else ())


def _version_in(rule: LiveRead, reply: Reply) -> Seen:
    if reply.status is None:
        return Seen(problem=reply.error or "it does not answer")
    if not 200 <= reply.status < 300:
        return Seen(problem=f"it answered with status {reply.status}")
    facts = {"status": reply.status, "body": reply.body, "headers": dict(reply.headers), "text": reply.text}
    return version_of(rule.version.value(facts))


def version_of(value: Any) -> Seen:
    """The value of a version expression as a version: text of 1 to 200 characters without blanks, or a whole number."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**MOST_CHARACTERS else ""
    if value is None:
        return Seen(problem="its answer holds no version")
    if not isinstance(value, str):
        return Seen(problem=f"what its answer gives as the version is {_kind(value)}, not text")
    text = value.strip()
    if not text or len(text) > MOST_CHARACTERS or not text.isprintable() or " " in text:
        return Seen(problem="what its answer gives as the version is not 1 to 200 characters without blanks")
    return Seen(text)


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "a truth value"
    return "a number with a fraction" if isinstance(value, float) else "a list or a map"


def _sayable(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_WORDS else f"{line[: _MOST_WORDS - 1]}…"
