"""Checks the slice of the audit trail in a bundle: each row by its digest, its link, and a signed head behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from bot.adapters.signing import is_signed, key_id
from bot.domain.audit_trail import SignedHead
from bot.domain.bundles import Seal

ROWS, CHAIN, HEADS = "data/audit.jsonl", "data/audit_chain.jsonl", "data/audit_heads.jsonl"


@dataclass(frozen=True)
class TrailFiles:
    """The three files, line by line."""

    rows: Iterable[bytes]
    chain: Iterable[bytes]
    heads: Iterable[bytes]


def trail_problems(files: TrailFiles, keys: Sequence[str]) -> Iterator[str]:
    """What does not fit. Heads of keys that are not known here say nothing: a key may have been renewed since."""
    try:
        links = {one.position: one for one in (Seal(**json.loads(line)) for line in files.chain)}
        heads = [SignedHead(**json.loads(line)) for line in files.heads]
        rows = [json.loads(line) for line in files.rows]
        yield from _of_links(links)
        yield from _of_heads(heads, links, {key_id(one): one for one in keys})
        yield from _of_rows(rows, links, [one.position for one in heads])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        yield f"{ROWS}: its place in the audit trail cannot be read"


def _of_links(links: Mapping[int, Seal]) -> Iterator[str]:
    for link in links.values():
        before = links.get(link.position - 1)
        if before is not None and before.hash != link.previous:
            yield f"{CHAIN}: position {link.position} does not follow the one before"
        if link.row_digest and _hash(f"{link.previous}\n{link.row_digest}") != link.hash:
            yield f"{CHAIN}: position {link.position} does not fit its digest"


def _of_heads(heads: Sequence[SignedHead], links: Mapping[int, Seal], keys: Mapping[str, str]) -> Iterator[str]:
    for head in heads:
        link = links.get(head.position)
        if link is None or link.hash != head.hash:
            yield f"{HEADS}: position {head.position} is not where the chain was signed"
        key = keys.get(head.key_id)
        if key is not None and not is_signed(key, head.content, bytes.fromhex(head.signature)):
            yield f"{HEADS}: the signature of position {head.position} is not that of its key"


def _of_rows(rows: Sequence[Mapping[str, Any]], links: Mapping[int, Seal], signed: Sequence[int]) -> Iterator[str]:
    reached = _reached(links, signed)
    for row in rows:
        seal = Seal(**row["seal"]) if row["seal"] else None
        if seal is None or seal.row_digest is None:
            continue  # it was chained before digests were kept
        is_as_chained = not row["erased"] and not row.get("redacted")
        if is_as_chained and _hash(json.dumps(row["row"], separators=(",", ":"))) != seal.row_digest:
            yield f"{ROWS}: row {row['number']} is not the one that was chained"
        if links.get(seal.position) != seal or seal.position not in reached:
            yield f"{ROWS}: nothing leads from row {row['number']} to a signed head"


def _reached(links: Mapping[int, Seal], signed: Sequence[int]) -> set[int]:
    """The positions from which every link to a signed head is here."""
    reached: set[int] = set()
    for head in signed:
        at = head
        while at in links and at not in reached:
            reached.add(at)
            at -= 1
    return reached


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
