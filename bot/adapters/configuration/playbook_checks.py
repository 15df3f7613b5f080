"""Holds a playbook against the steps there are: names, parameters, templates, conditions, interruptions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.adapters.configuration.files import PlaybookFile
from bot.adapters.configuration.names import unknown
from bot.adapters.configuration.parameter_checks import Written
from bot.adapters.configuration.reader import Document, Path_
from bot.domain.errors import Fault
from bot.domain.playbooks import ActionSpec, IfInterrupted, OnFailure, StepSpec
from bot.plugins import Checkable, Step

Steps = Mapping[str, Step]


def check_playbook(file: PlaybookFile, steps: Steps) -> tuple[PlaybookFile, list[Fault], list[Fault]]:
    """The playbook with every `if_interrupted` filled in, its faults and its warnings."""
    faults: list[Fault] = []
    for _, path, action, earlier in actions(file.playbook.steps, ("steps",)):
        faults += check_action(file.document, path, action, steps, earlier)
    for index, spec in enumerate(file.playbook.steps):
        faults += _check_interruption(file.document, ("steps", index), spec, steps)
    if faults:
        return file, faults, []
    filled = tuple(_filled(spec, steps) for spec in file.playbook.steps)
    playbook = file.playbook.model_copy(update={"steps": filled})
    return PlaybookFile(file.document, playbook), [], _warnings(file, steps)


def actions(specs: tuple[StepSpec, ...], base: Path_) -> Iterator[tuple[StepSpec, Path_, ActionSpec, tuple[str, ...]]]:
    """Every action with where it stands and the steps it may read: earlier ones, an undo its own step too."""
    earlier: tuple[str, ...] = ()
    for index, spec in enumerate(specs):
        yield spec, (*base, index), spec, earlier
        if spec.check is not None:
            yield spec, (*base, index, "check"), spec.check, earlier
        earlier = (*earlier, spec.id)
        if spec.undo is not None:
            yield spec, (*base, index, "undo"), spec.undo, earlier


def check_action(
    document: Document, path: Path_, action: ActionSpec, steps: Steps, earlier: tuple[str, ...]
) -> list[Fault]:
    """What is wrong with one `use` and its `with`."""
    base = (*path, "with")
    # Without `with` in the file its faults belong to the line of the step.
    written = Written(document, base, base if base in document.values else path, action.with_)
    faults = list(written.check_templates(earlier))
    step = steps.get(action.use)
    if step is None:
        return [*faults, document.fault((*path, "use"), unknown("step", action.use, steps))]
    return [*faults, *written.check_model(step.Params), *written.check_conditions(step.Params)]


def _check_interruption(document: Document, path: Path_, spec: StepSpec, steps: Steps) -> list[Fault]:
    step = steps.get(spec.use)
    if spec.if_interrupted is not IfInterrupted.CHECK or step is None:
        return []
    if spec.check is not None or isinstance(step, Checkable):
        return []
    able = [name for name, other in steps.items() if isinstance(other, Checkable)]
    why = f"if_interrupted: check needs a 'check:' action, because {spec.use} cannot look for its own effect"
    return [document.fault((*path, "if_interrupted"), f"{why}; steps that can: {', '.join(sorted(able)) or 'none'}")]


def _filled(spec: StepSpec, steps: Steps) -> StepSpec:
    """Reads may always be repeated; whatever acts asks a person, unless the file says more."""
    step = steps.get(spec.use)
    if spec.if_interrupted is not None or step is None:
        return spec
    default = IfInterrupted.ASK if step.acts(dict(spec.with_)) else IfInterrupted.REPEAT
    return spec.model_copy(update={"if_interrupted": default})


def _warnings(file: PlaybookFile, steps: Steps) -> list[Fault]:
    found = []
    for index, spec in enumerate(file.playbook.steps):
        looks = spec.check and steps.get(spec.check.use)
        if spec.check and looks and looks.acts(dict(spec.check.with_)):
            found.append(
                file.document.fault(("steps", index, "check"), f"this check may act: {spec.check.use} is no read")
            )
    if file.playbook.on_failure is OnFailure.UNDO and not any(spec.undo for spec in file.playbook.steps):
        found.append(file.document.fault(("on_failure",), "on_failure is undo, but no step has an 'undo:'"))
    return found
