"""Looks into parameter models: which keys a place allows, and which values carry a marker such as `UrlField`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.adapters.configuration.reader import Path_

Marked = tuple[Any, Path_, Any]
"""A marker, where its value is, and the value as written."""


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model by the key that a file uses; fields that no file may set are left out."""
    return {field.alias or name: field for name, field in model.model_fields.items() if not field.exclude}


def allowed_keys(model: type[BaseModel], path: Path_) -> list[str]:
    """The keys that a file may use in the map at `path`; none where any key is allowed or there is no model."""
    kinds: list[Any] = [model]
    for part in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, part)]
    return sorted({key for kind in kinds if _is_model(kind) for key in fields_of(kind)})


def marked(model: type[BaseModel], raw: Any, path: Path_ = ()) -> Iterator[Marked]:
    """Every marked value in parameters as written."""
    if not isinstance(raw, Mapping):
        return
    for key, field in fields_of(model).items():
        if key in raw:
            yield from _marked(field.annotation, field.metadata, raw[key], (*path, key))


def _marked(annotation: Any, metadata: Sequence[Any], raw: Any, path: Path_) -> Iterator[Marked]:
    for marker in metadata:
        yield marker, path, raw
    for kind in _choices(annotation):
        if _is_model(kind):
            yield from marked(kind, raw, path)
        elif get_origin(kind) is Annotated:
            inner, *more = get_args(kind)
            yield from _marked(inner, more, raw, path)
        elif isinstance(raw, Mapping) and len(get_args(kind)) == 2:
            for key, item in raw.items():
                yield from _marked(get_args(kind)[1], (), item, (*path, key))
        elif isinstance(raw, list) and get_args(kind):
            for index, item in enumerate(raw):
                yield from _marked(get_args(kind)[0], (), item, (*path, index))


def _choices(annotation: Any) -> list[Any]:
    """The members of a union, else the type itself."""
    if get_origin(annotation) in (Union, UnionType):
        return [choice for member in get_args(annotation) for choice in _choices(member)]
    return [annotation]


def _inside(kind: Any, part: str | int) -> Iterator[Any]:
    """What types the value under this key or position may have."""
    for choice in _choices(kind):
        plain = get_args(choice)[0] if get_origin(choice) is Annotated else choice
        if _is_model(plain):
            field = fields_of(plain).get(str(part))
            if field is not None:
                yield from _choices(field.annotation)
        elif get_args(plain):
            yield from _choices(get_args(plain)[-1 if isinstance(part, str) else 0])


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
