"""Which differences of two schemas break whom, and the forms in which schemas come."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import BadInput
from bot.evidence.schema_forms import arrow_schema, parquet_file_schema, read_schema
from bot.evidence.schemas import Change, FieldType, Reading, changes, is_wider

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def listed(*fields: dict[str, Any]) -> Any:
    return read_schema({"fields": list(fields)})


def field(kind: str = "int64", **more: Any) -> dict[str, Any]:
    return {"name": "x", "type": kind, **more}


CASES = [
    # old, new, breaks readers of data, breaks senders of requests
    ((field(),), (), "removed", True, False),
    ((), (field(),), "added", False, False),
    ((), (field(nullable=False),), "added", False, True),
    ((field("int32"),), (field("int64"),), "retyped", True, False),
    ((field("int64"),), (field("int32"),), "retyped", False, True),
    ((field("string"),), (field("int64"),), "retyped", True, True),
    ((field(nullable=False),), (field(nullable=True),), "nullability", True, False),
    ((field(nullable=True),), (field(nullable=False),), "nullability", False, True),
    ((field(categories=["a"]),), (field(categories=["a", "b"]),), "categories", True, False),
    ((field(categories=["a", "b"]),), (field(categories=["a"]),), "categories", False, True),
    ((field(categories=["a"]),), (field(),), "categories", True, False),
    ((field(),), (field(categories=["a"]),), "categories", False, True),
]


@pytest.mark.parametrize(("old", "new", "what", "data", "requests"), CASES)
def test_each_difference_breaks_only_those_who_meet_what_they_do_not_know(
    old: Any, new: Any, what: str, data: bool, requests: bool
) -> None:
    for reading, breaks in ((Reading.DATA, data), (Reading.REQUESTS, requests)):
        (found,) = changes(listed(*old), listed(*new), reading=reading)
        assert (found.field, found.what, found.is_breaking) == ("x", what, breaks), reading
        assert found.why


def test_widening_breaks_readers_unless_it_is_allowed() -> None:
    old, new = listed(field("int32")), listed(field("float64"))
    assert changes(old, new)[0].is_breaking
    assert not changes(old, new, allow_widening=True)[0].is_breaking
    assert changes(old, listed(field("string")), allow_widening=True)[0].is_breaking


@pytest.mark.parametrize(
    ("wide", "narrow", "holds"),
    [
        ("int64", "int8", True),
        ("int8", "int64", False),
        ("int64", "int64", False),
        ("int64", "uint32", True),
        ("uint64", "int8", False),
        ("int64", "uint64", False),
        ("float64", "int32", True),
        ("float64", "int64", False),
        ("float32", "int32", False),
        ("int64", "float32", False),
        ("number", "int64", True),
        ("number", "float64", True),
        ("float64", "number", True),
        ("any", "string", True),
        ("string", "any", False),
    ],
)
def test_a_type_is_wider_where_it_holds_every_value_exactly(wide: str, narrow: str, holds: bool) -> None:
    assert is_wider(wide, narrow) is holds


def test_equal_schemas_have_no_changes_and_several_come_in_order() -> None:
    old = listed({"name": "b", "type": "string"}, {"name": "a", "type": "int64"})
    assert changes(old, old) == []
    new = listed({"name": "c", "type": "string"}, {"name": "a", "type": "int64", "nullable": False})
    assert [(one.field, one.what) for one in changes(old, new)] == [
        ("a", "nullability"),
        ("b", "removed"),
        ("c", "added"),
    ]


def test_new_and_gone_categories_are_named() -> None:
    found = changes(listed(field(categories=["a", "b"])), listed(field(categories=["b", "c"])))
    assert found == [Change("x", "categories", is_breaking=True, why="new: 'c'; gone: 'a'")]


def test_json_schema_of_an_object_is_read_with_what_is_nested() -> None:
    found = read_schema(
        {
            "type": "object",
            "required": ["age", "name", "kind"],
            "properties": {
                "age": {"type": "integer"},
                "name": {"type": ["string", "null"]},
                "at": {"type": "string", "format": "date-time"},
                "kind": {"enum": ["a", "b"], "type": "string"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "home": {"type": "object", "properties": {"city": {"type": "string"}}},
                "free": {},
            },
        }
    )
    assert found["age"] == FieldType("age", "int64", is_nullable=False)
    assert found["name"] == FieldType("name", "string", is_nullable=True)
    assert found["at"].type == "string:date-time"
    assert found["kind"] == FieldType("kind", "string", is_nullable=False, categories=frozenset({"a", "b"}))
    assert found["tags"].type == "array<string>"
    assert found["home.city"].type == "string"
    assert found["free"].type == "any"


def test_arrow_parquet_and_fields_that_mean_the_same_are_the_same() -> None:
    schema = pa.schema(
        [
            pa.field("age", pa.int64(), nullable=False),
            pa.field("name", pa.large_string()),
            pa.field("home", pa.struct([pa.field("city", pa.string(), nullable=False)])),
            pa.field("kind", pa.dictionary(pa.int8(), pa.string())),
        ]
    )
    file = io.BytesIO()
    pq.write_table(schema.empty_table(), file)
    fields = listed(
        {"name": "age", "type": "integer", "nullable": False},
        {"name": "name", "type": "str"},
        {"name": "home", "type": "object"},
        {"name": "home.city", "type": "string"},
        {"name": "kind", "type": "string"},
    )
    assert changes(arrow_schema(schema), fields) == []
    assert changes(parquet_file_schema(gzip.compress(file.getvalue())), fields) == []


WRONG = [
    {},
    [],
    None,
    {"fields": [{"name": "x"}]},
    {"fields": [{"name": "x", "type": "int64", "nullable": "yes"}]},
    {"fields": [field(), field()]},
    {"fields": {}},
    {"properties": {"x": 1}},
    {"properties": {"x": {"$ref": "#/a"}}},
    {"properties": {"x": {"anyOf": []}}},
    {"properties": {"x": {"type": 5}}},
    {"properties": {"x": {"type": []}}},
    {"properties": {"a.b": {}, "a": {"properties": {"b": {}}}}},
]


@pytest.mark.parametrize("value", WRONG, ids=json.dumps)
def test_a_schema_that_cannot_be_compared_is_bad_input(value: Any) -> None:
    with pytest.raises(BadInput):
        read_schema(value)


def test_a_schema_nested_without_end_is_bad_input() -> None:
    inner: dict[str, Any] = {}
    for _ in range(30):
        inner = {"properties": {"x": inner}}
    with pytest.raises(BadInput, match="too deep"):
        read_schema(inner)
    items: dict[str, Any] = {"type": "string"}
    for _ in range(2000):
        items = {"type": "array", "items": items}
    assert read_schema({"properties": {"x": items}})["x"].type == "array"


JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["fields", "properties", "type", "items", "enum", "const", "required", "name", "a", "b"]),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=15,
)


@UNHURRIED
@given(JSON_VALUES, JSON_VALUES)
def test_any_two_values_are_compared_or_bad_input(left: Any, right: Any) -> None:
    try:
        old, new = read_schema(left), read_schema({"properties": right})
    except BadInput:
        return
    for reading in Reading:
        assert {one.field for one in changes(old, new, reading=reading)} <= old.keys() | new.keys()


NAMES = st.sampled_from(["a", "b", "c"])
TYPES = st.sampled_from(["int32", "int64", "uint8", "float64", "string", "any", "number"])
SCHEMAS = st.dictionaries(NAMES, st.tuples(TYPES, st.booleans(), st.none() | st.frozensets(NAMES))).map(
    lambda found: {name: FieldType(name, *parts) for name, parts in found.items()}
)


@UNHURRIED
@given(SCHEMAS, SCHEMAS)
def test_a_schema_has_no_changes_to_itself_and_changes_to_any_other(old: Any, new: Any) -> None:
    assert changes(old, old) == []
    assert bool(changes(old, new)) is (old != new)
