"""The day of a due date: "tomorrow", "next Tuesday", "3 December", "end of next week" -> a date in the speaker's zone.

Weeks begin on Monday. A weekday is the next one, today included while its hour is to come; "next Tuesday" is the one of
the next week. A week ends on Friday, as do "this week" and "next week"; a month, a quarter and a year end on their last
day. A date without a year is the next one, unless it was within the last three months: then it is over.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from bot.domain.due_dates.words import MONTH, MONTHS, NUMBER, ORDINAL, WEEKDAY, WEEKDAYS, number

LONGEST_WAIT_DAYS = 275

_OF_WEEK: Mapping[str, int] = {"early": 1, "beginning of": 0, "start of": 0, "mid": 2, "middle of": 2, "late": 4}

DAY = (
    r"(?:"
    r"(?P<iso>\d{4}-\d{1,2}-\d{1,2})(?![\d-])"
    r"|(?P<today>today|todays|tonight|tonite|this(?=\s+(?:morning|afternoon|evening|night)))\b"
    r"|(?P<overmorrow>(?:the\s+)?day\s+after\s+tomorrow|overmorrow)\b"
    r"|(?P<tomorrow>tomorrow|tommorow|tomorow|tommorrow|tmrw|tmr|tomo)\b"
    rf"|(?P<pre_week>(?:the\s+)?next\s+week(?:['’]?s)?\s+(?:on\s+)?)(?P<weekday1>{WEEKDAY})"
    rf"|(?:(?P<which>this|the\s+coming|coming|this\s+coming|next|the|a\s+week\s+from)\s+)?(?P<weekday2>{WEEKDAY})"
    r"(?P<post_week>\s+(?:of\s+)?(?:the\s+)?next\s+week|\s+week(?=\W|$))?"
    rf"(?:,?\s+(?:the\s+)?(?:(?P<wd_day>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?(?P<wd_month>{MONTH})"
    rf"|(?P<wd_month2>{MONTH})\s+(?P<wd_day2>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])))?"
    r"|(?:the\s+)?(?P<edge>end|beginning|start|middle)\s+of\s+(?P<of>the\s+|this\s+|next\s+)?"
    r"(?P<period>week|month|quarter|year)\b|(?P<edge_short>eow|eom|eoq|eoy)\b"
    r"|(?P<part_week>early|mid|late)[\s-]+next\s+week\b|(?P<whole>this|next)\s+(?P<whole_of>week|month)\b"
    rf"|(?:the\s+)?(?P<day1>\d{{1,2}})(?:st|nd|rd|th)?\.?\s+(?:of\s+)?(?P<month1>{MONTH})(?:,?\s+(?P<year1>\d{{4}})\b)?"
    rf"|(?P<month2>{MONTH})\s+(?:the\s+)?(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,?\s+(?P<year2>\d{{4}})\b)?"
    rf"|the\s+(?P<nth>{ORDINAL})\b(?!\s+[a-z]*(?:time|try|attempt|version|one|run))"
    r"|(?P<dotted>\d{1,2}\.\d{1,2}\.\d{4})(?!\d)|(?P<slashed>\d{1,2}/\d{1,2}(?:/\d{4})?)(?![\d/])"
    rf"|(?:in|within)\s+(?:the\s+next\s+)?(?P<many>{NUMBER})\s+(?P<unit>workdays?|business\s+days?|working\s+days?|days?"
    r"|weeks?|wks?|months?|d|w)\b(?:\s+(?:from\s+now|time))?"
    rf"|(?P<many2>{NUMBER})\s+(?P<unit2>days?|weeks?|months?)\s+from\s+(?:now|today)\b"
    r")"
)


@dataclass(frozen=True)
class Day:
    """A day that was named. `step` is how many days further the same words would mean once it is over (0: never)."""

    on: date
    step: int = 0
    is_today: bool = False
    assumed: bool = False
    at_night: bool = False
    """"Tonight": the evening, where no hour is said."""


def read_day(found: re.Match[str], today: date) -> Day | None:
    """The day of a match that has the groups of `DAY`; None where there is no such day, or the words are ambiguous."""
    groups = {key: text.lower() for key, text in found.groupdict().items() if text}
    for names, read in _READERS:
        if any(name in groups for name in names):
            try:
                return read(groups, today)
            except (ValueError, OverflowError):
                return None
    return None


def _near(groups: Mapping[str, str], today: date) -> Day:
    if "today" in groups:
        return Day(today, is_today=True, at_night=groups["today"] in ("tonight", "tonite"))
    return Day(today + timedelta(days=2 if "overmorrow" in groups else 1))


def _iso(groups: Mapping[str, str], today: date) -> Day:  # noqa: ARG001
    year, month, day = (int(part) for part in groups["iso"].split("-"))
    return Day(date(year, month, day))


def _weekday(groups: Mapping[str, str], today: date) -> Day | None:
    word = (groups.get("weekday1") or groups["weekday2"]).rstrip(".")
    wanted, monday = WEEKDAYS[word], today - timedelta(days=today.weekday())
    if month := groups.get("wd_month") or groups.get("wd_month2"):
        day = int(groups.get("wd_day") or groups["wd_day2"])
        named = _month_day(MONTHS[month.rstrip(".")], day, None, today)
        # "Monday, 3 December" of a year in which it is a Thursday: one of the two is wrong, and nobody knows which.
        return named if named and named.on.weekday() == wanted else None
    coming = today + timedelta(days=(wanted - today.weekday()) % 7)
    which = " ".join(groups.get("which", "").split())
    after = groups.get("post_week", "").split()
    if "pre_week" in groups or which == "next" or "next" in after:
        return Day(monday + timedelta(days=7 + wanted), assumed=which == "next")
    if after or which == "a week from":
        return Day(coming + timedelta(days=7))
    return Day(coming, step=7)


def _edge(groups: Mapping[str, str], today: date) -> Day:
    short = groups.get("edge_short", "")
    edge = groups.get("edge", "end")
    period = {"w": "week", "m": "month", "q": "quarter", "y": "year"}.get(short[-1:]) or groups["period"]
    is_next = groups.get("of", "").strip() == "next"
    if period == "week":
        monday = today - timedelta(days=today.weekday()) + timedelta(days=7 * is_next)
        away = {"end": 4, "middle": 2}.get(edge, 0)
        return Day(monday + timedelta(days=away), step=0 if is_next else 7)
    months = {"month": 1, "quarter": 3, "year": 12}[period]
    first = _add_months(today.replace(day=1), -((today.month - 1) % months) + months * is_next)
    if edge == "end":
        return Day(_add_months(first, months) - timedelta(days=1))
    ahead = timedelta(days=0) if edge != "middle" else (_add_months(first, months) - first) // 2
    return Day(first + ahead if first + ahead >= today or is_next else _add_months(first, months) + ahead)


def _whole(groups: Mapping[str, str], today: date) -> Day:
    monday = today - timedelta(days=today.weekday())
    if part := groups.get("part_week"):
        return Day(monday + timedelta(days=7 + _OF_WEEK[part]), assumed=True)
    is_next = groups["whole"] == "next"
    if groups["whole_of"] == "week":
        return Day(monday + timedelta(days=4 + 7 * is_next), step=0 if is_next else 7, assumed=True)
    first = _add_months(today.replace(day=1), 1 + is_next)
    return Day(first - timedelta(days=1), assumed=True)


def _dated(groups: Mapping[str, str], today: date) -> Day | None:
    which = "1" if "month1" in groups else "2"
    year = groups.get("year" + which)
    month = MONTHS[groups["month" + which].rstrip(".")]
    return _month_day(month, int(groups["day" + which]), int(year) if year else None, today)


def _nth(groups: Mapping[str, str], today: date) -> Day:
    day, first = int(groups["nth"][:-2]), today.replace(day=1)
    for ahead in range(13):
        month = _add_months(first, ahead)
        if 1 <= day <= calendar.monthrange(month.year, month.month)[1] and month.replace(day=day) >= today:
            return Day(month.replace(day=day))
    raise ValueError("no month has such a day")


def _numeric(groups: Mapping[str, str], today: date) -> Day | None:
    if dotted := groups.get("dotted"):
        day, month, year = (int(part) for part in dotted.split("."))
        return Day(date(year, month, day))
    parts = [int(part) for part in groups["slashed"].split("/")]
    first, second = parts[0], parts[1]
    if first <= 12 and second <= 12 and first != second:
        return None  # 12/3 is the 3rd of December or the 12th of March, depending on where one grew up
    month, day = (second, first) if first > 12 else (first, second)
    return _month_day(month, day, parts[2] if len(parts) > 2 else None, today)


def _ahead(groups: Mapping[str, str], today: date) -> Day | None:
    many = number(groups.get("many") or groups["many2"])
    unit = (groups.get("unit") or groups["unit2"]).split()[0].rstrip("s")
    if many != int(many) and not unit.startswith("w"):
        return None
    if unit in ("workday", "busines", "working"):
        return Day(_add_workdays(today, int(many)))
    if unit.startswith("month"):
        return Day(_add_months(today, int(many)))
    return Day(today + timedelta(days=round(many * (7 if unit.startswith("w") else 1))))


def _month_day(month: int, day: int, year: int | None, today: date) -> Day | None:
    if year is not None:
        return Day(date(year, month, day))
    for candidate in range(today.year, today.year + 9):  # 29 February may be eight years away
        if 1 <= day <= calendar.monthrange(candidate, month)[1] and date(candidate, month, day) >= today:
            found = date(candidate, month, day)
            is_over = candidate == today.year + 1 and (found - today).days > LONGEST_WAIT_DAYS
            return None if is_over else Day(found)
    return None


def _add_months(start: date, many: int) -> date:
    months = start.year * 12 + start.month - 1 + many
    year, month = divmod(months, 12)
    return date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def _add_workdays(start: date, many: int) -> date:
    on = start
    for _ in range(min(many, 400)):
        on += timedelta(days=1 if on.weekday() < 4 else 7 - on.weekday())
    return on


_READERS: tuple[tuple[tuple[str, ...], Callable[[Mapping[str, str], date], Day | None]], ...] = (
    (("today", "overmorrow", "tomorrow"), _near),
    (("iso",), _iso),
    (("weekday1", "weekday2"), _weekday),
    (("edge", "edge_short"), _edge),
    (("part_week", "whole"), _whole),
    (("month1", "month2"), _dated),
    (("nth",), _nth),
    (("dotted", "slashed"), _numeric),
    (("many", "many2"), _ahead),
)

DAY_GROUPS = tuple(name for names, _ in _READERS for name in names)
"""The groups of `DAY` of which one is there when a day is."""
