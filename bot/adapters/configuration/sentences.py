"""Says in the house's words, with file and line, what a validator found wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from bot.adapters.configuration.names import unknown
from bot.adapters.configuration.reader import Document, Path_
from bot.adapters.configuration.shapes import allowed_keys
from bot.domain.errors import Fault

_TAKES = {
    "string_type": "takes text: put it in quotes",
    "string_sub_type": "takes text: put it in quotes",
    "int_type": "takes a whole number",
    "int_parsing": "takes a whole number",
    "int_from_float": "takes a whole number",
    "float_type": "takes a number",
    "float_parsing": "takes a number",
    "finite_number": "takes a finite number",
    "bool_type": "takes true or false",
    "bool_parsing": "takes true or false",
    "model_type": "takes a map of keys and values",
    "model_attributes_type": "takes a map of keys and values",
    "dict_type": "takes a map of keys and values",
    "mapping_type": "takes a map of keys and values",
    "tuple_type": "takes a list, written [a, b]",
    "list_type": "takes a list, written [a, b]",
    "frozen_set_type": "takes a list, written [a, b]",
    "set_type": "takes a list, written [a, b]",
    "is_instance_of": "has a value of the wrong kind",
    "recursion_loop": "contains itself",
}


def explain(
    error: ValidationError,
    document: Document,
    model: type[BaseModel],
    base: Path_ = (),
    *,
    skip: Callable[[Mapping[str, Any]], bool] = lambda _: False,
) -> list[Fault]:
    """One fault per wrong place. `base` is where the validated value stands in the file; `skip` drops findings."""
    places: dict[tuple[Path_, int], list[str]] = {}
    for found in error.errors(include_url=False):
        if skip(found):
            continue
        path = document.resolve((*base, *found["loc"]))
        line, sentence = _sentence(found, document, model, base, path)
        messages = places.setdefault((path, line), [])
        if sentence not in messages:
            messages.append(sentence)
    return [Fault(document.file, line, "; or ".join(messages)) for (_, line), messages in places.items()]


def dotted(path: Path_) -> str:
    """`rollback[0].within`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _sentence(
    found: Mapping[str, Any], document: Document, model: type[BaseModel], base: Path_, path: Path_
) -> tuple[int, str]:
    kind, last = found["type"], str(found["loc"][-1]) if found["loc"] else ""
    if kind == "missing":
        inside = f" in {dotted(path)!r}" if path else ""
        return document.line(path), f"{last!r} is missing{inside}"
    if kind == "extra_forbidden":
        around = f" in {dotted(path[:-1])!r}" if len(path) > 1 else ""
        known = allowed_keys(model, tuple(path[len(base) : -1]))
        return document.line(path), unknown("key", last, known, around)
    if kind == "version":
        written = document.written.get(path, "")
        return document.line(path), f'a version is a string: write "{written or "41"}" in quotes'
    return document.line(path), f"{dotted(path)!r} {_what(found)}" if path else _what(found)


def _what(found: Mapping[str, Any]) -> str:
    kind, ctx = found["type"], found.get("ctx") or {}
    if kind in ("value_error", "assertion_error"):
        return f"is wrong: {ctx.get('error', found['msg'])}"
    if kind in ("enum", "literal_error"):
        return f"is one of {str(ctx['expected']).replace(' or ', ', ')}"
    if kind in ("too_short", "string_too_short"):
        return "must not be empty"
    if kind in ("too_long", "string_too_long"):
        return f"is too long: {ctx['max_length']} at most"
    limits = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    if kind in limits:
        return f"must be {kind.replace('_', ' ').replace(' equal', ' or equal')} {ctx[limits[kind]]}".replace(
            "than or equal", "than or equal to"
        )
    return _TAKES.get(kind, f"is wrong: {found['msg'][:1].lower()}{found['msg'][1:]}")
