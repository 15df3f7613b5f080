"""A zip file in which every byte follows from names and contents: nothing is packed, dated or left to choice.

Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3. Members are stored (method 0), so the same
contents give the same bytes whatever packing library a machine has, and nothing can swell when it is read.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from bot.domain.errors import BadInput

MOST_MEMBERS = 65_000
MOST_BYTES = 4 * 1024**3 - 1
"""Larger ones need the 64-bit form, which is another format."""
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*", re.ASCII)
"""No empty part, none that begins with a dot, no backslash, no drive: nothing leads out of the folder."""
LONGEST_NAME = 250

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_VERSION, _DATE = 20, 0x21  # 2.0; 1980-01-01, the earliest day there is
_UNIX = 3 << 8 | _VERSION
_MODE = 0o100644 << 16  # a regular file that everybody may read
_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Member:
    """One file in a zip."""

    name: str
    size: int
    crc: int
    offset: int
    """Of its header, from the start of the file."""

    @property
    def header(self) -> bytes:
        """The one header that it can have."""
        name = self.name.encode("ascii")
        fixed = (b"PK\3\4", _VERSION, 0, 0, 0, _DATE, self.crc, self.size, self.size, len(name), 0)
        return _LOCAL.pack(*fixed) + name

    @property
    def entry(self) -> bytes:
        """The one line of the directory that it can have."""
        name = self.name.encode("ascii")
        sizes = (self.crc, self.size, self.size, len(name), 0, 0, 0, 0, _MODE, self.offset)
        return _CENTRAL.pack(b"PK\1\2", _UNIX, _VERSION, 0, 0, 0, _DATE, *sizes) + name

    @property
    def start(self) -> int:
        """Where its content begins."""
        return self.offset + _LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """Where the next one begins."""
        return self.start + self.size


class PlainZipWriter:
    """Writes members one after the other to a file that can be sought in; nothing is held in memory."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._members: list[Member] = []

    def add(self, name: str, chunks: Iterable[bytes]) -> tuple[str, int]:
        """SHA-256 in hex and size of what was written. BadInput where the bundle gets too large for the format."""
        if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or len(self._members) >= MOST_MEMBERS:
            raise BadInput(f"{name[:80]!r} cannot be a file of a bundle")
        offset = self._out.tell()
        self._out.write(Member(name, 0, 0, offset).header)
        digest, crc, size = sha256(), 0, 0
        for chunk in chunks:
            digest.update(chunk)
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            if offset + size > MOST_BYTES:
                raise BadInput("The bundle would be larger than 4 GiB", next="take large evidence out of the record")
            self._out.write(chunk)
        member = Member(name, size, crc, offset)
        self._out.seek(offset)
        self._out.write(member.header)
        self._out.seek(member.end)
        self._members.append(member)
        return digest.hexdigest(), size

    def close(self) -> None:
        """Write the directory."""
        start = self._out.tell()
        directory = b"".join(one.entry for one in self._members)
        self._out.write(directory)
        self._out.write(_end(len(self._members), len(directory), start))
        self._out.flush()


def _end(count: int, size: int, start: int) -> bytes:
    return _END.pack(b"PK\5\6", 0, 0, count, count, size, start, 0)


class PlainZipReader:
    """Reads such a file and nothing else: `problems` names every byte range that is not as it must be."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.problems: list[str] = []
        self.members: dict[str, Member] = {}
        self._read_directory()

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of a member, piece by piece."""
        member = self.members[name]
        self._file.seek(member.start)
        left = member.size
        while left and (chunk := self._file.read(min(left, _CHUNK))):
            left -= len(chunk)
            yield chunk

    def read(self, name: str, most: int) -> bytes:
        """The whole content. BadInput above `most` bytes."""
        if self.members[name].size > most:
            raise BadInput(f"{name} of the bundle is larger than {most} bytes")
        return b"".join(self.chunks(name))

    def digest(self, name: str) -> str:
        """SHA-256 in hex of the content; a checksum of the zip that does not fit it is a problem."""
        found, crc = sha256(), 0
        for chunk in self.chunks(name):
            found.update(chunk)
            crc = zlib.crc32(chunk, crc)
        if crc != self.members[name].crc:
            self.problems.append(f"{name}: its content does not fit its checksum in the zip")
        return found.hexdigest()

    def _read_directory(self) -> None:
        length = self._file.seek(0, 2)
        start, size, count = self._end_of(length)
        if start is None:
            self.problems.append("the end of the zip is missing or altered, or something was put behind it")
            return
        self._file.seek(start)
        directory = self._file.read(size)
        position, expected = 0, 0
        for _ in range(count):
            member, position = self._entry(directory, position)
            if member is None:
                self.problems.append("the directory of the zip was altered")
                return
            expected = self._place(member, expected)
        if position != size or expected != start:
            self.problems.append("there are bytes in the zip that belong to no file of it")

    def _end_of(self, length: int) -> tuple[int | None, int, int]:
        if not _END.size <= length <= MOST_BYTES + 64 * 1024**2:
            return None, 0, 0
        self._file.seek(length - _END.size)
        raw = self._file.read(_END.size)
        _, _, _, count, _, size, start, _ = _END.unpack(raw)
        is_whole = raw == _end(count, size, start) and start + size + _END.size == length and count <= MOST_MEMBERS
        return (start, size, count) if is_whole else (None, 0, 0)

    def _entry(self, directory: bytes, position: int) -> tuple[Member | None, int]:
        """The member whose line begins here, and where the next line begins."""
        if position + _CENTRAL.size > len(directory):
            return None, position
        fields = _CENTRAL.unpack_from(directory, position)
        crc, size, length, offset = fields[7], fields[8], fields[10], fields[16]
        end = position + _CENTRAL.size + length
        raw = directory[position + _CENTRAL.size : end]
        name = raw.decode("ascii", "backslashreplace")
        if len(raw) != length or not NAME.fullmatch(name) or length > LONGEST_NAME:
            self.problems.append(f"{name[:80]!r} cannot be the name of a file in a bundle")
            return None, position
        member = Member(name, size, crc, offset)
        if directory[position:end] != member.entry:
            self.problems.append(f"{name}: its line in the directory of the zip was altered")
        return member, end

    def _place(self, member: Member, expected: int) -> int:
        """Check the member's header where it must be; where the next one must be."""
        self._file.seek(expected)
        placed = Member(member.name, member.size, member.crc, expected)
        if member.offset != expected:
            self.problems.append(f"{member.name}: it does not follow the file before it")
        if self._file.read(len(placed.header)) != placed.header:
            self.problems.append(f"{member.name}: its header in the zip was altered")
        if member.name in self.members:
            self.problems.append(f"{member.name}: it is there twice")
        else:
            self.members[member.name] = placed
        return placed.end
