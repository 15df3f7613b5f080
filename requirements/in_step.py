"""Whether the locks fit pyproject.toml: every dependency is pinned, within its range, by hash, and from no named index.

`python requirements/in_step.py` exits 1 with one line per fault. With `--list NAME` it prints what that extra (or
`build-system`) requires instead, so that the Makefile can install it alone; this needs nothing installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS: Mapping[str, tuple[str, ...]] = {
    "runtime.txt": ("dependencies",),
    "ci.txt": ("dependencies", "test", "e2e"),
    "build.txt": ("build-system",),
}
PYTHONS = ("3.11.2", "3.11.9", "3.12.5", "3.13.1")
"""Lines are judged for each of these: some packages need more on an early 3.11."""

_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>\S+)(?: ; (?P<marker>[^\\]+?))? \\$")
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
_ALLOWED = re.compile(r"\s*#|\s*$")


def faults(root: Path = ROOT) -> Iterator[str]:
    """One line per thing that is out of step in any lock."""
    for name, parts in LOCKS.items():
        text = (root / "requirements" / name).read_text("utf-8")
        wanted = [one for part in parts for one in listed(part, root)]
        yield from (f"requirements/{name}:{fault}" for fault in _form(text))
        yield from (f"requirements/{name}: {fault}" for fault in _content(text, wanted))


def listed(part: str, root: Path = ROOT) -> list[str]:
    """The requirements of `dependencies`, `build-system` or an extra, as pyproject.toml writes them."""
    pyproject = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    if part == "build-system":
        return list(pyproject["build-system"]["requires"])
    if part == "dependencies":
        return list(pyproject["project"]["dependencies"])
    return list(pyproject["project"]["optional-dependencies"][part])


def _form(text: str) -> Iterator[str]:
    """Every line is a pin, a hash or a comment: no index, no address, no pin without a hash."""
    previous_is_pin = False
    for number, line in enumerate(text.splitlines(), 1):
        is_hash = bool(_HASH.match(line))
        if previous_is_pin and not is_hash:
            yield f"{number}: a pin without a hash comes before this line"
        previous_is_pin = bool(_PIN.match(line))
        if not (previous_is_pin or is_hash or _ALLOWED.match(line)) or "://" in line:
            yield f"{number}: neither a pin, a hash nor a comment: {line.strip()[:60]}"


def _content(text: str, wanted: list[str]) -> Iterator[str]:
    from packaging.markers import Marker
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    matches = [match for line in text.splitlines() if (match := _PIN.match(line))]
    found: set[str] = set()
    for python in PYTHONS:
        pins = {
            str(canonicalize_name(match["name"])): str(match["version"])
            for match in matches
            if not match["marker"] or Marker(match["marker"]).evaluate(_environment(python))
        }
        found.update(_walk([Requirement(one) for one in wanted], pins, python))
    yield from sorted(found)


def _walk(wanted: list[Requirement], pins: Mapping[str, str], python: str) -> Iterator[str]:
    """Follow requirements from pyproject.toml through the installed packages' own metadata."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    seen: set[tuple[str, str]] = set()
    queue = [(requirement, "pyproject.toml", "") for requirement in wanted]
    while queue:
        requirement, origin, extra = queue.pop()
        if requirement.marker and not requirement.marker.evaluate({**_environment(python), "extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        if name not in pins:
            yield f"{requirement.name} is not pinned for Python {python}, {origin} needs it (run `make lock`)"
        elif not requirement.specifier.contains(pins[name], prereleases=True):
            yield f"{name} {pins[name]} is outside {requirement.specifier}, {origin} says so (run `make lock`)"
        for asked in ("", *sorted(requirement.extras)):
            if (name, asked) not in seen:
                seen.add((name, asked))
                queue += [(Requirement(one), name, asked) for one in _needs_of(name, pins.get(name))]


def _needs_of(name: str, version: str | None) -> list[str]:
    """What the installed package needs; nothing where it is absent or another version than the pinned one."""
    try:
        return (metadata.requires(name) or []) if metadata.version(name) == version else []
    except metadata.PackageNotFoundError:
        return []


def _environment(python: str) -> dict[str, str]:
    return {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def main(arguments: list[str]) -> int:
    """Exit code of the command line above."""
    if arguments[:1] == ["--list"]:
        sys.stdout.write("\n".join(listed(arguments[1])) + "\n")
        return 0
    wrong = list(faults())
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
