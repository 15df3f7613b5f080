"""The signed envelope of a bundle: DSSE around a statement that names the digest of every tag file.

DSSE: https://github.com/secure-systems-lab/dsse; the statement has the shape of in-toto's, version 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.adapters.signing import SigningKey, key_id
from bot.domain.bundles import FORMAT, Label
from bot.domain.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer._key import Key

PAYLOAD_TYPE = "application/vnd.andon.bundle.v1+json"
PREDICATE = "urn:andon:bundle:v1"
_STATEMENT = "https://in-toto.io/Statement/v1"


@dataclass(frozen=True)
class Statement:
    """What is signed: which bundle it is, and the SHA-256 of each file that stands beside the payload."""

    kind: str
    id: str
    service: str
    digests: Mapping[str, str]


def seal_envelope(label: Label, digests: Mapping[str, str], key: SigningKey) -> bytes:
    """The envelope as JSON; the same label, digests and key give the same bytes (Ed25519 has no chance in it)."""
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import Signature  # type: ignore[attr-defined]

    envelope = Envelope(_payload(str(label.kind), label.id, label.service, digests), PAYLOAD_TYPE, {})
    envelope.signatures[key.id] = Signature(key.id, key.sign(envelope.pae()).hex())
    return _as_json(envelope.to_dict())


def open_envelope(raw: bytes) -> tuple[Envelope, Statement]:
    """The envelope and what it says, whoever signed it. BadInput where it is none, or is written in another way."""
    from securesystemslib.dsse import Envelope

    try:
        envelope = Envelope.from_dict(json.loads(raw))
        statement = _read(envelope)
        again = _payload(statement.kind, statement.id, statement.service, statement.digests)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput("The envelope cannot be read", why=type(error).__name__) from None
    if envelope.payload_type != PAYLOAD_TYPE or again != envelope.payload or _as_json(envelope.to_dict()) != raw:
        raise BadInput("The envelope is not written as an envelope of a bundle is")
    return envelope, statement


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
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

    try:
        found = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("The public key cannot be read", why="it is no PEM text of a public key") from error
    if not isinstance(found, Ed25519PublicKey):
        raise ConfigError("The public key cannot be used", why="it is not an Ed25519 key")
    return SSlibKey(key_id(_standard(found)), "ed25519", "ed25519", {"public": found.public_bytes_raw().hex()})


def _standard(key: Any) -> str:
    """The PEM text as Andon writes it, whatever line ends the file had: the key's id is made of it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return str(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii"))


def _payload(kind: str, id_: str, service: str, digests: Mapping[str, str]) -> bytes:
    return _as_json(
        {
            "_type": _STATEMENT,
            "predicateType": PREDICATE,
            "predicate": {"format": FORMAT, "kind": kind, "id": id_, "service": service},
            "subject": [{"name": name, "digest": {"sha256": digests[name]}} for name in sorted(digests)],
        }
    )


def _read(envelope: Envelope) -> Statement:
    found: dict[str, Any] = json.loads(envelope.payload)
    about = found["predicate"]
    digests = {one["name"]: one["digest"]["sha256"] for one in found["subject"]}
    return Statement(about["kind"], about["id"], about["service"], digests)


def _as_json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
