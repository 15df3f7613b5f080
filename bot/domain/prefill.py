"""What the words of a halt say already: fields of its report, as they were said, and nothing that was not."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from bot.domain.figures_in_words import read_change

LONGEST = 1000
"""Characters that are looked at: a halt waits for this."""
_CAUSE = re.compile(
    r"\b(?:since|after|following|because of|due to|caused by|thanks to|triggered by|introduced by)\s+"
    r"(?P<cause>[^.;\n!?]+)",
    re.IGNORECASE,
)
_SUSPECT = re.compile(
    r"\b(?:i |we )?suspect(?:ed cause)?(?:ing)?(?:\s*:|\s+that)?\s+(?:it(?:'s| is)\s+)?(?P<cause>[^.;\n!?]+)",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?:about |around |~)?(?:\d|yesterday|today|this |last |monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|noon|midnight|(?:an?|one|two|three|a few|half an?) (?:hours?|minutes?|days?|weeks?)"
    r"|then\b|when\b|we\b|i\b|it\b|they\b"
    r"|morning|lunch)",
    re.IGNORECASE,
)
"""`since 10:30` is no cause, and neither is a sentence that only begins there."""

_CAUSE_END = re.compile(r",\s|\s[-–—]\s|\s(?:and|but|so|we|please|halt|affecting|which)\s", re.IGNORECASE)
_LINK = re.compile(r"https?://[^\s<>\"|)]{1,1900}")
_REPRODUCED = re.compile(
    r"(?:reproduced|reproducible|repro|happens|fails|failed|seen)\D{0,12}?"
    r"(?P<times>\d{1,4})\s*(?:of|out of|/)\s*(?P<of>\d{1,4})",
    re.IGNORECASE,
)
_COMPONENT = re.compile(
    r"\b(?:feature flag|flag|feature|pipeline|component|job|table|model)\s+[`'\"]?"
    r"(?P<name>[A-Za-z]\w*(?:[-_.]\w+)+)",
    re.IGNORECASE,
)
_SLICE = re.compile(
    r"\b(?:for|among|only in|only for|in)\s+(?P<slice>(?:(?!the\b|all\b|our\b)[\w-]++\s+){0,4}"
    r"(?:users|customers|merchants|cards|traffic|segment|cohort|region|country|countries|sessions|requests|accounts|orders|transactions|payments))\b",
    re.IGNORECASE,
)


def fields_in(words: str, environments: Collection[str] = ()) -> dict[str, Any]:
    """Fields of a halt report out of plain words; `environments` are the names that the policy has."""
    text = words[:LONGEST]
    found: dict[str, Any] = {}
    change = read_change(_LINK.sub(" ", text))
    if change is not None:
        found["metric"] = change.as_metric()
    if cause := _cause(text):
        found["suspected_cause"] = cause
    if links := [one.rstrip(".,") for one in _LINK.findall(text)]:
        found["evidence"] = list(dict.fromkeys(links))[:20]
    if seen := _seen(text, environments):
        found["seen"] = seen
    reproduced = _REPRODUCED.search(text)
    if reproduced and int(reproduced["of"]) > 0 and int(reproduced["times"]) <= int(reproduced["of"]):
        found["reproduced"] = {"times": int(reproduced["times"]), "of": int(reproduced["of"])}
    if component := _COMPONENT.search(text):
        found["component"] = component["name"]
    return found


def _cause(text: str) -> str | None:
    plain = _LINK.sub(" ", text)
    for pattern in (_SUSPECT, _CAUSE):
        for match in pattern.finditer(plain):
            cause = _CAUSE_END.split(" ".join(match["cause"].split()))[0].strip(" .,:")
            if len(cause) > 2 and not _TIME.match(cause):
                return cause
    return None


def _seen(text: str, environments: Collection[str]) -> dict[str, str]:
    found = {}
    for name in environments:
        if re.search(rf"\b(?:in|on|at)\s+{re.escape(name)}\b", text, re.IGNORECASE):
            found["environment"] = name
    if "prod" not in environments and "production" in environments and re.search(r"\b(?:in|on)\s+prod\b", text, re.I):
        found["environment"] = "production"
    if data_slice := _SLICE.search(text):
        found["data_slice"] = data_slice["slice"]
    return found
