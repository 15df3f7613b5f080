"""Writes a bundle: a bag of BagIt 1.0 (RFC 8493) in a plain zip, with its signed envelope as one of the tag files."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import BinaryIO

from bot.adapters.bundles.envelopes import seal_envelope
from bot.adapters.bundles.plain_zip import PlainZipWriter
from bot.adapters.bundles.reader_notes import reader_notes
from bot.adapters.signing import SigningKey
from bot.domain.bundles import FORMAT, Draft, Label

DECLARATION = "bagit.txt"
INFO = "bag-info.txt"
MANIFEST = "manifest-sha256.txt"
TAG_MANIFEST = "tagmanifest-sha256.txt"
NOTES = "README.md"
KEY = "public-key.pem"
ENVELOPE = "envelope.dsse.json"
BEFORE = (DECLARATION, NOTES)
"""Tag files that stand before the payload, in this order."""
AFTER = (INFO, MANIFEST, KEY, ENVELOPE, TAG_MANIFEST)
"""Tag files that stand behind it."""
SIGNED = (DECLARATION, NOTES, INFO, MANIFEST, KEY)
"""What the envelope names; the manifest names the payload."""
PAYLOAD = "data/"

IS_A_BAG = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


def write_bundle(draft: Draft, key: SigningKey, out: BinaryIO) -> None:
    """Write it to a file that can be sought in. The same record and key give the same bytes."""
    label, writer = draft.label, PlainZipWriter(out)
    tags: dict[str, str] = {}

    def put(name: str, content: bytes) -> None:
        tags[name], _ = writer.add(f"{label.folder}/{name}", (content,))

    put(DECLARATION, IS_A_BAG)
    put(NOTES, reader_notes(label).encode())
    payload, total = _write_payload(draft, writer)
    put(INFO, bag_info(label, total, len(payload)))
    put(MANIFEST, manifest(payload))
    put(KEY, key.public_pem.encode("ascii"))
    put(ENVELOPE, seal_envelope(label, {name: tags[name] for name in SIGNED}, key))
    put(TAG_MANIFEST, manifest(tags))
    writer.close()


def _write_payload(draft: Draft, writer: PlainZipWriter) -> tuple[dict[str, str], int]:
    payload: dict[str, str] = {}
    total, last = 0, ""
    for piece in draft.pieces:
        name = PAYLOAD + piece.path
        if name <= last:
            raise ValueError(f"{name} comes after {last}: a bundle is written in the order of its paths")
        payload[name], size = writer.add(f"{draft.label.folder}/{name}", piece.chunks)
        total, last = total + size, name
    return payload, total


def bag_info(label: Label, total: int, count: int) -> bytes:
    """Which bundle it is. No date: the same record gives the same bundle whenever it is exported."""
    lines = {
        "External-Identifier": f"{label.kind}:{label.id}",
        "Payload-Oxum": f"{total}.{count}",
        "Andon-Bundle-Format": str(FORMAT),
        "Andon-Service": label.service,
    }
    return "".join(f"{name}: {value}\n" for name, value in lines.items()).encode()


def manifest(digests: Mapping[str, str]) -> bytes:
    """Lines of SHA-256 and path, in the order of the paths."""
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests)).encode()


def sha256_of(content: bytes) -> str:
    """In hex."""
    return sha256(content).hexdigest()
