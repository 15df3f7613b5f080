"""Reads unified diffs and applies them strictly: what does not fit exactly, at exactly its line, is refused.

The form is that of POSIX `diff -u` (https://pubs.opengroup.org/onlinepubs/9799919799/utilities/diff.html), with the
prefixes and headers that `git diff` writes. No fuzz, no offsets: a proposal is about the text in force or it is stale.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.errors import BadInput

MOST_FILES = 5
_HUNK = re.compile(r"@@ -(\d{1,7})(?:,(\d{1,7}))? \+(\d{1,7})(?:,(\d{1,7}))? @@(?: .*)?")
_PATH = re.compile(r"(?:[ab]/)?((?:policies|playbooks)/[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}\.ya?ml)")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""A line with its break, and nothing else that some programs take for one."""
_SKIPPED = ("diff ", "index ", "new file mode ", "old mode ", "new mode ", "similarity ")
_NOTHING = "/dev/null"
_NO_NEWLINE = "\\ No newline at end of file"
_NEXT = "make it with `diff -u` or `git diff` against the version in force"


@dataclass(frozen=True)
class Hunk:
    """One run of lines: each with ` `, `-` or `+` before it. `line` is where the hunk stands in the diff, from 1."""

    line: int
    start: int
    lines: tuple[str, ...]
    old_ends_open: bool = False
    """The last old line has no line break."""
    new_ends_open: bool = False


@dataclass(frozen=True)
class FileChange:
    """What a diff does to one file: `path` is `policies/<name>.yaml` or `playbooks/<name>.yaml`."""

    path: str
    hunks: tuple[Hunk, ...]
    is_new: bool = False

    def applied(self, before: str) -> str:
        """The text after the change. BadInput where a line is not what the diff says it is."""
        lines = _LINE.findall(before)
        made: list[str] = []
        position = 0
        for hunk in self.hunks:
            start = hunk.start - 1 if _old(hunk) else hunk.start
            if start < position or start > len(lines):
                raise _misfit(self.path, hunk, "it begins where the file has no such line, or out of order")
            made += lines[position:start]
            position = _check_old(self.path, hunk, lines, start)
            made += _new(hunk)
        return "".join([*made, *lines[position:]])


def parse_diff(text: str) -> tuple[FileChange, ...]:
    """The files that a unified diff changes, in its order. BadInput, with the line of the diff, where it is none."""
    lines = text.replace("\r\n", "\n").split("\n")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise BadInput("The diff is empty", next=_NEXT)
    changes = tuple(_files(lines))
    if not changes:
        raise BadInput("This is no unified diff", why="it has no line that begins with '--- '", next=_NEXT)
    if len(changes) > MOST_FILES:
        raise BadInput(f"The diff changes {len(changes)} files", next=f"{MOST_FILES} at most; propose several lessons")
    names = [one.path for one in changes]
    if len(set(names)) < len(names):
        raise BadInput("The diff changes one file twice", next=_NEXT)
    return changes


def _files(lines: Sequence[str]) -> Iterator[FileChange]:
    position = 0
    while position < len(lines):
        line = lines[position]
        if line.startswith(_SKIPPED):
            position += 1
            continue
        if not line.startswith("--- ") or position + 1 >= len(lines) or not lines[position + 1].startswith("+++ "):
            raise _bad(position, "a line '--- path' and then a line '+++ path' was expected")
        path, is_new = _path_of(lines, position)
        hunks, position = _hunks(lines, position + 2)
        if not hunks:
            raise _bad(position, f"nothing is changed in {path}")
        yield FileChange(path, tuple(hunks), is_new)


def _path_of(lines: Sequence[str], position: int) -> tuple[str, bool]:
    old, new = (lines[position + step][4:].split("\t")[0].strip() for step in (0, 1))
    if new == _NOTHING:
        raise _bad(position + 1, "a file would be deleted, which a proposal may not do")
    found = _PATH.fullmatch(new)
    if found is None:
        raise _bad(position + 1, f"{new[:80]!r} is neither policies/<name>.yaml nor playbooks/<name>.yaml")
    if old == _NOTHING:
        return found[1], True
    before = _PATH.fullmatch(old)
    if before is None or before[1] != found[1]:
        raise _bad(position, f"{old[:80]!r} and {new[:80]!r} are not the same file")
    return found[1], False


def _hunks(lines: Sequence[str], position: int) -> tuple[list[Hunk], int]:
    hunks: list[Hunk] = []
    while position < len(lines) and lines[position].startswith("@@"):
        hunk, position = _hunk(lines, position)
        hunks.append(hunk)
    return hunks, position


def _hunk(lines: Sequence[str], position: int) -> tuple[Hunk, int]:
    match = _HUNK.fullmatch(lines[position])
    if match is None:
        raise _bad(position, "this is no hunk header; it is written '@@ -1,3 +1,4 @@'")
    at, left = position, [int(match[2] or 1), int(match[4] or 1)]
    taken: list[str] = []
    ends = {"-": False, "+": False}
    position += 1
    while left[0] > 0 or left[1] > 0:
        line = lines[position] if position < len(lines) else None
        mark = " " if line == "" else line[:1] if line is not None else ""
        if mark not in (" ", "-", "+") or line is None:
            raise _bad(position, "the hunk ends before all the lines that its header counts")
        left = [left[0] - (mark != "+"), left[1] - (mark != "-")]
        if min(left) < 0:
            raise _bad(position, "the hunk has more lines than its header counts")
        taken.append(line or " ")
        position += 1
        if position < len(lines) and lines[position] == _NO_NEWLINE:
            ends |= {one: True for one in ("-", "+") if mark in (" ", one)}
            position += 1
    if all(one[:1] == " " for one in taken):
        raise _bad(at, "the hunk changes nothing")
    return Hunk(at + 1, int(match[1]), tuple(taken), ends["-"], ends["+"]), position


def _old(hunk: Hunk) -> list[str]:
    return _with_breaks([one[1:] for one in hunk.lines if one[0] in " -"], hunk.old_ends_open)


def _new(hunk: Hunk) -> list[str]:
    return _with_breaks([one[1:] for one in hunk.lines if one[0] in " +"], hunk.new_ends_open)


def _with_breaks(lines: list[str], ends_open: bool) -> list[str]:
    ended = [f"{line}\n" for line in lines]
    return [*ended[:-1], lines[-1]] if ends_open and lines else ended


def _check_old(path: str, hunk: Hunk, lines: Sequence[str], start: int) -> int:
    """The position behind the lines that the hunk speaks of; BadInput unless they are there, character by character."""
    wanted = _old(hunk)
    for offset, line in enumerate(wanted):
        there = lines[start + offset].replace("\r\n", "\n") if start + offset < len(lines) else None
        if there != line:
            said = "ends before it" if there is None else f"has {there.rstrip()[:80]!r}"
            raise BadInput(
                f"The diff does not apply to {path}",
                why=f"line {start + offset + 1} is to be {line.rstrip()[:80]!r}, and the version in force {said}",
                next=_NEXT,
            )
    return start + len(wanted)


def _misfit(path: str, hunk: Hunk, why: str) -> BadInput:
    return BadInput(f"The diff does not apply to {path}", why=f"line {hunk.line} of the diff: {why}", next=_NEXT)


def _bad(position: int, why: str) -> BadInput:
    return BadInput("This is no unified diff of policies or playbooks", why=f"line {position + 1}: {why}", next=_NEXT)
