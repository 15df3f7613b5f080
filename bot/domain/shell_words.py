"""Words of a shell command that mean nothing but themselves, with secrets as variables instead of values. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

_MARK = "ANDONSECRET"


class Unwritable(ValueError):
    """This cannot be written down as a command; the words say why."""


@dataclass(frozen=True)
class Marks:
    """Stands for secrets in values until they are quoted. `nonce` is random hex, so that no value can forge one."""

    nonce: str

    def __call__(self, name: str) -> str:
        """What stands for the secret: letters and digits only, which filters leave alone."""
        return f"{_MARK}{self.nonce}N{name.encode().hex()}E"

    @property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(f"{_MARK}{self.nonce}N((?:[0-9a-f]{{2}})+)E")

    def names_in(self, text: str) -> list[str]:
        """The secrets that are marked in it, in their order."""
        return [bytes.fromhex(found).decode() for found in self._pattern.findall(text)]

    def shown(self, text: str) -> str:
        """For people: `$NAME` where a secret stands. Unwritable where one was changed on its way."""
        done = self._pattern.sub(lambda match: f"${bytes.fromhex(match[1]).decode()}", text)
        if self.nonce in done.lower():
            raise Unwritable("a value is made of a secret in a way that a variable cannot stand for")
        return done

    def quoted(self, text: str) -> str:
        """One word for bash: the text literally, secrets as `"$NAME"`. Unwritable as for `shown`."""
        self.shown(text)
        parts = self._pattern.split(text)
        words = [
            f'"${bytes.fromhex(part).decode()}"' if index % 2 else _literal(part)
            for index, part in enumerate(parts)
            if part
        ]
        return "".join(words) or "''"

    def line(self, words: Iterable[str]) -> str:
        """Words joined to one command."""
        return " ".join(self.quoted(word) for word in words)


def _literal(text: str) -> str:
    """Quoted for bash. What cannot be seen is written as its bytes, so that nothing hides in a command."""
    if "\0" in text:
        raise Unwritable("a value has a NUL, which no command can carry")
    if text.isprintable():
        return shlex.quote(text)
    plain = "".join(one if _is_plain(one) else _bytes_of(one) for one in text)
    return f"$'{plain}'"


def _is_plain(character: str) -> bool:
    return character.isprintable() and character not in "\\'!"


def _bytes_of(character: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "replace"))
