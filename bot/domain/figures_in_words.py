"""Figures in people's words: `F1 down 15 %`, `p99 from 120 ms to 400 ms`, `error rate 0.2 -> 1.4 %`.

What is read is what was said: nothing is guessed, and a figure without a name for what it measures is left alone. The
one thing that is computed is the change in percent between two figures that were both said in the same unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.domain.errors import BadInput

_NUMBER = r"[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?!\d)"
_UNIT = (
    r"(?:\s?(?:%|‰|€|\$|ms|sec|s|min|h|rps|qps|tps|kB|KB|MB|GB|TB|k|M|pp|percent|per cent|pct|percentage points|points"
    r"|milliseconds|seconds|secs|minutes|mins|hours|req/s|requests/s|/s|EUR|USD)(?![\w/]))?"
)
_TO = r"\s*(?:to|->|-->|=>|→|⇒)\s*"
_DOWN = (
    "down|dropped|drops|drop|dropping|fell|falls|fallen|falling|decreased|decreases|decreasing|declined|declines|lower"
    "|lost|degraded|degrades|sank|shrank|went down|goes down|is down|worse by"
)
_UP = (
    "up|rose|rises|risen|rising|increased|increases|increasing|jumped|jumps|higher|grew|grows|growing|gained|climbed"
    "|spiked|went up|goes up"
)
_DROP = "drop|decrease|decline|fall|loss|degradation|dip|reduction"
_RISE = "increase|rise|jump|spike|growth|gain"
_ABOUT = (
    r"(?:\s+(?:by|about|around|roughly|approximately|some|almost|nearly|over|more than|at least|to be))*\s*[~≈]?\s*"
)
_BE = r"(?:\s+(?:is|are|was|were|has|have|had|gone|now|just|already|suddenly|really))*"
_REST = r"[\w@%/.+-]*+"
# Names begin where words begin and take whole words, so that no text makes a reading try every part of every word.
_NAME = rf"(?<![\w@%/.+-])(?P<name>[A-Za-z]{_REST}(?:\s[A-Za-z@]{_REST}){{0,7}}?)"

_BETWEEN = re.compile(
    rf"{_NAME}{_BE}(?:\s+(?:{_DOWN}|{_UP}|went|goes|moved|changed))?(?:\s+from|\s*[:=])?\s*"
    rf"(?P<before>{_NUMBER})(?P<before_unit>{_UNIT}){_TO}(?P<now>{_NUMBER})(?P<now_unit>{_UNIT})",
    re.IGNORECASE,
)
_WAS = re.compile(
    rf"{_NAME}\s+(?:was|were)\s+(?P<before>{_NUMBER})(?P<before_unit>{_UNIT}),?\s+(?:and\s+|but\s+)?(?:it\s+)?"
    rf"(?:is\s+)?(?:now|is)\s+(?P<now>{_NUMBER})(?P<now_unit>{_UNIT})",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    rf"{_NAME}{_BE}(?:\s+(?:at|of))?\s+(?P<now>{_NUMBER})(?P<now_unit>{_UNIT})\s+(?:instead of|rather than|vs\.?|versus"
    rf"|\(was|, was|down from|up from)\s+(?P<before>{_NUMBER})(?P<before_unit>{_UNIT})",
    re.IGNORECASE,
)
_DOWN_TO = re.compile(
    rf"{_NAME}{_BE}\s+(?:{_DOWN}|{_UP})\s+to\s+(?P<now>{_NUMBER})(?P<now_unit>{_UNIT})"
    rf"(?:\s+from\s+(?P<before>{_NUMBER})(?P<before_unit>{_UNIT}))?",
    re.IGNORECASE,
)
_MOVED = re.compile(
    rf"{_NAME}{_BE}\s+(?:(?P<down>{_DOWN})|(?P<up>{_UP})){_ABOUT}(?P<change>{_NUMBER})(?P<change_unit>{_UNIT})",
    re.IGNORECASE,
)
_SIGNED = re.compile(
    rf"{_NAME}\s*:?\s+(?P<change>[-+−]\s?\d+(?:\.\d+)?)(?P<change_unit>\s?(?:%|percent|pct))", re.IGNORECASE
)
_NOUN = re.compile(
    rf"(?P<change>{_NUMBER})(?P<change_unit>\s?(?:%|percent|pct))\s+(?:(?P<down>{_DROP})|(?P<up>{_RISE}))\s+(?:in|of)\s+"
    rf"(?:the\s+|our\s+)?(?P<name>[A-Za-z][\w@%/.+-]*(?:\s[A-Za-z@][\w@%/.+-]*){{0,3}})",
    re.IGNORECASE,
)
_TIMES = re.compile(rf"{_NAME}{_BE}\s+(?P<times>doubled|tripled|quadrupled|halved)\b", re.IGNORECASE)
_STANDS = re.compile(
    rf"{_NAME}\s+(?:is now at|now at|is at|is now|are at|at|is|are|hit|hits|reached|of)\s+(?P<now>{_NUMBER})"
    rf"(?P<now_unit>{_UNIT})(?=$|[\s,;.!)])",
    re.IGNORECASE,
)

_BARE = re.compile(rf"{_NUMBER}{_UNIT}")
_STOOD = re.compile(rf"{_NAME}\s+was\s+(?P<before>{_NUMBER})(?P<before_unit>{_UNIT})", re.IGNORECASE)
_WITHIN = re.compile(
    r"(?:[a-z][\w-]*\s)?\b(?:share|rate|ratio|number|count|proportion|drift|errors?) (?:of|in|for) "
    r"[a-z][\w.-]*(?=\s*$)",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    f"{_DROP}|{_RISE}|{_DOWN}|{_UP}|everything|something|things|model|went|goes|moved|changed|number|numbers".split("|")
)
_SHORT = {
    "percent": "%", "per cent": "%", "pct": "%", "sec": "s", "secs": "s", "seconds": "s", "milliseconds": "ms",
    "minutes": "min", "mins": "min", "hours": "h", "percentage points": "points", "pp": "points",
}  # fmt: skip
LONGEST_CLAUSE = 300
_MAY_SAY = re.compile(r"\d|doubled|tripled|quadrupled|halved", re.IGNORECASE)
_FACTORS = {"doubled": 100.0, "tripled": 200.0, "quadrupled": 300.0, "halved": -50.0}
_BREAKS = re.compile(
    r"\b(?:the|our|its|their|that|and|but|so|we|i|see|saw|sees|seeing|noticed|because|since|as|with|like|please|halt|stop"
    r"|release|fyi|overall|says|shows|also|hey|if|when|after|until|a|an|on|in|for|of|by|to|about|prod|production|is|are"
    r"|was|has|have|it|this|they|at|from|now|than|users|customers|v?\d[\w.]*)\b[:,]?",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"\b(?:f1|f-?1 score|auc|roc|pr-?auc|precision|recall|accuracy|rmse|mae|mape|r2|ndcg(?:@\d+)?|map|mrr|hit rate|psi"
    r"|ks|log ?loss|loss|brier|ece|calibration|p\d{2,3}|latency|throughput|errors?|rate|ratio|ctr|cvr|conversions?"
    r"|revenue|score|scores|drift|lag|cost|share|volume|traffic|declines|approvals|chargebacks?|bleu|rouge|wer|fpr|fnr|tpr|rps"
    r"|qps|divergence|timeouts|memory|cpu|disagreement|agreement|coverage|freshness|nulls|missing)\b",
    re.IGNORECASE,
)
"""Words that say that a figure follows; any other name has to look like an identifier or to move by itself."""

UNNAMED = "metric"
"""What a figure is called that somebody gave without a name, where only one can be meant."""


@dataclass(frozen=True)
class Change:
    """A figure that moved, as it was said."""

    name: str
    before: float | None = None
    now: float | None = None
    percent: float | None = None
    unit: str | None = None

    def as_metric(self) -> dict[str, Any]:
        """The field `metric` of a halt report."""
        values = {
            "name": self.name,
            "before": self.before,
            "now": self.now,
            "change_percent": self.percent,
            "unit": self.unit,
        }
        return {name: value for name, value in values.items() if value is not None}


def read_change(text: str) -> Change | None:
    """The first figure that moved, else the first that stands somewhere; None where no figure was said for certain."""
    clauses = list(_clauses(text))
    for pattern in (_BETWEEN, _WAS, _INSTEAD, _DOWN_TO, _MOVED, _NOUN, _SIGNED, _TIMES, _STANDS):
        for clause in clauses:
            for match in pattern.finditer(clause):
                name = _name_after(match["name"]) if pattern is _NOUN else _name(match["name"])
                if name is None or (pattern is _STANDS and not _KNOWN.search(name)):
                    continue
                found = _change(name, match.groupdict())
                if found is not None:
                    return found
    return None


def read_metric(text: str) -> Change:
    """What somebody wrote into a field that asks for a metric: its figures where there are some, else a name alone.

    BadInput for a figure of which nobody can say what it means."""
    plain = " ".join(text.replace("(", " ").replace(")", " ").split())
    found = read_change(plain) or read_change(f"{UNNAMED} {plain}")
    if found is not None:
        return found
    if _BARE.fullmatch(plain):
        raise BadInput("It is not said what moved, and which way", next="write F1 down 15 %, or F1 from 0.92 to 0.78")
    for pattern in (_STOOD, _STANDS):
        match = pattern.fullmatch(plain)
        if match:
            return _change(match["name"].strip(), match.groupdict()) or Change(text.strip())
    return Change(text.strip())


def _clauses(text: str) -> Iterator[str]:
    """Where one statement ends: a figure belongs to a name of its own clause."""
    for line in re.split(r"[\n;]|(?<=[a-z\d%])\.\s|,\s(?!\d|now\b|was\b|it is now\b)|\s[-–—]\s|[!?]", text):
        clause = " ".join(line[:LONGEST_CLAUSE].split())
        if _MAY_SAY.search(clause):
            yield clause


def _change(name: str, groups: dict[str, str | None]) -> Change | None:
    if times := groups.get("times"):
        return Change(name, percent=_FACTORS[times.lower()])
    if groups.get("change"):
        return _moved(name, groups)
    before, now = _value(groups.get("before")), _value(groups.get("now"))
    units = {_unit(groups.get(f"{one}_unit")) for one in ("before", "now") if groups.get(one)} - {None}
    if len(units) > 1:
        return None  # two units: one of the figures is of something else
    percent = round((now - before) / abs(before) * 100, 1) if before and now is not None else None
    return Change(name, before, now, percent, next(iter(units), None))


def _moved(name: str, groups: dict[str, str | None]) -> Change | None:
    unit, change = _unit(groups.get("change_unit")), _value(groups["change"])
    if unit != "%" or change is None:
        return None  # a difference in points or milliseconds is neither a figure before nor one now
    return Change(name, percent=-abs(change) if groups.get("down") else abs(change) if groups.get("up") else change)


def _name(text: str) -> str | None:
    """The last words before the figure that can be what it measures; None where there are none."""
    within = _WITHIN.search(text)
    if within:
        return within[0]
    parts = [part.strip(" .:,") for part in _BREAKS.split(text)]
    return _named(" ".join(parts[-1].split()[-4:]))


def _name_after(text: str) -> str | None:
    """The first words behind the figure."""
    return _named(" ".join(_BREAKS.split(text)[0].split()[:4]))


def _named(name: str) -> str | None:
    return name if len(name) > 1 and name.lower() not in _NO_NAMES else None


def _value(text: str | None) -> float | None:
    if not text:
        return None
    return float(text.replace("−", "-").replace(",", "").replace(" ", ""))


def _unit(text: str | None) -> str | None:
    word = (text or "").strip()
    return _SHORT.get(word.lower(), word) or None
