"""The corpus of meetings: its size, its labels, and the goal that the tuned half must keep."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.domain.heard import HeardKind
from tests.support.meetings import CORPUS, HALVES, asserted_hedges, complete_actions, load

PRECISION, RECALL = 0.95, 0.85


@pytest.mark.parametrize("half", HALVES)
def test_every_file_of_a_half_is_labelled_read_and_heard(half: str) -> None:
    meetings = load(half)
    files = {path.name for path in (CORPUS / half).iterdir()} - {"expected.yaml"}
    assert {one.name for one in meetings} == files
    for meeting in meetings:
        text = (CORPUS / half / meeting.name).read_text("utf-8")
        for label in meeting.labels:
            assert 1 <= label.line <= text.count("\n"), meeting.name


def test_the_corpus_is_as_large_and_as_varied_as_promised() -> None:
    names = [one.name for half in HALVES for one in load(half)]
    assert len(names) >= 60
    endings = Counter(name.rpartition(".")[2] for name in names)
    assert set(endings) == {"txt", "md", "vtt", "srt", "json"}
    assert sum(label.is_complete for one in load("held_out") for label in one.labels) >= 50


def test_the_tuned_half_keeps_the_goal_for_actions_with_owner_and_due() -> None:
    score = complete_actions(load("tuned"))
    assert score.precision >= PRECISION, score.wrongs
    assert score.recall >= RECALL, score.misses


def test_nothing_that_is_only_to_be_offered_is_asserted_in_the_tuned_half() -> None:
    assert asserted_hedges(load("tuned")) == []


@pytest.mark.parametrize("half", HALVES)
def test_every_item_points_to_its_line(half: str) -> None:
    for meeting in load(half):
        lines = (CORPUS / half / meeting.name).read_text("utf-8").split("\n")
        for item in meeting.heard:
            assert item.certain == (not item.why_uncertain)
            if not meeting.name.endswith(".json") and item.kind is HeardKind.ACTION:
                assert lines[item.line - 1].strip(), f"{meeting.name}:{item.line}"
