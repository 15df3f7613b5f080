"""Policies: what a team agreed to do about its service, as `policies/<service>.yaml` says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, model_validator
from pydantic_core import PydanticCustomError

from bot.domain.canary_rules import CANARY_DIVERGENCE, Canary
from bot.domain.conditions import Compiled, Condition
from bot.domain.fields import Duration, Name, PositiveDuration, Strict, Version
from bot.domain.incidents import Severity
from bot.domain.pages import PagerName
from bot.domain.playbooks import StepSpec
from bot.domain.postmortem_rules import PostmortemRule
from bot.domain.stable_rules import StableRule
from bot.domain.stages import Emergency, Freeze, Stage, Window, live_stage
from bot.domain.written_values import cron_line, host_name, mail_address, quiet_hours, time_zone

AUTOMATIC = "automatic"
"""The authority of a criterion that fires with nobody involved."""
PRODUCTION = "production"
DEFAULT_AUDIENCES = ("engineering", "product", "executive", "support")
ROLLBACK_AUTHORITY = "rollback_authority"

AlertCondition = Annotated[Condition, Compiled("alert")]
CriterionCondition = Annotated[Condition, Compiled("alert", "severity", "environment", "service", "release")]
AnswerCondition = Annotated[Condition, Compiled("status", "body", "headers", "text")]


def _no_key(_value: object) -> object:
    raise PydanticCustomError("extra_forbidden", "no file sets this")


def _repeated(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


class Mode(StrEnum):
    """Whether a policy acts or only records what it would have done."""

    ACT = "act"
    OBSERVE = "observe"


class ApprovalRule(Strict):
    """How long an approval is waited for and what happens then; the run keeps waiting either way."""

    expires: PositiveDuration = timedelta(minutes=15)
    then: Literal["hold", "escalate"] = "hold"


class Criterion(Strict):
    """One rollback criterion: the first that holds decides."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=120)]
    when: CriterionCondition
    playbook: Name
    authority: Name = AUTOMATIC
    within: PositiveDuration = timedelta(minutes=5)
    approval: ApprovalRule = ApprovalRule()
    owner: StrictStr | None = None
    """A person or a role: told besides the audiences when its rollback fails, needs a person or is late."""

    @property
    def is_automatic(self) -> bool:
        """Fires with nobody involved."""
        return bool(self.authority == AUTOMATIC)


class Audience(Strict):
    """Who is told, where, and when not."""

    slack: StrictStr | None = None
    email: tuple[Annotated[StrictStr, AfterValidator(mail_address)], ...] = ()
    min_severity: Severity | None = None
    quiet: Annotated[StrictStr, AfterValidator(quiet_hours)] | None = None
    timezone: Annotated[StrictStr, AfterValidator(time_zone)] = "UTC"
    max_per_hour: int | None = Field(default=None, ge=1, strict=True)


class Meeting(Strict):
    invite: tuple[StrictStr, ...] = ()
    within: PositiveDuration = timedelta(minutes=30)


class EscalationStep(Strict):
    """One level: whom to call when a question has had no answer for so long."""

    after: Duration
    notify: StrictStr
    """A role, or the name of a pager."""
    page: PagerName | None = None
    """Called besides."""


class PolicyRelease(Strict):
    """The release in flight until POST /releases replaces it or it was rolled back."""

    incumbent: Version
    candidate: Version
    author: StrictStr | None = None
    """Who made the candidate: never the one who alone lifts a halt of it."""

    @property
    def pair(self) -> str:
        """Both versions, as a release remembers them."""
        return f"{self.incumbent} {self.candidate}"


class HaltRule(Strict):
    playbook: Name


class LiveRead(Strict):
    """How the version that serves in one environment is read back."""

    url: StrictStr
    """May read `target.<key>`; its host must be in the target's `allow_hosts`."""
    version: AnswerCondition
    """An expression over `status`, `body`, `headers` and `text` whose value is the version."""
    headers: Mapping[StrictStr, StrictStr] = Field(default_factory=dict)
    every: PositiveDuration = timedelta(minutes=1)


class DrillRule(Strict):
    """One rehearsal that the policy wants, and when."""

    playbook: Name
    environment: Name = "staging"
    cron: Annotated[StrictStr, AfterValidator(cron_line)] | None = None
    objective: PositiveDuration = timedelta(minutes=5)
    remind: tuple[PositiveDuration, ...] = ()
    inject: tuple[StepSpec, ...] = ()
    alert: Mapping[Name, StrictStr] = Field(default_factory=dict)
    name: Annotated[StrictStr, Field(min_length=1, max_length=120)] | None = None
    """How the failure that is rehearsed is called."""
    timezone: Annotated[StrictStr, AfterValidator(time_zone)] = "UTC"
    """Of `cron`."""
    grace: PositiveDuration = timedelta(hours=1)
    """How late it may still start; after that it is missed."""
    tell: tuple[Name, ...] = ()
    """Audiences that hear of it besides engineering."""


class Target(Strict, extra="allow"):
    """Where one environment lives. `allow_hosts` is the whole rule on which hosts may be called;
    every other key is text that playbooks read as `target.<key>`."""

    allow_hosts: tuple[Annotated[StrictStr, AfterValidator(host_name)], ...] = ()

    @model_validator(mode="after")
    def _values_are_text(self) -> Self:
        for key, value in (self.model_extra or {}).items():
            if key.startswith("_"):
                raise ValueError(f"{key!r}: names with a leading underscore are not allowed")
            if not isinstance(value, str | bool | int | float):
                raise ValueError(  # noqa: TRY004 - pydantic reports ValueError only
                    f"{key!r} must be text or a number"
                )
        return self

    def facts(self) -> dict[str, Any]:
        """What `target.<key>` reads in a playbook."""
        return {**(self.model_extra or {}), "allow_hosts": list(self.allow_hosts)}


class Policy(Strict):
    """One service's policy. `digest` is set by the loader and stands with each decision."""

    service: Name
    summary: str = ""
    team: Name | None = None
    """Who answers for it; the measures of the process are put together by it."""
    match: AlertCondition
    environment: AlertCondition | None = None
    mode: Mode = Mode.ACT
    severity: Mapping[Severity, AlertCondition] = Field(default_factory=dict)
    roles: Mapping[Name, tuple[StrictStr, ...]] = Field(default_factory=dict)
    persons: Mapping[Name, tuple[StrictStr, ...]] = Field(default_factory=dict)
    audiences: Mapping[Name, Audience] = Field(default_factory=dict)
    update_every: PositiveDuration = timedelta(minutes=20)
    meeting: Meeting | None = None
    escalation: tuple[EscalationStep, ...] = ()
    release: PolicyRelease | None = None
    rollback: tuple[Criterion, ...] = ()
    halt: HaltRule | None = None
    cooldown: Duration = timedelta(minutes=30)
    stable: StableRule | None = None
    fallbacks: tuple[Name, ...] = ()
    targets: Mapping[Name, Target] = Field(default_factory=dict)
    canary: Canary | None = None
    stages: tuple[Stage, ...] = ()
    freeze: tuple[Freeze, ...] = ()
    emergency: Emergency | None = None
    baseline: Version | None = None
    """The version that may be restored before any was endorsed here."""
    depends_on: tuple[Name, ...] = ()
    """Services and data pipelines that every release of this one may depend on."""
    live: Mapping[Name, LiveRead] = Field(default_factory=dict)
    """By environment: how the version that serves there is read back."""
    drills: tuple[DrillRule, ...] = ()
    game_days: tuple[Window, ...] = ()
    """When a drill may come as a surprise; none: never."""
    postmortem: PostmortemRule = PostmortemRule()
    assumed_restore: PositiveDuration | None = None
    """How long the team believes that a restoration takes: shown beside what was measured."""
    review_every: Duration | None = None
    digest: Annotated[str, BeforeValidator(_no_key)] = Field(default="", exclude=True)

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        if twice := _repeated(criterion.name for criterion in self.rollback):
            raise ValueError(f"two rollback criteria are called {twice!r}")
        if twice := _repeated(name for ids in self.persons.values() for name in set(ids)):
            raise ValueError(f"{twice!r} stands with two persons; an id belongs to one")
        if twice := _repeated(stage.name for stage in self.stages):
            raise ValueError(f"two stages are called {twice!r}")
        if len([stage for stage in self.stages if stage.live]) > 1:
            raise ValueError("only one stage is `live`")
        return self

    @property
    def live_stage(self) -> str | None:
        """The stage that puts a candidate before everybody."""
        return live_stage(self.stages)

    def frozen_by(self, now: datetime) -> Freeze | None:
        """The freeze that holds at this moment."""
        return next((one for one in self.freeze if one.holds(now)), None)

    def is_game_day(self, now: datetime) -> bool:
        """Whether a drill may come as a surprise at this moment."""
        return any(one.holds(now) for one in self.game_days)

    def severity_of(self, facts: Mapping[str, Any]) -> Severity:
        """The first severity whose condition holds, worst first as written; SEV-3 when none does."""
        for severity, condition in self.severity.items():
            if condition.judge(facts):
                return severity
        return Severity.SEV_3

    def environment_of(self, facts: Mapping[str, Any]) -> str:
        """The environment an alert names; production where it names none."""
        if self.environment is None:
            return PRODUCTION
        value = self.environment.value(facts)
        return value if isinstance(value, str) and value else PRODUCTION

    def matches(self, facts: Mapping[str, Any]) -> bool:
        """Whether an alert is about this service; what cannot be evaluated is not."""
        return bool(self.match.judge(facts))

    def owner_of(self, criterion: str | None) -> str | None:
        """Who owns a rollback criterion, as the policy writes it; None where nobody does."""
        if criterion == CANARY_DIVERGENCE:
            rule = self.canary.on_divergence if self.canary else None
            return rule.owner if rule else None
        return next((one.owner for one in self.rollback if one.name == criterion), None)

    def members(self, role: str) -> tuple[str, ...]:
        """Ids that hold a role; none where the policy does not name it."""
        return self.roles.get(role, ())

    def person(self, name: str) -> str:
        """The one person behind an id, so that two ids of one person are not two people."""
        for person, ids in self.persons.items():
            if name == person or name in ids:
                return f"person:{person}"
        return name

    def holds_role(self, name: str, role: str) -> bool:
        """Whether this id, or another id of the same person, is a member of the role."""
        return self.membership((name,), role) is not None

    def membership(self, ids: Iterable[str], role: str) -> str | None:
        """The member of a role by which one of these ids (a person's, or those of groups) holds it; None: by none."""
        persons = {self.person(one) for one in ids}
        return next((member for member in self.members(role) if self.person(member) in persons), None)

    def told(self, severity: Severity) -> tuple[str, ...]:
        """Audiences that hear of an incident this bad; the four defaults where the policy names none."""
        if not self.audiences:
            return DEFAULT_AUDIENCES
        return tuple(
            name
            for name, audience in self.audiences.items()
            if audience.min_severity is None or severity.rank <= audience.min_severity.rank
        )
