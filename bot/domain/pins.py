"""The pin of a release: the policy, playbooks and files that were in force at its start, and hold until its end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from bot.domain.conditions import Compile
from bot.domain.errors import Refused
from bot.domain.playbooks import Playbook
from bot.domain.policies import Policy
from bot.domain.stages import CANARY, DRILL, GateUse, Stage
from bot.domain.times import format_duration
from bot.domain.walks import ReleaseKind


@dataclass(frozen=True)
class Pin:
    """What gates and stages of one release are taken from, whatever the files say meanwhile."""

    policy: Policy
    kind: ReleaseKind = ReleaseKind.STANDARD
    playbooks: Mapping[str, Playbook] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of every reviewed file that its gates read or run, by `folder/name`."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The stages in order; those of the emergency class for an emergency."""
        if self.kind is ReleaseKind.EMERGENCY:
            return self.policy.emergency.stages() if self.policy.emergency else ()
        return tuple(_with_drills(_with_canary(one, self.policy), self.policy) for one in self.policy.stages)

    def stage(self, name: str | None) -> Stage | None:
        """The stage of this name."""
        return next((one for one in self.stages if one.name == name), None)

    def as_bytes(self) -> bytes:
        """Canonical JSON: the same pin gives the same bytes, so its digest names it."""
        plain = {
            "policy": self.policy.model_dump(mode="json", by_alias=True),
            "policy_digest": self.policy.digest,
            "kind": str(self.kind),
            "playbooks": {name: dict(one.plain) for name, one in self.playbooks.items()},
            "files": dict(self.files),
        }
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def digest_of(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_pin(content: bytes, digest: str, compile_: Compile) -> Pin:
    """The pin out of its bytes. Refused where they are not those that the release was started with."""
    if digest_of(content) != digest:
        raise Refused("The pinned policy is not the one that this release was started with", next="start a new release")
    try:
        plain: dict[str, Any] = json.loads(content)
        policy = Policy.model_validate(plain["policy"], context={"compile": compile_})
        return Pin(
            policy=policy.model_copy(update={"digest": plain["policy_digest"]}),
            kind=ReleaseKind(plain["kind"]),
            playbooks={name: Playbook.model_validate(one) for name, one in plain["playbooks"].items()},
            files=plain["files"],
        )
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}"[:300]
        raise Refused("The pinned policy cannot be read by this version", why=why, next="start a new release") from None


def _with_canary(stage: Stage, policy: Policy) -> Stage:
    """A canary stage of a policy that has a canary is never passed without its comparison."""
    has_one = any(gate.use == CANARY for gate in stage.gates)
    if stage.name != CANARY or policy.canary is None or has_one:
        return stage
    return stage.model_copy(update={"gates": (*stage.gates, GateUse(use=CANARY))})


def _with_drills(stage: Stage, policy: Policy) -> Stage:
    """A stage with `drilled_within` is passed only where every way back of the policy was rehearsed so lately."""
    if stage.drilled_within is None:
        return stage
    ways = dict.fromkeys(one.playbook for one in policy.rollback)
    within = format_duration(stage.drilled_within)
    gates = (GateUse.model_validate({"use": DRILL, "playbook": one, "within": within}) for one in ways)
    return stage.model_copy(update={"gates": (*stage.gates, *gates)})
