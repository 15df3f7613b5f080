"""Checks a bundle without anything but the file and public keys, and names whatever is not as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.adapters.bundles import bags
from bot.adapters.bundles.envelopes import Statement, open_envelope, signer_of
from bot.adapters.bundles.plain_zip import PlainZipReader
from bot.adapters.bundles.trail_checks import CHAIN, HEADS, ROWS, TrailFiles, trail_problems
from bot.adapters.signing import key_id
from bot.domain.bundles import BundleKind, Label
from bot.domain.errors import AndonError, BadInput, NotFound

MOST_TAG_BYTES = 32 * 1024 * 1024
"""Of one tag file; a manifest of as many files as there may be is smaller."""
MOST_PROBLEMS = 50


@dataclass
class Verified:
    """What came of checking. Without problems the file is, byte for byte, what the holder of `key` wrote."""

    problems: list[str] = field(default_factory=list)
    label: Label | None = None
    key: str | None = None
    """Id of the key that signed it, where it is known to be signed."""
    is_trusted: bool = False
    """The key is one of those that were given, not only the one inside."""
    files: int = 0
    size: int = 0
    """Bytes of the payload."""

    @property
    def is_whole(self) -> bool:
        """Nothing was altered since it was signed with `key`."""
        return not self.problems


@contextmanager
def opened(path: Path) -> Iterator[PlainZipReader]:
    """The file. NotFound where there is none that can be read."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFound(f"{path} cannot be read", why=error.strerror or "") from None
    with file:
        yield PlainZipReader(file)


def verify_bundle(path: Path, trusted: Sequence[str]) -> Verified:
    """Everything that is wrong with it. `trusted` are public keys as PEM text; the one inside never counts as one.

    NotFound where the file cannot be read; ConfigError where a key is none."""
    with opened(path) as reader:
        found = _Check(reader, trusted).run()
    if len(found.problems) > MOST_PROBLEMS:
        more = len(found.problems) - MOST_PROBLEMS
        found.problems = [*found.problems[:MOST_PROBLEMS], f"and {more} more"]
    return found


class _Check:
    """One file, looked at once."""

    def __init__(self, reader: PlainZipReader, trusted: Sequence[str]) -> None:
        self._reader = reader
        self._trusted = trusted
        self._found = Verified(problems=reader.problems)
        self._digests: dict[str, str] = {}
        self._folder = ""

    def run(self) -> Verified:
        names = list(self._reader.members)
        if not names:
            self._say("there is no bundle in this file")
            return self._found
        self._folder = names[0].partition("/")[0]
        for name in names:
            inner = name.removeprefix(f"{self._folder}/")
            if inner == name:
                self._say(f"{name}: it is outside the folder of the bundle")
            self._digests[inner] = self._reader.digest(name)
        missing = [name for name in (*bags.BEFORE, *bags.AFTER) if name not in self._digests]
        for name in missing:
            self._say(f"{name}: it is missing")
        if not missing:
            self._check_order()
            self._check_payload()
            self._check_tags()
        if not self._found.problems:
            self._check_trail()
        return self._found

    def _check_trail(self) -> None:
        keys = [*self._trusted, self._tag(bags.KEY).decode("ascii", "replace")]
        files = TrailFiles(self._lines(ROWS), self._lines(CHAIN), self._lines(HEADS))
        for problem in trail_problems(files, keys):
            self._say(problem)

    def _lines(self, name: str) -> list[bytes]:
        return b"".join(self._reader.chunks(f"{self._folder}/{name}")).splitlines() if name in self._digests else []

    def _say(self, problem: str) -> None:
        self._found.problems.append(problem)

    def _check_order(self) -> None:
        payload = [name for name in self._digests if name.startswith(bags.PAYLOAD)]
        known = {*payload, *bags.BEFORE, *bags.AFTER}
        for name in self._digests.keys() - known:
            self._say(f"{name}: it was put in")
        in_order = [*bags.BEFORE, *sorted(payload), *bags.AFTER]
        if set(self._digests) == known and list(self._digests) != in_order:
            self._say("the files are not in their order")

    def _check_payload(self) -> None:
        listed = self._manifest(bags.MANIFEST)
        there = {name: digest for name, digest in self._digests.items() if name.startswith(bags.PAYLOAD)}
        self._compare(there, listed)
        size = sum(self._reader.members[f"{self._folder}/{name}"].size for name in there)
        self._found.files, self._found.size = len(there), size

    def _compare(self, there: Mapping[str, str], listed: Mapping[str, str]) -> None:
        for name in sorted(there.keys() | listed.keys()):
            if name not in listed:
                self._say(f"{name}: it was put in")
            elif name not in there:
                self._say(f"{name}: it was taken out")
            elif there[name] != listed[name]:
                self._say(f"{name}: it was altered")

    def _manifest(self, name: str) -> Mapping[str, str]:
        """Paths and digests, written exactly as Andon writes them."""
        raw = self._tag(name)
        pairs = [line.split("  ", 1) for line in raw.decode("utf-8", "backslashreplace").splitlines()]
        listed = {path: digest for digest, path in (pair for pair in pairs if len(pair) == 2)}
        if bags.manifest(listed) != raw:
            self._say(f"{name}: it was altered")
        return listed

    def _tag(self, name: str) -> bytes:
        """The content of a tag file; nothing of one that is too large to be one."""
        try:
            return self._reader.read(f"{self._folder}/{name}", MOST_TAG_BYTES)
        except BadInput:
            self._say(f"{name}: it was altered: it is larger than such a file can be")
            return b""

    def _check_tags(self) -> None:
        tags = {name: one for name, one in self._digests.items() if not name.startswith(bags.PAYLOAD)}
        tags.pop(bags.TAG_MANIFEST)
        self._compare(tags, self._manifest(bags.TAG_MANIFEST))
        try:
            envelope, statement = open_envelope(self._tag(bags.ENVELOPE))
        except BadInput as error:
            self._say(f"{bags.ENVELOPE}: it was altered ({error.what})")
            return
        self._compare({name: tags[name] for name in bags.SIGNED}, statement.digests)
        self._check_label(statement)
        self._check_signer(envelope)

    def _check_label(self, statement: Statement) -> None:
        if statement.kind not in tuple(BundleKind):
            self._say(f"{bags.ENVELOPE}: it is about no incident and no release")
            return
        label = Label(BundleKind(statement.kind), statement.id, statement.service)
        info = bags.bag_info(label, self._found.size, self._found.files)
        if self._folder != label.folder:
            self._say(f"{self._folder}: the folder has another name than the envelope says")
        if self._tag(bags.INFO) != info:
            self._say(f"{bags.INFO}: it does not fit the rest")
        if self._tag(bags.DECLARATION) != bags.IS_A_BAG:
            self._say(f"{bags.DECLARATION}: it was altered")
        self._found.label = label

    def _check_signer(self, envelope: object) -> None:
        from securesystemslib.dsse import Envelope

        assert isinstance(envelope, Envelope)
        found, inside = self._found, self._tag(bags.KEY).decode("ascii", "replace")
        found.key = signer_of(envelope, self._trusted)
        found.is_trusted = found.key is not None
        if found.key is not None:
            return
        try:
            found.key = signer_of(envelope, [inside])
        except AndonError:
            self._say(f"{bags.KEY}: it is no public key")
            return
        if found.key is None:
            self._say(f"{bags.ENVELOPE}: it is not signed by {_named(self._trusted)} nor by the key inside")
        elif self._trusted:
            self._say(f"{bags.ENVELOPE}: it is signed by {found.key[:16]}, not by {_named(self._trusted)}")


def _named(keys: Sequence[str]) -> str:
    names = [key_id(one)[:16] for one in keys]
    return f"key {' or '.join(names)}" if names else "any key that is trusted here"
