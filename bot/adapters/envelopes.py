"""Signed envelopes around any bytes: DSSE with the Ed25519 key of this installation.

https://github.com/secure-systems-lab/dsse: what is signed names the kind of the payload too, so that a signature of
one kind of document proves nothing about another.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.adapters.signing import SigningKey, key_id
from bot.domain.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Key  # type: ignore[attr-defined]


def seal_payload(payload: bytes, kind: str, key: SigningKey) -> bytes:
    """The envelope as JSON; the same payload, kind and key give the same bytes (Ed25519 has no chance in it)."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature  # type: ignore[attr-defined]

    envelope = Envelope(payload, kind, {})
    envelope.signatures[key.id] = Signature(key.id, key.sign(envelope.pae()).hex())
    return plain_json(envelope.to_dict())


def open_payload(raw: bytes, kind: str, keys: Sequence[str]) -> tuple[bytes, str]:
    """The payload and the id of the key that signed it: one of these public keys (PEM).

    BadInput where it is no envelope, holds something else, or none of the keys signed it."""
    envelope = _read(raw)
    if envelope.payload_type != kind:
        raise BadInput("The envelope holds something else", why=f"it says {envelope.payload_type[:80]!r}")
    signer = signer_of(envelope, keys)
    if signer is not None:
        return envelope.payload, signer
    raise BadInput(
        "The signature does not verify",
        why="the content was changed, or another key signed it",
        next="give the signer's public key with --key FILE",
    )


def _read(raw: bytes) -> Envelope:
    from securesystemslib.dsse import Envelope

    try:
        return Envelope.from_dict(json.loads(raw))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput("This is no signed envelope", why=type(error).__name__) from None


def signer_of(envelope: Envelope, keys: Sequence[str]) -> str | None:
    """The id of the first of these public keys (PEM) that signed it; None where none did."""
    from securesystemslib.exceptions import VerificationError

    for pem in keys:
        key = public_key(pem)
        try:
            envelope.verify([key], 1)
        except VerificationError:
            continue
        return str(key.keyid)
    return None


def public_key(pem: str) -> Key:
    """A public key for securesystemslib. ConfigError where the text is no Ed25519 key."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

    try:
        found = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("The public key cannot be read", why="it is no PEM text of a public key") from error
    if not isinstance(found, Ed25519PublicKey):
        raise ConfigError("The public key cannot be used", why="it is not an Ed25519 key")
    # The key's id is made of the text as Andon writes it, whatever line ends the file had.
    text = found.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
    return SSlibKey(key_id(text), "ed25519", "ed25519", {"public": found.public_bytes_raw().hex()})


def plain_json(value: Any) -> bytes:
    """One way to write a value: sorted keys, no spaces, ASCII, and a line break."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode() + b"\n"
