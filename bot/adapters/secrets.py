"""Secrets that playbooks may use, by name, from the environment or `secrets.env`, and their removal from any text."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Lock
from urllib.parse import quote, quote_plus

from bot.domain.errors import ConfigError, Fault

FILE = "secrets.env"
HIDDEN = "***"
SHORTEST_REDACTED = 4
"""Shorter values are left in texts: replacing every `1` or `ok` would ruin them and hide nothing worth hiding."""

_PREFIX = "ANDON_SECRET_"
_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_LONG = 2_000
_SHORTEST_ENCODED = 8
"""Inner parts of base64 shorter than this would match innocent text."""


class EnvironmentSecrets:
    """`bot.ports.Secrets`: `ANDON_SECRET_<NAME>`, then `<NAME>`, then `secrets.env` in the configuration folder.

    Each of the first two may be given as `…_FILE` with a path. Names are capital letters, digits and underscores,
    and never start with `ANDON_`: Andon's own secrets are not for playbooks.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path | None = None) -> None:
        """ConfigError where `secrets.env` can be read by others or has a line that is not KEY=value."""
        self._environment = dict(environment)
        self._file = read_secrets(folder / FILE) if folder else {}
        self._lock = Lock()
        dedicated = [value for key, value in environment.items() if _is_dedicated(key)]
        self._known: frozenset[str] = frozenset()
        self._all_forms: tuple[str, ...] = ()
        self._pattern: re.Pattern[str] | None = None
        self._remember(*dedicated, *self._file.values())

    def get(self, name: str) -> str:
        """The secret; from now on it is redacted. ConfigError where there is none of that name."""
        value = self.find(name)
        if value is None:
            raise ConfigError(
                f"There is no secret {name}",
                next=f"set {_PREFIX}{name} or {name} in the environment, or add it to {FILE}",
            )
        return value

    def find(self, name: str) -> str | None:
        """The secret or None where there is none; ConfigError where the name is not one."""
        check_secret_name(name)
        for key in (f"{_PREFIX}{name}", name):
            value = self._environment.get(key) or self._from_file(key)
            if value:
                self._remember(value)
                return value
        return self._file.get(name)

    def redact(self, text: str) -> str:
        """The text with every known secret replaced by `***`, also where it is URL-encoded, inside JSON or base64.

        Known are all of `ANDON_SECRET_…` and `secrets.env`, and whatever was handed out.
        """
        pattern = self._pattern
        if pattern is None:
            return text
        # In a long text it is much quicker to look for each form by itself than for all of them at each character.
        if len(text) > _LONG and not any(form in text for form in self._all_forms):
            return text
        return pattern.sub(HIDDEN, text)

    def _from_file(self, key: str) -> str | None:
        path = self._environment.get(f"{key}_FILE")
        if not path:
            return None
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
            raise ConfigError(f"{key}_FILE names a file that cannot be read", why=str(reason)) from None

    def _remember(self, *values: str) -> None:
        with self._lock:
            fresh = {value for value in values if len(value) >= SHORTEST_REDACTED} - self._known
            if not fresh:
                return
            self._known |= fresh
            forms = {form for value in self._known for form in _forms(value)}
            longest_first = sorted(forms, key=lambda form: (-len(form), form))
            self._all_forms = tuple(longest_first)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))


def check_secret_name(name: str) -> None:
    """ConfigError where this cannot be the name of a secret."""
    if not _NAME.fullmatch(name) or name.startswith("ANDON_"):
        raise ConfigError(
            f"{name[:64]!r} cannot be the name of a secret",
            why="it is written in capital letters, digits and underscores, and does not start with ANDON_",
        )


def read_secrets(path: Path) -> dict[str, str]:
    """`KEY=value` lines; `#` starts a comment line, one pair of quotes around a value is dropped. {} without a file.

    ConfigError where others may read the file, or with the number of every line that cannot be used.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_IMODE(mode) & 0o077:
            raise ConfigError(f"{path} can be read by others", next=f"run: chmod 600 {path}")
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path} cannot be read", why=str(reason)) from None
    return _parsed(path, lines)


def _parsed(path: Path, lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    faults = []
    for number, line in enumerate(lines, 1):
        key, equals, value = (part.strip() for part in line.partition("="))
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not _NAME.fullmatch(key) or key.startswith("ANDON_") or key in found:
            why = "a line is KEY=value; KEY is capital letters, digits and underscores, not ANDON_…, and stands once"
            faults.append(Fault(str(path), number, why))
            continue
        found[key] = value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value
    if faults:
        raise ConfigError(f"{path} cannot be used", faults=tuple(faults))
    return {key: value for key, value in found.items() if value}


def _is_dedicated(key: str) -> bool:
    return key.startswith(_PREFIX) and not key.endswith("_FILE")


def _forms(value: str) -> Iterator[str]:
    """The value and what it looks like URL-encoded, inside JSON, and in base64 wherever it starts in the encoded text
    (`Authorization: Basic` encodes it together with a user name)."""
    yield value
    yield quote(value, safe="")
    yield quote(value)
    yield quote_plus(value)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    raw = value.encode("utf-8", "surrogatepass")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode("ascii")
        yield whole
        for before in range(3):
            inner = _inner(encode(b"\0" * before + raw).decode("ascii"), before, len(raw))
            if len(inner) >= _SHORTEST_ENCODED:
                yield inner


def _inner(encoded: str, before: int, length: int) -> str:
    """The characters of base64 text that depend on the secret alone, with `before` other bytes in front of it."""
    first = -(-before * 8 // 6)
    last = (before + length) * 8 // 6
    return encoded[first:last]
