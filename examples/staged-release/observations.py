"""Prints observations of a canary as NDJSON: the scores of both versions for the same customers, close or far apart."""

from __future__ import annotations

import json
import random
import sys

PAIRS = 3_000
CLOSE, FAR = 0.01, 0.2


def observations(spread: float, seed: int = 1) -> list[str]:
    """One line for each customer; `spread` is how far the candidate's score may be from the incumbent's."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    lines = []
    for number in range(PAIRS):
        score = dice.uniform(0.2, 0.8)
        other = score + dice.uniform(-spread, spread)
        pair = {"key": f"customer-{number}", "incumbent": round(score, 4), "candidate": round(other, 4)}
        lines.append(json.dumps({**pair, "incumbent_ms": 11.5, "candidate_ms": 11.9}))
    return lines


if __name__ == "__main__":
    print("\n".join(observations(FAR if "--far" in sys.argv else CLOSE)))  # noqa: T201
