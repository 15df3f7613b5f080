"""The file of a bundle: whatever is altered in it is found and named, and other people's tools agree."""

from __future__ import annotations

import hashlib
import io
import json
import random
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import bagit
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey
from support.bundles import Forger, unpacked

from bot.adapters.bundles.plain_zip import PlainZipWriter
from bot.adapters.bundles.verifying import Verified, verify_bundle
from bot.adapters.signing import SigningKey, open_signing_key
from bot.domain.bundles import BundleKind, Label
from bot.domain.errors import NotFound

LABEL = Label(BundleKind.INCIDENT, "inc-01m8bb4n8cd32ggm9rkgqhv3vy", "fraud-model")
FILES = {
    "subject.json": b'{"format":1}\n',
    "timeline.jsonl": b'{"text":"opened"}\n',
    "files/" + "a" * 64: b"\0\xff raw",
}
TOP = f"{LABEL.folder}/"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return open_signing_key(tmp_path_factory.mktemp("key"), None)


@pytest.fixture(scope="module")
def bundle(key: SigningKey) -> bytes:
    return Forger(key).write(LABEL, FILES)


@pytest.fixture
def check(tmp_path: Path, key: SigningKey) -> Callable[..., Verified]:
    """Verifies these bytes by these keys, the right one unless others are named."""
    path = tmp_path / "bundle.zip"

    def look(content: bytes, *keys: str) -> Verified:
        path.write_bytes(content)
        return verify_bundle(path, keys or (key.public_pem,))

    return look


def zipped(members: dict[str, bytes], *, twice: str | None = None, link: str | None = None, **more: int) -> bytes:
    """A zip of these members by the standard library."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **more) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, (stat.S_IFREG | 0o644) << 16
            if name == link:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, content, **({"compress_type": zipfile.ZIP_DEFLATED} if more else {}))
        if twice:
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr(twice, b"other")
    return out.getvalue()


def members_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(members: dict[str, bytes]) -> bytes:
    """The same members, altered, in a zip that is in order: somebody knew the format."""
    out = io.BytesIO()
    writer = PlainZipWriter(out)
    for name, content in members.items():
        writer.add(name, (content,))
    writer.close()
    return out.getvalue()


def test_a_bundle_that_nobody_altered_verifies_and_says_what_it_is(
    bundle: bytes, check: Callable[..., Verified], key: SigningKey
) -> None:
    found = check(bundle)
    assert (found.problems, found.is_trusted, found.key, found.label) == ([], True, key.id, LABEL)
    assert (found.files, found.size) == (len(FILES), sum(map(len, FILES.values())))


def test_the_same_files_give_the_same_bytes(bundle: bytes, key: SigningKey) -> None:
    assert Forger(key).write(LABEL, dict(reversed(FILES.items()))) == bundle


def unseen_flips(
    bundle: bytes, positions: Iterable[int], check: Callable[..., Verified], rng: random.Random
) -> list[int]:
    """Where a flipped byte was not found."""
    unseen = []
    for position in positions:
        altered = bytearray(bundle)
        altered[position] ^= rng.randrange(1, 256)
        if check(bytes(altered)).is_whole:
            unseen.append(position)
    return unseen


def test_two_thousand_flipped_bytes_are_found(
    bundle: bytes, check: Callable[..., Verified], rng: random.Random
) -> None:
    assert unseen_flips(bundle, rng.sample(range(len(bundle)), 2000), check, rng) == []


@pytest.mark.e2e
def test_there_is_no_byte_that_may_be_another_one(
    bundle: bytes, check: Callable[..., Verified], rng: random.Random
) -> None:
    """Headers, contents, directory, signature: all of them."""
    assert unseen_flips(bundle, range(len(bundle)), check, rng) == []


def test_what_was_altered_is_named(bundle: bytes, check: Callable[..., Verified]) -> None:
    for name in (
        *(f"data/{path}" for path in FILES),
        "README.md",
        "manifest-sha256.txt",
        "public-key.pem",
        "bagit.txt",
    ):
        members = members_of(bundle)
        members[TOP + name] = members[TOP + name].replace(b"e", b"E", 1) + b" "
        problems = check(rewritten(members)).problems
        assert any(problem.startswith(f"{name}: ") for problem in problems), (name, problems)


def test_files_that_are_put_in_taken_out_or_moved_are_named(bundle: bytes, check: Callable[..., Verified]) -> None:
    members = members_of(bundle)
    assert "data/more.json: it was put in" in check(rewritten({**members, f"{TOP}data/more.json": b"{}"})).problems
    assert "notes.txt: it was put in" in check(rewritten({**members, f"{TOP}notes.txt": b"x"})).problems
    fewer = {name: content for name, content in members.items() if "timeline" not in name}
    assert "data/timeline.jsonl: it was taken out" in check(rewritten(fewer)).problems
    gone = {name: content for name, content in members.items() if "envelope" not in name}
    assert "envelope.dsse.json: it is missing" in check(rewritten(gone)).problems
    moved = dict(sorted(members.items(), reverse=True))
    assert check(rewritten(moved)).problems == ["the files are not in their order"]


def test_a_forger_who_mends_all_digests_is_found_by_the_signature(
    bundle: bytes, check: Callable[..., Verified]
) -> None:
    members = members_of(bundle)
    members[f"{TOP}data/timeline.jsonl"] = b'{"text":"nothing happened"}\n'
    for listing, prefix in (("manifest-sha256.txt", "data/"), ("tagmanifest-sha256.txt", "")):
        names = [name.removeprefix(TOP) for name in members if name != f"{TOP}tagmanifest-sha256.txt"]
        listed = [one for one in sorted(names) if one.startswith("data/") is bool(prefix)]
        lines = [f"{hashlib.sha256(members[TOP + one]).hexdigest()}  {one}\n" for one in listed]
        members[TOP + listing] = "".join(lines).encode()
    problems = check(rewritten(members)).problems
    assert "manifest-sha256.txt: it was altered" in problems


def test_another_key_is_no_proof_and_the_key_inside_is_none_either(
    bundle: bytes, check: Callable[..., Verified], tmp_path: Path, key: SigningKey
) -> None:
    other = open_signing_key(tmp_path, None)
    found = check(bundle, other.public_pem)
    assert not found.is_trusted
    assert found.problems == [f"envelope.dsse.json: it is signed by {key.id[:16]}, not by key {other.id[:16]}"]
    (tmp_path / "b.zip").write_bytes(bundle)
    alone = verify_bundle(tmp_path / "b.zip", ())
    assert (alone.problems, alone.is_trusted, alone.key) == ([], False, key.id)
    forged = Forger(other).write(LABEL, {**FILES, "timeline.jsonl": b"{}\n"})
    assert not check(forged).is_whole


def test_an_envelope_without_a_signature_is_altered(bundle: bytes, check: Callable[..., Verified]) -> None:
    members = members_of(bundle)
    envelope = json.loads(members[f"{TOP}envelope.dsse.json"])
    for signatures in ([], [{**envelope["signatures"][0], "sig": "AAAA"}], envelope["signatures"] * 2):
        members[f"{TOP}envelope.dsse.json"] = json.dumps({**envelope, "signatures": signatures}).encode()
        assert any(one.startswith("envelope.dsse.json: ") for one in check(rewritten(members)).problems)


HOSTILE = [
    f"{TOP}data/../../etc/passwd",
    "../outside",
    "/etc/passwd",
    "C:\\windows",
    f"{TOP}data\\x",
    f"{TOP}data//x",
    f"{TOP}.hidden",
    f"{TOP}data/\u202etxt",
    f"{TOP}data/",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_leads_elsewhere_is_refused(bundle: bytes, check: Callable[..., Verified], name: str) -> None:
    found = check(zipped({**members_of(bundle), name: b"x"}))
    assert not found.is_whole


def test_links_duplicates_and_packed_members_are_refused(bundle: bytes, check: Callable[..., Verified]) -> None:
    members = members_of(bundle)
    as_it_is = zipped(members)
    assert not check(zipped(members, twice=f"{TOP}data/subject.json")).is_whole
    assert not check(zipped(members, link=f"{TOP}data/subject.json")).is_whole
    assert not check(zipped(members, compression=zipfile.ZIP_DEFLATED)).is_whole
    assert len(as_it_is) == len(bundle)


def test_a_bomb_is_refused_without_being_unpacked(check: Callable[..., Verified]) -> None:
    bomb = zipped({f"{TOP}data/zeros": b"\0" * 50_000_000}, compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    assert not check(bomb).is_whole


@pytest.mark.parametrize(
    "content",
    [b"", b"PK", b"\0" * 22, b"not a zip at all" * 100, struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0, 0, 0, 0, 0)],
)
def test_what_is_no_bundle_is_called_so(check: Callable[..., Verified], content: bytes) -> None:
    assert not check(content).is_whole


def test_bytes_behind_before_or_between_are_found(bundle: bytes, check: Callable[..., Verified]) -> None:
    assert not check(bundle + b"\0").is_whole
    assert not check(b"#!/bin/sh\n" + bundle).is_whole
    assert not check(bundle[:-1]).is_whole


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be read"):
        verify_bundle(tmp_path / "nothing.zip", ())


def test_the_tools_of_others_open_and_verify_it(bundle: bytes, tmp_path: Path, key: SigningKey) -> None:
    """`bagit` for the content, `securesystemslib` for who vouches for it; none of our code."""
    folder = unpacked(bundle, tmp_path)
    bag = bagit.Bag(str(folder))
    assert bag.validate()
    assert bag.info["External-Identifier"] == f"incident:{LABEL.id}"
    envelope = Envelope.from_dict(json.loads((folder / "envelope.dsse.json").read_bytes()))
    raw = load_pem_public_key(key.public_pem.encode()).public_bytes_raw().hex()
    (keyid,) = envelope.signatures
    assert envelope.verify([SSlibKey(keyid, "ed25519", "ed25519", {"public": raw})], 1)
    for one in json.loads(envelope.payload)["subject"]:
        assert hashlib.sha256((folder / one["name"]).read_bytes()).hexdigest() == one["digest"]["sha256"]
    (folder / "data" / "timeline.jsonl").write_text("altered")
    with pytest.raises(bagit.BagValidationError):
        bag.validate()
    envelope.payload += b" "
    with pytest.raises(VerificationError):
        envelope.verify([SSlibKey(keyid, "ed25519", "ed25519", {"public": raw})], 1)
