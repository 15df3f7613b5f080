"""Places of anchors as people write them, intervals, and heads found in any text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.keyring import Keyring, read_trusted
from bot.domain.audit_anchors import parse_anchors, slot_of
from bot.domain.audit_trail import SignedHead, find_heads, parse_head
from bot.domain.erasures import Erasure
from bot.domain.errors import BadInput, ConfigError
from bot.domain.times import parse_duration
from bot.settings import Settings
from bot.supervisor import environment_of

HEX = st.text("0123456789abcdef", min_size=64, max_size=64)
MOMENTS = st.integers(40_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))


def test_places_are_read_and_named_without_their_keys() -> None:
    text = (
        "file:/mnt/heads, slack:C0123ABCD\nmail:audit@example.com,https://u:p@store.example.com:8443/h/{position}?key=k"
    )
    assert [one.name for one in parse_anchors(text)] == [
        "file:/mnt/heads",
        "slack:C0123ABCD",
        "mail:audit@example.com",
        "https://store.example.com:8443/h/{position}",
    ]
    assert parse_anchors(" , ") == ()


@pytest.mark.parametrize(
    "entry",
    [
        "file:heads",
        "slack:#audit",
        "mail:audit",
        "http://store.example.com/secret",
        "ftp://x/secret",
        "secret",
        "file:/a,file:/a",
    ],
)
def test_a_place_that_cannot_be_used_is_named_by_number_and_not_repeated(entry: str) -> None:
    with pytest.raises(ConfigError, match=r"Entry [12] of ANDON_AUDIT_ANCHORS") as caught:
        parse_anchors(entry)
    assert "secret" not in str(caught.value)


@given(MOMENTS, st.timedeltas(timedelta(minutes=1), timedelta(days=30)))
def test_every_moment_lies_in_one_interval(now: datetime, every: timedelta) -> None:
    slot = slot_of(now, every)
    assert slot <= now < slot + every
    assert slot_of(slot, every) == slot


@given(st.lists(st.tuples(st.integers(1, 10**17), HEX), max_size=5), st.text("xyz: \n`*<>", max_size=9))
def test_heads_are_found_in_whatever_surrounds_them(heads: list[tuple[int, str]], noise: str) -> None:
    lines = [SignedHead(*head, at="2026-11-20T14:07:31.396000+00:00", key_id="k", previous="p").line for head in heads]
    assert find_heads(f"{noise}\n" + f" {noise}\n".join(f"`{line}`" for line in lines)) == heads
    assert [parse_head(f"{position}:{known}") for position, known in heads] == heads


def test_what_is_no_head_is_not_taken_for_one() -> None:
    assert find_heads(f"12:{'a' * 63} x12:{'a' * 64} 12:{'a' * 65} 12-{'a' * 64}") == []
    with pytest.raises(BadInput, match="POSITION:HASH"):
        parse_head(f"twelve:{'a' * 64}")


def test_trusted_keys_are_read_from_files_and_from_text(tmp_path: Path) -> None:
    keys = [Keyring(tmp_path / name).own() for name in "abc"]
    files = [tmp_path / f"{key.id}.pem" for key in keys]
    for key, file in zip(keys, files, strict=True):
        file.write_text(f"# of a host\n{key.public_pem}")
    pems = [key.public_pem for key in keys]
    assert read_trusted(", ".join(map(str, files))) == pems
    assert read_trusted("".join(pems)) == pems
    with pytest.raises(ConfigError, match="cannot be read"):
        read_trusted(str(tmp_path / "none.pem"))
    files[0].write_text("nothing")
    with pytest.raises(ConfigError, match="no public key"):
        read_trusted(str(files[0]))


def test_a_keyring_that_only_verifies_makes_no_key(tmp_path: Path) -> None:
    keys = Keyring(tmp_path)
    assert keys.known() == {}
    assert not keys.vouches("k", b"content", "00")
    assert list(tmp_path.iterdir()) == []


def test_a_person_is_taken_out_as_a_word_of_its_own() -> None:
    erasure = Erasure(("lena", "lena@example.com", "U0LENA"), "erased-1", "ada", "")
    said = "Lena (lena@example.com, <@U0LENA>, token-lena): lenart and Helena stay. lena's run."
    assert erasure.without(said) == (
        "erased-1 (erased-1, <@erased-1>, token-erased-1): lenart and Helena stay. erased-1's run."
    )


def test_every_part_of_a_program_gets_the_interval_that_was_set() -> None:
    for every in ("90s", "1h30m", "2d"):
        given = Settings.from_environment({"ANDON_AUDIT_ANCHOR_EVERY": every})
        assert Settings.from_environment(environment_of(given, {})).audit_anchor_every == parse_duration(every)
    with pytest.raises(ConfigError, match="shorter than a minute"):
        Settings.from_environment({"ANDON_AUDIT_ANCHOR_EVERY": "5s"})
