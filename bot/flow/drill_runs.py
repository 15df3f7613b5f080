"""The two runs of a drill's own: the one that brings the failure about, and the one that takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from bot.domain.drill_rules import patience_of
from bot.domain.drills import Drill
from bot.domain.playbooks import IfInterrupted, Playbook, PlaybookKind, StepSpec
from bot.domain.policies import DrillRule, Policy
from bot.domain.runs import Run
from bot.domain.step_states import StepStatus
from bot.flow.planning import Cause, plan_run
from bot.flow.situation import Situation
from bot.flow.stepping import Workshop

INJECTION = "drill-injection"
CLEANING = "drill-cleaning"
UNDOES = "undo-"
"""Before the id of the step that one takes back."""


def injection(workshop: Workshop, situation: Situation, policy: Policy, drill: Drill, rule: DrillRule) -> Run:
    """The run that brings the failure about."""
    steps = tuple(_filled(workshop, one) for one in rule.inject)
    summary = f"Bring about what drill {drill.id} rehearses"
    return _planned(situation, policy, drill, Playbook(playbook=INJECTION, kind=_KIND, summary=summary, steps=steps))


def cleaning(situation: Situation, policy: Policy, drill: Drill, injected: Run | None) -> Run | None:
    """The run that takes back, in reverse, what the injection may have done; None where there is nothing to take back.

    It acts where the injection acted: on the target that it was planned with.
    """
    specs = [injected.spec(one.id) for one in reversed(injected.steps) if one.may_have_acted] if injected else []
    steps = tuple(_undoing(one) for one in specs if one.undo is not None)
    if injected is None or not steps:
        return None
    summary = f"Take back what drill {drill.id} brought about"
    book = Playbook(playbook=CLEANING, kind=_KIND, summary=summary, steps=steps)
    given = {one.id: {"output": dict(one.output), "status": str(one.status)} for one in injected.steps}
    return _planned(situation, policy, drill, book, like=injected, steps=given)


def left_behind(workshop: Workshop, injected: Run | None, cleaned: Run | None) -> list[str]:
    """What somebody has to take back by hand, in words: steps without an undo, and undos that were not done."""
    found = []
    for one in injected.steps if injected else ():
        spec = injected.spec(one.id) if injected else None
        if spec is None or not one.may_have_acted or not workshop.acts(spec):
            continue
        if spec.undo is None:
            found.append(f"step {one.id} ({one.use}) may have acted and declares no undo")
        elif cleaned is None or not _is_done(cleaned, one.id):
            found.append(f"step {one.id} ({one.use}) was not taken back ({spec.undo.use})")
    return found


def left_words(left: Sequence[str]) -> str:
    """For one sentence."""
    return "; ".join(left)


_KIND = PlaybookKind.DRILL
_LONGEST_ID = 64


def _undo_of(step_id: str) -> str:
    """The id of what takes this step back: another for each step, also where the whole would be too long for an id."""
    whole = f"{UNDOES}{step_id}"
    return whole if len(whole) <= _LONGEST_ID else f"{whole[:51]}-{sha256(step_id.encode()).hexdigest()[:12]}"


def _is_done(cleaned: Run, step_id: str) -> bool:
    return any(one.id == _undo_of(step_id) and one.status is StepStatus.DONE for one in cleaned.steps)


def _undoing(spec: StepSpec) -> StepSpec:
    assert spec.undo is not None
    repeats = spec.if_interrupted is IfInterrupted.REPEAT
    return StepSpec(
        id=_undo_of(spec.id),
        use=spec.undo.use,
        with_=spec.undo.with_,
        timeout=spec.timeout,
        tries=spec.tries,
        if_interrupted=IfInterrupted.REPEAT if repeats else IfInterrupted.ASK,
    )


def _filled(workshop: Workshop, spec: StepSpec) -> StepSpec:
    """Reads may always be repeated; whatever acts asks, unless the policy says more."""
    if spec.if_interrupted is not None:
        return spec
    default = IfInterrupted.ASK if workshop.acts(spec) else IfInterrupted.REPEAT
    return spec.model_copy(update={"if_interrupted": default})


def _planned(
    situation: Situation, policy: Policy, drill: Drill, book: Playbook, *, like: Run | None = None, **facts: object
) -> Run:
    run = plan_run(
        situation.ids,
        policy,
        book,
        (drill.service, drill.environment),
        release=situation.releases.get(drill.service),
        incident=None,
        cause=Cause(event_id="", within=patience_of(drill), reason=f"drill {drill.id}"),
        now=situation.now,
        is_drill=True,
        like=like.facts if like else {},
    )
    run = replace(run, event_id=None, facts={**run.facts, **facts})
    situation.add_run(run)
    return run
