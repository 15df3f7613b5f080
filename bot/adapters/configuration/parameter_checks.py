"""Holds the parameters of a plug-in, as a file writes them, against its own model: values, templates, conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.adapters.conditions import compile_condition
from bot.adapters.configuration.names import listed, unknown
from bot.adapters.configuration.reader import Document, Path_
from bot.adapters.configuration.sentences import dotted, explain
from bot.adapters.configuration.shapes import marked
from bot.adapters.expressions import VARIABLES, is_template, references
from bot.adapters.secrets import check_secret_name
from bot.domain.errors import ConfigError, Fault
from bot.plugins import ConditionField, UrlField

_STAND_IN = "https://stand.in.invalid/"
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True)
class Written:
    """Parameters as they stand in a file: `base` is where they begin, `at` where their faults are told where that is
    not in the file."""

    document: Document
    base: Path_
    at: Path_
    raw: Mapping[str, Any]

    def check_templates(self, earlier: tuple[str, ...]) -> Iterator[Fault]:
        """Names that no template may read; `earlier` are the steps that may be read."""
        for place, text in leaves(self.raw, self.base):
            yield from _check_template(self.document, place, text, earlier)

    def check_model(self, model: type[BaseModel]) -> list[Fault]:
        """The model over the parameters as written; a text with `{{` fits everywhere until it is filled."""
        try:
            model.model_validate(_with_stand_ins(self.raw, model))
        except ValidationError as error:
            return explain(error, self.document, model, self.at, skip=_is_open)
        return []

    def check_conditions(self, model: type[BaseModel]) -> list[Fault]:
        """Conditions that cannot be compiled over the variables of their place."""
        faults = []
        for marker, place, text in marked(model, self.raw):
            if not isinstance(marker, ConditionField) or not isinstance(text, str) or is_placeholder(text):
                continue
            try:
                compile_condition(_TEMPLATE.sub("0", text), frozenset(marker.variables))
            except ValueError as error:
                # What stands in place of a template may break the syntax; a name that is unknown stays unknown.
                if not is_template(text) or str(error).startswith("unknown"):
                    message = f"{dotted(place)!r} is wrong: {error}"
                    faults.append(self.document.fault((*self.base, *place), message))
        return faults


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


def _with_stand_ins(raw: Mapping[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    """The parameters with an address in place of every address that is not known yet, so that the model goes on to
    look at how its parameters fit together."""
    filled = deepcopy(dict(raw))
    for marker, place, text in marked(model, raw):
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
