"""The keys of the audit: the own one, which signs, and those of others whose signatures count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Lock

from bot.adapters.data_folder import open_data_folder
from bot.adapters.signing import SigningKey, is_signed, kept_signing_key, key_id, open_signing_key
from bot.domain.errors import ConfigError

_PEM = "-----BEGIN"


class Keyring:
    """Opened at first need: a program that never signs makes no key."""

    def __init__(self, folder: Path, given: str | None = None, trusted: str | None = None) -> None:
        """`given`: the own private key as PEM text, else the one in the folder; `trusted`: see `read_trusted`."""
        self._folder = folder
        self._given = given
        self._trusted_text = trusted
        self._lock = Lock()
        self._own: SigningKey | None = None
        self._known: dict[str, str] | None = None

    def own(self) -> SigningKey:
        """The key that signs here, made in the data folder where there is none. ConfigError where it is unusable."""
        with self._lock:
            if self._own is None:
                if self._given is None:
                    open_data_folder(self._folder)
                self._own = open_signing_key(self._folder, self._given)
                self._known = None
            return self._own

    def known(self) -> dict[str, str]:
        """Public keys as PEM text by their ids: the own one, if there is one yet, and the trusted ones."""
        with self._lock:
            if self._known is None:
                own = self._own or kept_signing_key(self._folder, self._given)
                pems = [*([own.public_pem] if own else []), *read_trusted(self._trusted_text or "")]
                self._known = {key_id(pem): pem for pem in pems}
            return self._known

    def vouches(self, name: str, content: bytes, signature: str) -> bool:
        """Whether the key of this id is known and signed exactly this; the signature is hex."""
        pem = self.known().get(name)
        try:
            return pem is not None and is_signed(pem, content, bytes.fromhex(signature))
        except ValueError:
            return False


def read_trusted(text: str) -> list[str]:
    """Public keys as PEM text: from PEM text itself, or from files named with commas between. ConfigError names one
    that cannot be read."""
    if _PEM in text:
        return list(_blocks(text, "ANDON_TRUSTED_KEYS"))
    found: list[str] = []
    for name in filter(None, (part.strip() for part in text.split(","))):
        try:
            content = Path(name).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"ANDON_TRUSTED_KEYS names {name}, which cannot be read", why=str(error)) from error
        found += _blocks(content, name)
    return found


def _blocks(text: str, where: str) -> Iterator[str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

    parts = [f"{_PEM}{part}" for part in text.split(_PEM)[1:]]
    if not parts:
        raise ConfigError(f"{where} holds no public key", why="it is no PEM text")
    for part in parts:
        try:
            key = load_pem_public_key(part.encode())
        except ValueError as error:
            raise ConfigError(f"{where} holds no public key", why="its PEM text cannot be read") from error
        if not isinstance(key, Ed25519PublicKey):
            raise ConfigError(f"{where} holds a key that is not Ed25519")
        yield key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")
