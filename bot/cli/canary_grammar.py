"""The words of `andon` for canaries: what is sent, where the comparison stands, and what it would say of a file."""

from __future__ import annotations

import argparse

from bot.cli.arguments import JSON, Word, arg, count

CANARIES = "bot.cli.canaries"

RELEASE = arg("release", metavar="RELEASE", help="id of the release, or the name of a service: its newest one")
OUTPUTS = ("classes", "scores", "numbers", "ranking", "vectors", "text")


def share(text: str) -> float:
    """A share: more than 0, less than 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share, between 0 and 1")
    return value


def size(text: str) -> float:
    """A size: 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 on")
    return value


CANARY_WORDS: tuple[Word, ...] = (
    Word(
        "canary show",
        "where the comparison of a candidate with its incumbent stands, drawn over its pairs",
        f"{CANARIES}:show_canary",
        (RELEASE, JSON),
    ),
    Word(
        "canary check",
        "compare the pairs in a file; exit 0 equivalent, 1 diverged, 3 unknown",
        f"{CANARIES}:check",
        (
            arg("file", metavar="FILE", help="NDJSON, CSV or Parquet by its name, `.gz` too; `-` for NDJSON on stdin"),
            arg("--output", required=True, choices=OUTPUTS, help="what kind of answers these are"),
            arg("--tolerance", required=True, type=share, metavar="SHARE", help="the mean divergence that is fine"),
            arg("--alpha", type=share, metavar="SHARE", help="chance of each wrong verdict (default: 0.05)"),
            arg("--min-pairs", type=count, metavar="N", help="before equivalent is said (default: 200)"),
            arg("--min-pairs-diverged", type=count, metavar="N", help="before diverged is said (default: 30)"),
            arg("--unit", metavar="X", help="pair, a field whose pairs are averaged, or a block of n pairs"),
            arg("--relative", type=size, metavar="SHARE", help="of numbers: what share of the incumbent's may be off"),
            arg("--absolute", type=size, metavar="X", help="of numbers: how much may be off"),
            arg("--top-k", type=count, metavar="N", help="of rankings: how many places count (default: 10)"),
            arg("--errors", type=share, metavar="SHARE", help="how many more pairs the candidate may fail in"),
            arg("--latency", type=size, metavar="RATIO", help="how much slower the candidate may be (99th percentile)"),
            arg("--max-drop", type=share, metavar="SHARE", help="with labels: how much less often it may be right"),
            JSON,
        ),
    ),
    Word(
        "canary affected",
        "the predictions that differed, as NDJSON, for scoring them again",
        f"{CANARIES}:affected",
        (RELEASE, arg("--output", required=True, metavar="FILE", help="`-` for standard output"), JSON),
    ),
    Word(
        "canary push",
        "send a file of observations (NDJSON) to a release; the same lines count once",
        f"{CANARIES}:push",
        (RELEASE, arg("file", metavar="FILE", help="`-` for standard input"), JSON),
    ),
)
"""In the order in which they are shown."""
