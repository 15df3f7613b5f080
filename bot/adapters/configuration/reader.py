"""Strict YAML: one document of plain data, by the YAML 1.2 core rules, with the line of every key and value.

Refused with a line: duplicate keys, anchors, aliases, tags, merge keys, further documents, keys that are not plain
text or start with an underscore, nesting deeper than 20, files over 256 KiB, numbers that are not plain and finite.
PyYAML alone would read `1.10` as 1.1, `NO` as false, `12:30:00` as 45000 and keep the last of two equal keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from bot.domain.errors import Fault
from bot.domain.policy_versions import digest_of

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20

Path_ = tuple[str | int, ...]
"""Where a value is: the keys and positions that lead to it."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_STRANGE = re.compile(r"[-+]?(?:[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)")
"""What YAML reads as a number although people may mean text (`007`, `0x1f`), or what is no finite number."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """One file as plain values. `keys` and `values` give lines from 1, `written` the text of plain scalars."""

    file: str
    value: Any
    digest: str = ""
    raw: bytes = b""
    keys: Mapping[Path_, int] = field(default_factory=dict)
    values: Mapping[Path_, int] = field(default_factory=dict)
    written: Mapping[Path_, str] = field(default_factory=dict)

    def line(self, path: Path_) -> int:
        """The line of the key at `path`, or of the nearest thing around it; parts of `path` that are no keys
        (names of types in a validator's location) are skipped."""
        known = self.resolve(path)
        return self.keys.get(known) or self.values.get(known) or 1

    def value_line(self, path: Path_) -> int:
        """The line where the value at `path` begins."""
        known = self.resolve(path)
        return self.values.get(known) or self.keys.get(known) or 1

    def resolve(self, path: Path_) -> Path_:
        """The longest path in this file that `path` leads to."""
        known: Path_ = ()
        for part in path:
            if (*known, part) in self.values:
                known = (*known, part)
        return known

    def fault(self, path: Path_, message: str) -> Fault:
        """A fault at the key of `path`."""
        return Fault(self.file, self.line(path), message)


def read_document(path: Path, shown: str, raw: bytes | None = None) -> tuple[Document | None, list[Fault]]:
    """The file as a document, or the reasons why it is none; `shown` is how messages name it. Never raises.

    With `raw`, these bytes are taken for what the file holds."""
    try:
        raw = read_bytes(path) if raw is None else raw
    except OSError as error:
        return None, [unreadable(shown, error)]
    document, faults = parse_document(raw, shown)
    return document and replace(document, digest=digest_of(raw), raw=raw), faults


def unreadable(shown: str, error: OSError) -> Fault:
    """What is said of a file that is there and cannot be read."""
    return Fault(shown, 0, f"the file cannot be read: {error.strerror}")


def read_bytes(path: Path) -> bytes:
    """What the file holds, one byte more than is allowed at most. OSError."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def parse_document(raw: bytes, shown: str) -> tuple[Document | None, list[Fault]]:
    """Bytes as a document, or the reasons why they are none. Never raises."""
    if len(raw) > MAX_BYTES:
        return None, [Fault(shown, 0, f"the file is larger than {MAX_BYTES // 1024} KiB")]
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [Fault(shown, raw[: error.start].count(b"\n") + 1, "the file is not UTF-8 text")]
    builder = _Builder(shown)
    try:
        value = builder.build(iter(yaml.parse(text, Loader=_Loader)))
    except _Stop:
        return None, builder.faults
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return None, [*builder.faults, _syntax_fault(shown, text, error)]
    if builder.faults:
        return None, builder.faults
    return Document(shown, value, keys=builder.keys, values=builder.values, written=builder.written), []


def _syntax_fault(shown: str, text: str, error: Exception) -> Fault:
    if isinstance(error, yaml.reader.ReaderError):
        line = text[: error.position].count("\n") + 1 if isinstance(error.position, int) else 1
        return Fault(shown, line, "the file holds a character that YAML does not allow")
    if not isinstance(error, yaml.MarkedYAMLError):
        return Fault(shown, 1, "this is not YAML")
    mark = error.problem_mark or error.context_mark
    what = _plain_words(error.problem or error.context or "")
    last = text.rstrip().count("\n") + 1
    line = min(mark.line + 1, last) if mark else 1
    if "nesting depth" in what:  # newer parsers stop by themselves before the reader does
        return Fault(shown, line, f"this is nested deeper than {MAX_DEPTH} levels")
    return Fault(shown, line, f"this is not YAML: {what}")


def _plain_words(problem: str) -> str:
    hints = {
        "found character that cannot start any token": "a character that cannot stand here; a tab, or text that needs "
        "quotes",
        "mapping values are not allowed in this context": "a colon that cannot stand here; put the text in quotes",
        "did not find expected key": "a key was expected here; look at the indentation and the quotes above",
    }
    return hints.get(problem, problem or "it cannot be understood")


class _Stop(Exception):
    """Reading on would make no sense; the fault is noted."""


class _Builder:
    """Turns the parser's events into plain values and notes every fault on the way."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.keys: dict[Path_, int] = {}
        self.values: dict[Path_, int] = {}
        self.written: dict[Path_, str] = {}
        self._events: Iterator[Any] = iter(())

    def build(self, events: Iterator[Any]) -> Any:
        self._events = events
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                self._refuse_second(event, documents)
                value = self._value(next(events), ())
        return value

    def _refuse_second(self, event: Any, documents: int) -> None:
        if event.version or event.tags:
            self._stop(event, "directives (%YAML, %TAG) are not allowed")
        if documents > 1:
            self._stop(event, "a file holds one document; '---' starts another one")

    def _value(self, event: Any, path: Path_) -> Any:
        self.values[path] = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self._fault(event, f"aliases are not allowed: write out what '*{event.anchor}' stands for")
            return None
        if event.anchor:
            self._fault(event, f"anchors are not allowed: '&{event.anchor}'")
        if event.tag is not None:
            self._fault(event, f"tags are not allowed: '{event.tag}'")
        if len(path) >= MAX_DEPTH and not isinstance(event, yaml.ScalarEvent):
            self._stop(event, f"this is nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event, path)

    def _mapping(self, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            inner = (*path, key)
            line = event.start_mark.line + 1
            if key in found:
                self._fault(event, f"the key {key!r} stands here twice; the first is in line {self.keys[inner]}")
                inner = (*path, f"{key} again")
            self.keys[inner] = line
            found[key] = self._value(next(self._events), inner)
        return found

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(event, "a key is plain text")
        if event.anchor or event.tag is not None:
            self._fault(event, "a key has no anchor and no tag")
        key = str(event.value)
        if event.implicit[0] and not isinstance(self._resolve(event, key), str):
            self._fault(event, f'a key is text: write "{key}" in quotes')
        elif event.implicit[0] and key == "<<":
            self._fault(event, "merge keys are not allowed: write out what is merged")
        elif key.startswith("_"):
            self._fault(event, f"names with a leading underscore are not allowed: {key!r}")
        return key

    def _sequence(self, path: Path_) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, (*path, len(found))))
        return found

    def _scalar(self, event: Any, path: Path_) -> Any:
        text = str(event.value)
        if "\x00" in text:
            self._fault(event, "text cannot hold the character NUL")
        if not event.implicit[0]:
            return text
        self.written[path] = text
        return self._resolve(event, text)

    def _resolve(self, event: Any, text: str) -> Any:
        """A plain scalar by the core schema of YAML 1.2: null, true, false, decimal numbers, else text."""
        if text in _NULL:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _INT.fullmatch(text):
            return self._int(event, text)
        if _FLOAT.fullmatch(text):
            return self._float(event, text)
        if _STRANGE.fullmatch(text):
            self._fault(event, f'{text} is not a plain decimal number: write "{text}" in quotes if it is text')
        return text

    def _int(self, event: Any, text: str) -> int:
        if len(text) > 18:
            self._fault(event, f"{text[:40]} is too large a number: write it in quotes if it is text")
            return 0
        return int(text)

    def _float(self, event: Any, text: str) -> float:
        number = float(text)
        if number in (float("inf"), float("-inf")):
            self._fault(event, f"{text} is too large a number")
        return number

    def _fault(self, event: Any, message: str) -> None:
        self.faults.append(Fault(self.file, event.start_mark.line + 1, message))

    def _stop(self, event: Any, message: str) -> None:
        self._fault(event, message)
        raise _Stop
