"""Whether what was written for one schema still works with the next: field by field, with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

INTEGERS = ("int8", "int16", "int32", "int64")
NATURALS = ("uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
_BITS = {"int8": 7, "int16": 15, "int32": 31, "int64": 63, "uint8": 8, "uint16": 16, "uint32": 32, "uint64": 64,
         "float16": 11, "float32": 24, "float64": 53, "number": 64}  # fmt: skip
"""Bits of a whole number that each type holds exactly."""


class Reading(StrEnum):
    """Who must keep working."""

    DATA = "data"
    """Readers made for the old schema get data of the new one: tables, features, answers of a model."""
    REQUESTS = "requests"
    """Senders made for the old schema send to what expects the new one: requests to a model."""


@dataclass(frozen=True)
class FieldType:
    """One field: a type's name, whether it may be absent or null, and its closed set of values where it has one."""

    name: str
    type: str
    is_nullable: bool = True
    categories: frozenset[str] | None = None


Schema = Mapping[str, FieldType]


@dataclass(frozen=True)
class Change:
    """One difference between two schemas."""

    field: str
    what: str
    """added, removed, retyped, nullability, or categories."""
    is_breaking: bool
    why: str


def changes(old: Schema, new: Schema, *, reading: Reading = Reading.DATA, allow_widening: bool = False) -> list[Change]:
    """Every difference, by the name of the field; an empty list means that nothing changed.

    `allow_widening`: a reader may meet a wider number (int32 → int64, float32 → float64, a whole number → a fraction
    that holds it exactly). For requests the wider type is on the side that expects, and is never breaking.
    """
    found: list[Change] = []
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            found.append(_removed(old[name], reading))
        elif name not in old:
            found.append(_added(new[name], reading))
        else:
            found += _changed(old[name], new[name], reading, allow_widening)
    return found


def is_wider(wide: str, narrow: str) -> bool:
    """Whether every value of the narrow type is exactly a value of the wide one, and the types are not the same.

    JSON's `number` and float64 stand for each other; its `integer` is int64.
    """
    if (wide, narrow) == ("float64", "number"):
        return True
    if wide == narrow or narrow not in _BITS or wide not in _BITS:
        return wide == "any" and narrow != "any"
    has_fractions = narrow in FLOATS or narrow == "number"
    if has_fractions and not (wide in FLOATS or wide == "number"):
        return False
    if narrow in INTEGERS and wide in NATURALS:
        return False
    return _BITS[wide] >= _BITS[narrow]


def _removed(field: FieldType, reading: Reading) -> Change:
    if reading is Reading.DATA:
        return Change(field.name, "removed", is_breaking=True, why="readers that expect it do not find it")
    return Change(field.name, "removed", is_breaking=False, why="what senders still send is not read any more")


def _added(field: FieldType, reading: Reading) -> Change:
    if reading is Reading.REQUESTS and not field.is_nullable:
        return Change(field.name, "added", is_breaking=True, why="it is required, and old senders do not send it")
    return Change(field.name, "added", is_breaking=False, why="nothing that exists depends on it")


def _changed(old: FieldType, new: FieldType, reading: Reading, allow_widening: bool) -> list[Change]:
    """In the order of reading: `source` is what is written, `target` what is expected."""
    source, target = (new, old) if reading is Reading.DATA else (old, new)
    found = []
    if old.type != new.type:
        fits = is_wider(target.type, source.type)
        widened = reading is Reading.DATA and allow_widening and is_wider(new.type, old.type)
        words = "every value fits" if fits else "wider, which is allowed" if widened else "not every value fits"
        why = f"{old.type} became {new.type}: {words}"
        found.append(Change(old.name, "retyped", is_breaking=not (fits or widened), why=why))
    if old.is_nullable != new.is_nullable:
        breaks = source.is_nullable and not target.is_nullable
        words = "it may be absent or null now" if new.is_nullable else "it must always have a value now"
        found.append(Change(old.name, "nullability", is_breaking=breaks, why=words))
    if old.categories != new.categories:
        found.append(_recategorised(old, new, source, target))
    return found


def _recategorised(old: FieldType, new: FieldType, source: FieldType, target: FieldType) -> Change:
    if target.categories is None:
        breaks = False
    else:
        breaks = source.categories is None or not source.categories <= target.categories
    if old.categories is None or new.categories is None:
        why = "any value may come now" if new.categories is None else "the values are a closed set now"
    else:
        parts = [("new", new.categories - old.categories), ("gone", old.categories - new.categories)]
        why = "; ".join(f"{word}: {_listed(names)}" for word, names in parts if names)
    return Change(old.name, "categories", is_breaking=breaks, why=why)


def _listed(names: frozenset[str]) -> str:
    shown = ", ".join(repr(name[:60]) for name in sorted(names)[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
