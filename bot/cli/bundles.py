"""Commands about bundles: write one, check one without anything but a public key, and look into one."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from bot.cli.session import actor_of, complain, program, settings_of, show
from bot.domain.bundles import BundleKind
from bot.domain.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from bot.adapters.bundles.verifying import Verified

WHOLE, ALTERED, NOT_TOLD = 0, 1, 3
"""Exit codes. Whole, but by a key that nobody vouches for, is no success."""


def incident_export(args: argparse.Namespace) -> int:
    """Everything about one incident."""
    return _export(args, BundleKind.INCIDENT)


def release_export(args: argparse.Namespace) -> int:
    """Everything about one release."""
    return _export(args, BundleKind.RELEASE)


def _export(args: argparse.Namespace, kind: BundleKind) -> int:
    from bot.domain.bundles import Label

    with program(args) as app:
        name = args.output or Label(kind, args.subject, "").file
        if name == "-":
            _to_standard_output(lambda out: app.bundles.export(kind, args.subject, actor_of(app), out))
            return 0
        path = Path(name)
        with _written(path) as out:
            app.bundles.export(kind, args.subject, actor_of(app), out)
    size = path.stat().st_size
    if args.json:
        show({"file": str(path), "kind": str(kind), "id": args.subject, "bytes": size})
    else:
        show(f"{path}: {size:,} bytes, signed. `andon bundle verify {path}` checks it.")
    return 0


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name once it is whole. BadInput where it cannot be written."""
    if "/" in str(path.name) or path.is_dir():
        raise BadInput(f"{path} is a folder", next="--output names a file")
    try:
        descriptor, own = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
    except OSError as error:
        raise BadInput(f"{path} cannot be written", why=error.strerror or "") from None
    try:
        with os.fdopen(descriptor, "w+b") as out:
            yield out
        Path(own).replace(path)
    finally:
        Path(own).unlink(missing_ok=True)


def _to_standard_output(write: Any) -> None:
    import shutil

    with tempfile.TemporaryFile() as out:
        write(out)
        out.seek(0)
        shutil.copyfileobj(out, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def verify(args: argparse.Namespace) -> int:
    """Offline: the file, and public keys."""
    path = Path(args.file)
    found = verified(args, path)
    code = _code(found)
    if args.json:
        show({"ok": code == WHOLE, **as_json(found)})
        return code
    for problem in found.problems:
        complain(problem)
    if code == ALTERED:
        complain(f"{path} is not what was signed")
        return code
    assert found.label is not None
    show(f"{path}: {found.label.kind} {found.label.id} of {found.label.service}, {found.files} files, unaltered")
    if code == WHOLE:
        show(f"signed by {found.key}")
    else:
        complain(_NOT_KNOWN.format(key=found.key))
    return code


_NOT_KNOWN = (
    "NOBODY VOUCHES FOR THIS BUNDLE: it fits in itself, but it was checked by the key inside it only ({key}), and "
    "whoever alters a bundle can put in a key of their own. Get the owner's public key (`andon key show` there) and "
    "give it as --key"
)


def _code(found: Verified) -> int:
    if not found.is_whole:
        return ALTERED
    return WHOLE if found.is_trusted else NOT_TOLD


def as_json(found: Verified) -> dict[str, Any]:
    """What was found, in plain values."""
    return {
        "whole": found.is_whole,
        "trusted": found.is_trusted,
        "key": found.key,
        "kind": str(found.label.kind) if found.label else None,
        "id": found.label.id if found.label else None,
        "service": found.label.service if found.label else None,
        "files": found.files,
        "bytes": found.size,
        "problems": list(found.problems),
    }


def verified(args: argparse.Namespace, path: Path) -> Verified:
    """Checked by `--key`, else by the keys that are trusted here. NotFound, BadInput, ConfigError."""
    from bot.adapters.bundles.verifying import verify_bundle

    return verify_bundle(path, [_key_in(Path(args.key))] if args.key else _trusted(args))


def _trusted(args: argparse.Namespace) -> list[str]:
    """The own key, where there is one, and those of ANDON_TRUSTED_KEYS."""
    from bot.adapters.keyring import Keyring

    settings = settings_of(args)
    given = settings.signing_key.get_secret_value() if settings.signing_key else None
    return list(Keyring(settings.data, given, settings.trusted_keys).known().values())


def _key_in(path: Path) -> str:
    from bot.adapters.bundles.envelopes import public_key

    try:
        pem = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no PEM text"
        raise BadInput(f"The key {path} cannot be read", why=str(reason)) from None
    try:
        public_key(pem)
    except ConfigError as error:
        raise BadInput(f"{path} cannot be used as a key", why=error.why) from None
    return pem


def show_bundle(args: argparse.Namespace) -> int:
    """What it is about and what is in it; nothing of it is trusted that does not verify."""
    from bot.adapters.bundles.verifying import opened

    path = Path(args.file)
    found = verified(args, path)
    with opened(path) as reader:
        sizes = {name.partition("/")[2]: member.size for name, member in reader.members.items()}
    if args.json:
        show({**as_json(found), "contents": sizes})
        return _code(found)
    label = found.label
    show(f"{label.kind} {label.id} of {label.service}" if label else "about nothing that can be told")
    who = "trusted here" if found.is_trusted else "NOT trusted here: it is the key inside the bundle"
    show(f"signed by {found.key} ({who})" if found.key else "signed by nobody that can be told")
    for name, size in sizes.items():
        show(f"{size:>12,}  {name}")
    for problem in found.problems:
        complain(problem)
    return _code(found)


def key(args: argparse.Namespace) -> int:
    """The public half; the pair is made where there is none yet."""
    from bot.adapters.keyring import Keyring

    settings = settings_of(args)
    given = settings.signing_key.get_secret_value() if settings.signing_key else None
    found = Keyring(settings.data, given).own()
    if args.json:
        show({"id": found.id, "public_key": found.public_pem})
    else:
        show(f"{found.public_pem}# id {found.id}")
    return 0
