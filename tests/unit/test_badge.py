"""The badge: what it says for each verdict, that it is wide enough, and that nothing in it is markup."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from support.disciplined import WEEKLY, attempt, judged, real
from support.hostile_texts import HOSTILE
from support.store_records import AT

from bot.domain.discipline import Attempt, Result, Verdict
from bot.flow.discipline_views import service_discipline
from bot.web.badge import _COLOURS, NEVER, Badge, badge_of, draw, text_width


@pytest.mark.parametrize(
    ("attempts", "drills", "said"),
    [
        ([attempt(4.5, 192.0)], [], ("restores in 3m12s", "proven 4 days ago")),
        ([real(0.5, 3.21)], [], ("restores in 3.3s", "proven today")),
        ([real(1.5, 720.0)], [], ("restores in 12m", "too slow, agreed are 5m")),
        ([attempt(9, 192.0), real(2, None, result=Result.FAILED)], [], ("restoring", "failed 2 days ago")),
        ([attempt(40, 192.0)], [WEEKLY], ("restores in 3m12s", "overdue, proven 40 days ago")),
        ([], [WEEKLY], ("restoring", "overdue, never proven")),
        ([], [], ("restoring", "never proven")),
    ],
)
def test_it_says_how_fast_and_when(
    attempts: list[Attempt], drills: list[dict[str, str]], said: tuple[str, str]
) -> None:
    badge = badge_of(service_discipline(judged(attempts, *drills)), AT)
    assert (badge.left, badge.right) == said


def test_a_service_that_was_never_proven_looks_like_one_that_nobody_knows() -> None:
    assert badge_of(service_discipline(judged([])), AT) == NEVER


@pytest.mark.parametrize("name", [*HOSTILE, "]]>", "&amp;", "\x00\x1b[31m", "\ud800", "a" * 500])
def test_a_hostile_name_is_text_and_nothing_else(name: str) -> None:
    root = ElementTree.fromstring(draw(NEVER, name))
    tags = [one.tag.rpartition("}")[2] for one in root.iter()]
    assert tags == ["svg", "title", "rect", "path", "g", "text", "text"]
    assert not [key for one in root.iter() for key in one.attrib if key.startswith("on") or "href" in key]


def test_every_verdict_has_a_colour_on_which_white_can_be_read() -> None:
    assert set(_COLOURS) == set(Verdict)
    for colour in [*_COLOURS.values(), "#3d4247"]:
        assert 1.05 / (_luminance(colour) + 0.05) >= 4.5, colour


def test_it_is_as_wide_as_its_words() -> None:
    assert text_width("illi") < text_width("abcd") < text_width("mWMw")
    assert text_width("障害") == 22
    short, long = (ElementTree.fromstring(draw(Badge("a", text, Verdict.PROVEN), "s")) for text in ("b", "b" * 40))
    assert int(long.get("width") or 0) - int(short.get("width") or 0) == 39 * 7


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
