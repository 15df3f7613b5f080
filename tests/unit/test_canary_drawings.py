"""A canary drawn for the page and for the terminal: what stands in it, in words too, whatever its texts hold."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from bot.cli.canary_chart import HEIGHT, WIDTH, described, drawing
from bot.web.canary_plot import canary_plot

SVG = "{http://www.w3.org/2000/svg}"


def point(pairs: int, estimate: float | None, *, phase: str = "canary", verdict: str = "unknown") -> dict[str, Any]:
    interval = None if estimate is None else [max(0.0, estimate - 10 / pairs), min(1.0, estimate + 10 / pairs)]
    return {
        "at": "2026-05-04T12:00:00Z",
        "phase": phase,
        "pairs": pairs,
        "estimate": estimate,
        "interval": interval,
        "verdict": verdict,
    }


GOOD_THEN_BROKEN = [
    *(point(pairs, 0.005) for pairs in (50, 100, 200, 400, 800, 1600)),
    *(point(pairs, 0.06, phase="live") for pairs in (2000, 2400)),
    point(3000, 0.07, phase="live", verdict="diverged"),
]


def view(points: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "release": "rel-1",
        "service": "fraud-model",
        "incumbent": "41",
        "candidate": "42",
        "phase": "live",
        "verdict": "diverged",
        "why": "above the tolerance",
        "pairs": 3000,
        "affected": 96,
        "missing": 0,
        "measure": "disagreement",
        "estimate": 0.07,
        "interval": [0.05, 0.09],
        "tolerance": 0.02,
        "alpha": 0.05,
        "errors": None,
        "latency": None,
        "labels": None,
        "slices": [],
        "refused": {},
        "refused_lines": {},
        "set_aside": {"batches": 0, "newest": []},
        "flags": [],
        "points": points,
        **more,
    }


def test_the_plot_says_in_words_what_it_shows_and_needs_neither_script_nor_style() -> None:
    text = str(canary_plot(view(GOOD_THEN_BROKEN), id="one"))
    svg = ET.fromstring(text)
    assert (svg.get("role"), svg.get("aria-labelledby")) == ("img", "one-title one-desc")
    title, description = svg.find(f"{SVG}title"), svg.find(f"{SVG}desc")
    assert title is not None
    assert description is not None
    assert title.text == "Version 42 against version 41: diverged"
    assert description.text is not None
    for words in ("3,000 pairs", "disagreement is 0.07", "between 0.05 and 0.09", "tolerated is 0.02", "96"):
        assert words in description.text
    assert not re.search(r"<script|style=|on\w+=|#[0-9a-f]{3}|href", text)
    assert {one.get("fill") for one in svg.iter() if one.get("fill")} == {"currentColor", "none"}


def test_the_plot_marks_phases_tolerance_and_the_first_divergence() -> None:
    svg = ET.fromstring(str(canary_plot(view(GOOD_THEN_BROKEN))))
    kinds = [one.get("class") for one in svg]
    assert kinds.count("canary-phase") == 1
    assert kinds.count("canary-interval") == 2  # one for each phase: the tests begin anew
    assert kinds.count("canary-diverged") == kinds.count("canary-tolerance") == 1
    assert "diverged" in [one.text for one in svg]


def test_hostile_names_stay_text_in_the_plot() -> None:
    hostile = view(GOOD_THEN_BROKEN, candidate='"><script>alert(1)</script>', why="</desc><image href=x>")
    text = str(canary_plot(hostile, id='x" onload="y'))
    ET.fromstring(text)
    assert "<script" not in text
    assert "<image" not in text
    assert ' onload="' not in text


@pytest.mark.parametrize("points", [[], [point(50, 0.1)], [point(50, None), point(90, None)]])
def test_too_few_points_are_said_and_not_drawn(points: list[dict[str, Any]]) -> None:
    assert "too few pairs" in str(canary_plot(view(points)))
    assert drawing(points, 0.02) == []


@pytest.mark.parametrize("estimate", [0.0, 1.0])
def test_an_estimate_at_either_end_stays_inside_the_drawing(estimate: float) -> None:
    points = [point(pairs, estimate) for pairs in (1, 10**6, 10**8)]
    svg = ET.fromstring(str(canary_plot(view(points))))
    numbers = [float(one) for node in svg for one in re.findall(r"-?\d+\.?\d*", node.get("points") or "")]
    assert numbers
    assert all(0 <= one <= 720 for one in numbers)
    assert len(drawing(points, 0.02)) == HEIGHT + 3


def test_the_terminal_shows_verdict_figures_and_a_drawing_without_colour() -> None:
    lines = list(described(view(GOOD_THEN_BROKEN), is_plain=True))
    text = "\n".join(lines)
    assert lines[0] == "fraud-model: 42 against 41 (rel-1, phase live)"
    for words in ("verdict   diverged", "3,000; affected 96", "0.07, interval 0.05 to 0.09", "0.02 tol", "3,000 pairs"):
        assert words in text
    assert text.isascii()
    assert max(map(len, lines)) <= WIDTH + 40


def test_the_drawing_puts_the_estimate_under_the_tolerance_before_the_break_and_above_it_after() -> None:
    rows = drawing(GOOD_THEN_BROKEN, 0.02)[:HEIGHT]
    tolerance = next(at for at, row in enumerate(rows) if "tol" in row)
    heights = [next(at for at, row in enumerate(rows) if row[12 + x : 13 + x] == "●") for x in (0, 30, WIDTH - 1)]
    assert heights[0] > tolerance
    assert heights[1] > tolerance
    assert heights[2] < tolerance


def test_what_is_odd_is_said_beside_the_verdict() -> None:
    figure = {"verdict": "diverged", "estimate": 0.1, "count": 500, "tolerance": 0.01}
    odd = view(
        [],
        errors=figure,
        latency={"incumbent_ms": 10.0, "candidate_ms": 30.0, "tolerated": 1.2, "figure": figure},
        labels={"accuracy": "unknown"},
        slices=[{"name": "country=DE", "figure": figure}],
        refused={"different types": 3},
        refused_lines={"not JSON": {"count": 2}},
        set_aside={"batches": 1, "newest": [{"why": "it is not gzip"}]},
        flags=["autocorrelated"],
        interval=None,
    )
    text = "\n".join(described(odd))
    for words in ("errors    0.1", "10 -> 30 ms", "accuracy: unknown", "country=DE: diverged", "3: different types"):
        assert words in text
    for words in ("2: not JSON", "set aside 1 batches: it is not gzip", "note      autocorrelated", "not known"):
        assert words in text
