"""The forms in which a schema comes: a list of fields, JSON Schema, Arrow, the footer of a Parquet file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictStr, ValidationError

from bot.domain.errors import BadInput
from bot.domain.fields import Strict
from bot.evidence.kinds import LIMITS, Limits, unpacked
from bot.evidence.schemas import FieldType, Schema

MOST_FIELDS = 5000
MOST_DEPTH = 8

_ALIASES = {
    "string": "string", "str": "string", "text": "string", "large_string": "string", "string_view": "string",
    "bool": "boolean", "boolean": "boolean", "int": "int64", "integer": "int64", "long": "int64", "float": "float32",
    "double": "float64", "halffloat": "float16", "half_float": "float16", "number": "number", "binary": "binary",
    "large_binary": "binary", "date32[day]": "date", "date": "date", "any": "any", "null": "null",
}  # fmt: skip


class _Field(Strict):
    name: Annotated[StrictStr, Field(min_length=1, max_length=200)]
    type: Annotated[StrictStr, Field(min_length=1, max_length=200)]
    nullable: StrictBool = True
    categories: Annotated[list[StrictStr], Field(max_length=10_000)] | None = None


class _Fields(Strict):
    fields: Annotated[list[_Field], Field(max_length=MOST_FIELDS)]


def read_schema(value: Any) -> Schema:
    """A schema out of JSON: `{"fields": [...]}`, or JSON Schema of an object. BadInput for anything else."""
    if isinstance(value, dict) and "fields" in value:
        return _listed_fields(value)
    if isinstance(value, dict) and isinstance(value.get("properties"), dict):
        return _json_schema(value)
    raise BadInput(
        "The schema cannot be read",
        why='it has neither "fields" nor "properties"',
        next='send {"fields": [{"name": "age", "type": "int64"}]}, or a JSON Schema of an object',
    )


def arrow_schema(schema: Any) -> Schema:
    """The schema out of a `pyarrow.Schema`; a structure's fields are named `parent.child`."""
    fields: dict[str, FieldType] = {}
    for field in schema:
        _arrow_field(field, field.name, nullable=False, fields=fields)
    return fields


def parquet_file_schema(raw: bytes, limits: Limits = LIMITS) -> Schema:
    """The schema of a Parquet file; its rows are not read."""
    from bot.evidence.parquet_rows import parquet_schema

    return arrow_schema(parquet_schema(unpacked(raw, limits), limits))


def _listed_fields(value: dict[str, Any]) -> Schema:
    try:
        listed = _Fields.model_validate(value).fields
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part)[:60] for part in first["loc"])
        raise BadInput("The schema cannot be read", why=f"{place}: {first['msg']}") from error
    fields: dict[str, FieldType] = {}
    for one in listed:
        categories = None if one.categories is None else frozenset(one.categories)
        _put(fields, FieldType(one.name, _plain(one.type), one.nullable, categories))
    return fields


def _json_schema(value: dict[str, Any], parent: str = "", depth: int = 0) -> dict[str, FieldType]:
    """`properties`, `required`, `type` (a name or a list with "null"), `enum`, `const`; nested objects by path."""
    if depth > MOST_DEPTH:
        raise BadInput("The schema is nested too deep", why=f"{MOST_DEPTH} levels are allowed")
    fields: dict[str, FieldType] = {}
    required = value.get("required", [])
    needed = {one for one in required if isinstance(one, str)} if isinstance(required, list) else set()
    for name, inner in value["properties"].items():
        path = f"{parent}{name}"
        if not isinstance(inner, dict):
            raise BadInput("The schema cannot be read", why=f"the property {path[:60]!r} is no object")
        _refuse_references(inner, path)
        kind, may_be_null = _json_type(inner, path)
        is_nullable = name not in needed or may_be_null
        _put(fields, FieldType(path, kind, is_nullable, _values(inner)))
        if isinstance(inner.get("properties"), dict):
            for nested in _json_schema(inner, f"{path}.", depth + 1).values():
                _put(fields, nested)
    return fields


def _refuse_references(inner: dict[str, Any], path: str) -> None:
    for word in ("$ref", "anyOf", "oneOf", "allOf", "not", "if"):
        if word in inner:
            raise BadInput(
                "The schema cannot be compared",
                why=f"the property {path[:60]!r} uses {word}",
                next="write the property out, with type and enum",
            )


def _json_type(inner: dict[str, Any], path: str) -> tuple[str, bool]:
    said = inner.get("type", "any")
    kinds = said if isinstance(said, list) else [said]
    if not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise BadInput("The schema cannot be read", why=f"the type of {path[:60]!r} is neither a name nor a list")
    others = sorted({_plain(kind) for kind in kinds if kind != "null"})
    name = "|".join(others) or "null"
    if name == "array" and isinstance(inner.get("items"), dict):
        name = f"array<{_json_type(inner['items'], path)[0]}>" if _depth_of(inner) <= MOST_DEPTH else "array"
    if name == "string" and isinstance(inner.get("format"), str):
        name = f"string:{inner['format'][:60]}"
    return name, "null" in kinds or (said == "any")


def _depth_of(inner: Any) -> int:
    depth = 0
    while isinstance(inner, dict) and depth <= MOST_DEPTH:
        inner, depth = inner.get("items"), depth + 1
    return depth


def _values(inner: dict[str, Any]) -> frozenset[str] | None:
    values = inner.get("enum", [inner["const"]] if "const" in inner else None)
    return frozenset(str(one) for one in values if one is not None) if isinstance(values, list) else None


def _arrow_field(field: Any, path: str, *, nullable: bool, fields: dict[str, FieldType]) -> None:
    from pyarrow import types

    is_nullable = nullable or field.nullable
    if types.is_struct(field.type):
        _put(fields, FieldType(path, "object", is_nullable))
        if path.count(".") >= MOST_DEPTH:
            raise BadInput("The schema is nested too deep", why=f"{MOST_DEPTH} levels are allowed")
        for number in range(field.type.num_fields):
            inner = field.type.field(number)
            _arrow_field(inner, f"{path}.{inner.name}", nullable=is_nullable, fields=fields)
        return
    kind = field.type.value_type if types.is_dictionary(field.type) else field.type
    _put(fields, FieldType(path, _plain(str(kind)), is_nullable))


def _put(fields: dict[str, FieldType], field: FieldType) -> None:
    if field.name in fields:
        raise BadInput("The schema names a field twice", why=f"{field.name[:60]!r}", next="name each once")
    if len(fields) >= MOST_FIELDS:
        raise BadInput("The schema has too many fields", why=f"{MOST_FIELDS} are allowed")
    fields[field.name] = field


def _plain(kind: str) -> str:
    bare = kind.strip().lower()
    return _ALIASES.get(bare, bare)
