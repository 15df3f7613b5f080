"""The key that Andon signs with: Ed25519, kept outside the database, so that who can write there cannot sign."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.data_folder import keep_first
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_NAME = "signing-key"


@dataclass(frozen=True)
class SigningKey:
    """A private key. Its public half is what everybody may have, and all that verifying needs."""

    private: Ed25519PrivateKey

    def sign(self, content: bytes) -> bytes:
        """64 bytes: RFC 8032."""
        return self.private.sign(content)

    @property
    def public_pem(self) -> str:
        """The public half: SubjectPublicKeyInfo as PEM text."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        found = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return found.decode("ascii")

    @property
    def id(self) -> str:
        """The key's name: SHA-256 of the public half as PEM text, in hex."""
        return key_id(self.public_pem)


def key_id(public_pem: str) -> str:
    """SHA-256, in hex, of a public key as PEM text."""
    return hashlib.sha256(public_pem.encode("ascii")).hexdigest()


def is_signed(public_pem: str, content: bytes, signature: bytes) -> bool:
    """Whether the holder of this key signed exactly these bytes. ConfigError where the text is no Ed25519 key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(public_pem.encode())
    except ValueError as error:
        raise ConfigError("The public key cannot be read", why="it is no PEM text of a key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError("The public key cannot be used", why="it is not an Ed25519 key")
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def kept_signing_key(folder: Path, given: str | None) -> SigningKey | None:
    """The key that `open_signing_key` opens, if there is one already; none is made."""
    if given is None and not (folder / _NAME).exists():
        return None
    return open_signing_key(folder, given)


def open_signing_key(folder: Path, given: str | None) -> SigningKey:
    """The key that was given as PEM text, else the one of the data folder, made there at first use (mode 0600)."""
    if given is not None:
        return _loaded(given.encode(), "ANDON_SIGNING_KEY")
    path = folder / _NAME
    if not path.exists():
        _make(path)
    return _loaded(path.read_bytes(), str(path))


def _make(path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    keep_first(path, Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _loaded(pem: bytes, where: str) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where} cannot be used to sign", why="it is no PEM text of an unencrypted key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{where} cannot be used to sign", why="it is not an Ed25519 key")
    return SigningKey(key)
