"""Cues of subtitles, as WebVTT and SRT both have them: times, words, and sentences that go on in the next cue."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bot.domain.heard import Utterance
from handlers.speech_labels import read_label

LONGEST_TEXT = 4_000
LONGEST_JOINED = 400
LONGEST_PAUSE_SECONDS = 2.0

TIMES = re.compile(r"\s*(?P<start>\S+)\s+-->\s+(?P<end>\S+)(?:\s.*)?")
_TIME = re.compile(r"(?:(\d{1,4}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]{1,80})>")
_TAG = re.compile(r"</?(?:c|i|b|u|v|ruby|rt|lang|font|\d{1,2}:[\d:.]+)(?:[.\s][^>]{0,200})?>", re.IGNORECASE)
_ENDS = re.compile(r"(?:[.?!…]|--|—)[\"')\]]*$")


@dataclass(frozen=True)
class Cue:
    """One cue: its lines as written, the number of the first, and when it is shown."""

    line: int
    lines: tuple[str, ...]
    start: float | None
    end: float | None


def read_seconds(text: str) -> float | None:
    """ "00:01:02.500" or "01:02,500" in seconds; None for whatever else, negative times among it."""
    found = _TIME.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds, fraction = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int((fraction or "0").ljust(3, "0")) / 1000


def split_blocks(lines: list[str]) -> Iterator[list[tuple[int, str]]]:
    """Runs of lines that are not blank, each line with its 1-based number."""
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def read_cue(block: list[tuple[int, str]]) -> Cue | None:
    """The cue of a block; None where no times stand in its first two lines, or no words after them."""
    for place in range(min(2, len(block))):
        times = TIMES.fullmatch(block[place][1]) if "-->" in block[place][1] else None
        if times:
            words = block[place + 1 :]
            if not words:
                return None
            start, end = read_seconds(times["start"]), read_seconds(times["end"])
            return Cue(words[0][0], tuple(line for _, line in words), start, end)
    return None


def as_utterances(cues: Iterable[Cue]) -> list[Utterance]:
    """What the cues say; one whose speaker goes on without an end of the sentence is one utterance with the next."""
    said: list[Utterance] = []
    last_end: float | None = None
    for cue in cues:
        for utterance in _voices(cue):
            if said and _goes_on(said[-1], utterance, last_end):
                said[-1] = replace(said[-1], text=f"{said[-1].text} {utterance.text}")
            else:
                said.append(utterance)
            last_end = cue.end
    return said


def _goes_on(before: Utterance, after: Utterance, end: float | None) -> bool:
    if before.speaker != after.speaker or _ENDS.search(before.text) or after.offset_seconds is None or end is None:
        return False
    is_short = len(before.text) + len(after.text) < LONGEST_JOINED
    return is_short and 0 <= after.offset_seconds - end <= LONGEST_PAUSE_SECONDS


def _voices(cue: Cue) -> Iterator[Utterance]:
    """One utterance for each voice of a cue; lines of one voice are joined by a space."""
    speaker: str | None = None
    words: list[str] = []
    first = cue.line
    for number, line in enumerate(cue.lines, cue.line):
        named, text = _voice(line)
        if named and words:
            yield _utterance(speaker, words, first, cue)
            words = []
        if named:
            speaker = named
        if not words:
            first = number
        words.append(text)
    yield _utterance(speaker, words, first, cue)


def _voice(line: str) -> tuple[str | None, str]:
    voice = _VOICE.match(line.strip())
    text = html.unescape(_TAG.sub("", line)).strip()
    if voice:
        return html.unescape(voice[1]).strip(), text
    labelled = read_label(text.removeprefix("- "))
    return labelled.speaker, labelled.text


def _utterance(speaker: str | None, words: list[str], line: int, cue: Cue) -> Utterance:
    text = " ".join(one for one in words if one)[:LONGEST_TEXT]
    return Utterance(text, line, speaker, offset_seconds=cue.start)
