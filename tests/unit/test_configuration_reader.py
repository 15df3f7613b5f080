"""Strict YAML: what is read as what, what is refused, and where."""

from __future__ import annotations

from typing import Any

import pytest

from bot.adapters.configuration.reader import MAX_BYTES, parse_document


def faults_of(raw: bytes) -> list[str]:
    document, faults = parse_document(raw, "f.yaml")
    assert document is None
    assert faults
    return [str(fault) for fault in faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("12:30:00", "12:30:00"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        ("0b11", "0b11"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("1.5", 1.5),
        ("1.10", 1.1),
        (".5", 0.5),
        ("1e3", 1000.0),
        ('"1.10"', "1.10"),
        ("'true'", "true"),
        ('"null"', "null"),
        ("=", "="),
        ('"\\u00e9"', "é"),
    ],
)
def test_plain_text_is_read_by_the_core_rules_of_yaml_1_2(text: str, value: Any) -> None:
    document, faults = parse_document(f"key: {text}\n".encode(), "f.yaml")
    assert faults == []
    assert document is not None
    assert document.value == {"key": value}
    assert type(document.value["key"]) is type(value)


def test_blocks_are_text_whatever_they_look_like() -> None:
    document, _ = parse_document(b"a: |\n  1.10\nb: >-\n  yes\n  no\n", "f.yaml")
    assert document is not None
    assert document.value == {"a": "1.10\n", "b": "yes no"}


def test_every_key_and_value_knows_its_line() -> None:
    document, _ = parse_document(b"a: 1\nb:\n  - x: 1\n    y: 2\n  - {z: 3}\n", "f.yaml")
    assert document is not None
    lines = [document.line(path) for path in (("a",), ("b",), ("b", 0, "y"), ("b", 1), ("b", 1, "z"))]
    assert lines == [1, 2, 4, 5, 5]
    assert document.line(("b", "tuple[int, ...]", 0, "y", "int")) == 4
    assert document.line(("b", 7, "absent")) == 2


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key 'a' stands here twice; the first is in line 1"),
        ("{a: 1, 'a': 2}", 1, "the key 'a' stands here twice"),
        ("a:\n  b: 1\n  b: 1", 3, "the key 'b' stands here twice; the first is in line 2"),
        ("a: 1\nb: &x 1", 2, "anchors are not allowed: '&x'"),
        ("a: 1\nb: *x", 2, "aliases are not allowed"),
        ("*x : 1", 1, "a key is plain text"),
        ("&x a: 1", 1, "a key has no anchor"),
        ("a: !!str 1", 1, "tags are not allowed"),
        ("a: ! 1", 1, "tags are not allowed"),
        ("a: !!python/object/apply:os.system ['true']", 1, "tags are not allowed"),
        ("a: !!binary aGk=", 1, "tags are not allowed"),
        ("!!set {a, b}", 1, "tags are not allowed"),
        ("a: {b: 1}\nc:\n  <<: {d: 1}", 3, "merge keys are not allowed"),
        ("a: 1\n---\nb: 1", 2, "a file holds one document"),
        ("%YAML 1.1\n---\na: 1", 1, "directives"),
        ("a: 1\n_b: 1", 2, "names with a leading underscore are not allowed: '_b'"),
        ("a:\n  - __class__: 1", 2, "names with a leading underscore"),
        ("1: a", 1, 'a key is text: write "1" in quotes'),
        ("true: a", 1, 'a key is text: write "true" in quotes'),
        ("? [a, b]\n: 1", 1, "a key is plain text"),
        ("? {a: b}\n: 1", 1, "a key is plain text"),
        ("a: 010", 1, '010 is not a plain decimal number: write "010"'),
        ("a: 0o17", 1, "0o17 is not a plain decimal number"),
        ("a: 0x1f", 1, "0x1f is not a plain decimal number"),
        ("a: .nan", 1, ".nan is not a plain decimal number"),
        ("a: -.inf", 1, "-.inf is not a plain decimal number"),
        ("a: 1e999", 1, "1e999 is too large"),
        ("a: 12345678901234567890", 1, "12345678901234567890 is too large"),
        ("a: b: c", 1, "put the text in quotes"),
        ("a: 1\n\tb: 2", 2, "a tab character"),
        ("a: [1, 2", 1, "this is not YAML"),
        ("a: 'open", 1, "this is not YAML"),
        ("a: 1\n b: 2", 2, "this is not YAML"),
        ('a: "\\ud800"', 1, "this is not YAML"),
        ('a: "\\x00"', 1, "NUL"),
        ("a: \x07", 1, "a character that YAML does not allow"),
        ("[" * 25 + "]" * 25, 1, "nested deeper than 20"),
        ("[" * 100_000, 1, "nested deeper than 20"),
        ("{a: " * 50_000, 1, "nested deeper than 20"),
        ("- " * 50_000 + "a", 1, "nested deeper than 20"),
    ],
)
def test_what_is_refused_is_refused_at_its_line(text: str, line: int, part: str) -> None:
    found = faults_of(text.encode())
    assert any(fault.startswith(f"f.yaml:{line}: ") and part in fault for fault in found), found


def test_a_bomb_of_aliases_is_refused_without_being_blown_up() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    found = faults_of("\n".join(lines).encode())
    assert "f.yaml:1: anchors are not allowed: '&a'" in found
    assert sum("aliases are not allowed" in fault for fault in found) == 72


def test_several_faults_of_a_file_are_told_at_once() -> None:
    assert faults_of(b"a: 1\na: 2\n_b: 1\nc: 010\n") == [
        "f.yaml:2: the key 'a' stands here twice; the first is in line 1",
        "f.yaml:3: names with a leading underscore are not allowed: '_b'",
        'f.yaml:4: 010 is not a plain decimal number: write "010" in quotes if it is text',
    ]


def test_a_file_has_a_largest_size() -> None:
    assert faults_of(b"#" * (MAX_BYTES + 1)) == ["f.yaml:0: the file is larger than 256 KiB"]
    document, _ = parse_document(b"a: 1\n#" + b"x" * (MAX_BYTES - 6), "f.yaml")
    assert document is not None


def test_bytes_that_are_not_utf_8_are_refused_at_their_line() -> None:
    assert faults_of(b"a: 1\nb: \xff") == ["f.yaml:2: the file is not UTF-8 text"]
