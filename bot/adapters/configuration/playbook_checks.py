"""Holds a playbook against the steps there are: names, parameters, templates, conditions, interruptions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from bot.adapters.conditions import compile_condition
from bot.adapters.configuration.files import PlaybookFile
from bot.adapters.configuration.names import listed, unknown
from bot.adapters.configuration.reader import Document, Path_
from bot.adapters.configuration.sentences import dotted, explain
from bot.adapters.configuration.shapes import marked
from bot.adapters.expressions import VARIABLES, is_template, references
from bot.adapters.secrets import check_secret_name
from bot.domain.errors import ConfigError, Fault
from bot.domain.playbooks import ActionSpec, IfInterrupted, OnFailure, StepSpec
from bot.plugins import Checkable, ConditionField, Step, UrlField

Steps = Mapping[str, Step]

_STAND_IN = "https://stand.in.invalid/"
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


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
    faults = [
        fault
        for place, text in leaves(action.with_, (*path, "with"))
        for fault in _check_template(document, place, text, earlier)
    ]
    step = steps.get(action.use)
    if step is None:
        return [*faults, document.fault((*path, "use"), unknown("step", action.use, steps))]
    return [*faults, *_check_parameters(document, path, action, step), *_check_conditions(document, path, action, step)]


def is_placeholder(value: object) -> bool:
    """Whether this text stands for one that is still to be written; a playbook may be checked before it is complete."""
    return value in ("…", "...")


def leaves(value: Any, path: Path_) -> Iterator[tuple[Path_, str]]:
    """Every text inside a value with its place."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))


def _check_template(document: Document, path: Path_, text: str, earlier: tuple[str, ...]) -> Iterator[Fault]:
    try:
        read = references(text)
    except ValueError as error:
        yield document.fault(path, str(error))
        return
    for name in sorted(read.variables - set(VARIABLES)):
        yield document.fault(path, unknown("variable", name, [*VARIABLES, "secret('NAME')"]))
    for step in sorted(read.steps - set(earlier)):
        yield document.fault(path, f"steps.{step} cannot be read here: no earlier step has that id; {listed(earlier)}")
    for name in sorted(read.secrets):
        try:
            check_secret_name(name)
        except ConfigError as error:
            yield document.fault(path, f"{error.what}: {error.why}")


def _check_parameters(document: Document, path: Path_, action: ActionSpec, step: Step) -> list[Fault]:
    """The step's own model over the parameters as written; a text with `{{` fits everywhere until it is filled."""
    try:
        step.Params.model_validate(_with_stand_ins(action, step))
    except ValidationError as error:
        base = (*path, "with")
        # Without `with` in the file its faults belong to the line of the step.
        return explain(error, document, step.Params, base if base in document.values else path, skip=_is_open)
    return []


def _with_stand_ins(action: ActionSpec, step: Step) -> dict[str, Any]:
    """The parameters with an address in place of every address that is not known yet, so that the model goes on to
    look at how its parameters fit together."""
    filled = deepcopy(dict(action.with_))
    for marker, place, text in marked(step.Params, action.with_):
        if isinstance(marker, UrlField) and (is_template(text) or is_placeholder(text)):
            inner: Any = filled
            for part in place[:-1]:
                inner = inner[part]
            inner[place[-1]] = _STAND_IN
    return filled


def _is_open(found: Mapping[str, Any]) -> bool:
    """Whether the finding is about a value that is known only when the templates in it are filled, or not yet."""
    if found["type"] in ("missing", "extra_forbidden"):
        return False
    written = found["input"]
    texts = leaves(written, ()) if isinstance(written, str | list) else ()
    return any(is_template(text) or is_placeholder(text) for _, text in texts)


def _check_conditions(document: Document, path: Path_, action: ActionSpec, step: Step) -> list[Fault]:
    faults = []
    for marker, place, text in marked(step.Params, action.with_):
        if not isinstance(marker, ConditionField) or not isinstance(text, str) or is_placeholder(text):
            continue
        try:
            compile_condition(_TEMPLATE.sub("0", text), frozenset(marker.variables))
        except ValueError as error:
            # What stands in place of a template may break the syntax; a name that is unknown stays unknown.
            if not is_template(text) or str(error).startswith("unknown"):
                faults.append(document.fault((*path, "with", *place), f"{dotted(place)!r} is wrong: {error}"))
    return faults


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
