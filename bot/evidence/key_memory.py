"""Remembers what became of the last keys, as 62-bit hashes: enough to find duplicates, small enough for a blob.

A new key is taken for a remembered one with probability 100,000 / 2**62 = 2.2e-14; over 1e8 keys, 2.2e-6."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from hashlib import blake2b

from bot.evidence.plain_arrays import from_little, to_little


class Fate(IntEnum):
    """What became of a key that is no longer waited for; it is kept in the two bits that the hash leaves."""

    PAIRED = 0
    NO_INCUMBENT = 1
    NO_CANDIDATE = 2


def key_hash(key: str) -> int:
    """62 bits that are the same in every process and on every machine."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little") >> 2


class KeyMemory:
    """The fates of the last `most` keys, oldest out first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._order: deque[int] = deque()
        self._fates: dict[int, Fate] = {}

    def __len__(self) -> int:
        return len(self._order)

    def fate(self, hashed: int) -> Fate | None:
        """What became of the key, None when it is not remembered."""
        return self._fates.get(hashed)

    def knows_none_of(self, hashes: set[int]) -> bool:
        """Whether all these keys are new."""
        return self._fates.keys().isdisjoint(hashes)

    def note(self, hashed: int, fate: Fate) -> None:
        """Remember one more key, or another fate of one that is remembered."""
        if hashed not in self._fates:
            self._order.append(hashed)
        self._fates[hashed] = fate
        self._forget()

    def note_pairs(self, hashes: Iterable[int]) -> None:
        """Remember many new keys, all of them paired."""
        hashes = list(hashes)
        self._order.extend(hashes)
        self._fates.update(dict.fromkeys(hashes, Fate.PAIRED))
        self._forget()

    def _forget(self) -> None:
        while len(self._order) > self.most:
            del self._fates[self._order.popleft()]

    def to_bytes(self) -> bytes:
        """8 bytes for each key, oldest first, little-endian: hash << 2 | fate."""
        return to_little("Q", [hashed << 2 | self._fates[hashed] for hashed in self._order])

    @classmethod
    def from_bytes(cls, raw: bytes, most: int) -> KeyMemory:
        """What `to_bytes` gave; ValueError when it cannot be that."""
        packed = from_little("Q", raw)
        memory = cls(most)
        fates = (Fate.PAIRED, Fate.NO_INCUMBENT, Fate.NO_CANDIDATE)
        memory._order.extend(one >> 2 for one in packed)
        memory._fates = {one >> 2: fates[one & 3] for one in packed}
        if len(memory._fates) != len(memory._order):
            raise ValueError("a key is remembered twice")
        memory._forget()
        return memory
