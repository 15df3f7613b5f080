"""The signed envelope of a bundle: DSSE around a statement that names the digest of every tag file.

DSSE: https://github.com/secure-systems-lab/dsse; the statement has the shape of in-toto's, version 1.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.adapters.envelopes import plain_json, seal_payload
from bot.adapters.signing import SigningKey
from bot.domain.bundles import FORMAT, Label
from bot.domain.errors import BadInput

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope

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
    return seal_payload(_payload(str(label.kind), label.id, label.service, digests), PAYLOAD_TYPE, key)


def open_envelope(raw: bytes) -> tuple[Envelope, Statement]:
    """The envelope and what it says, whoever signed it. BadInput where it is none, or is written in another way."""
    from securesystemslib.dsse import Envelope

    try:
        envelope = Envelope.from_dict(json.loads(raw))
        statement = _read(envelope)
        again = _payload(statement.kind, statement.id, statement.service, statement.digests)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput("The envelope cannot be read", why=type(error).__name__) from None
    if envelope.payload_type != PAYLOAD_TYPE or again != envelope.payload or plain_json(envelope.to_dict()) != raw:
        raise BadInput("The envelope is not written as an envelope of a bundle is")
    return envelope, statement


def _payload(kind: str, id_: str, service: str, digests: Mapping[str, str]) -> bytes:
    return plain_json(
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
