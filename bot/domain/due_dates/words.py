"""The words of due dates: numbers, weekdays, months and units, and the patterns that other modules build on."""

from __future__ import annotations

from collections.abc import Mapping

NUMBERS: Mapping[str, float] = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40,
    "forty-five": 45, "fifty": 50, "sixty": 60, "ninety": 90, "half a": 0.5, "half an": 0.5, "a couple of": 2,
    "a couple": 2, "couple of": 2, "a few": 3, "few": 3, "a half": 0.5, "one and a half": 1.5, "two and a half": 2.5,
    "an hour and a half": 1.5,
}  # fmt: skip
VAGUE_NUMBERS = frozenset({"a couple of", "a couple", "couple of", "a few", "few"})

WEEKDAYS: Mapping[str, int] = {
    "monday": 0, "mon": 0, "tuesday": 1, "tues": 1, "tue": 1, "wednesday": 2, "weds": 2, "wed": 2, "thursday": 3,
    "thurs": 3, "thur": 3, "thu": 3, "friday": 4, "fri": 4, "saturday": 5, "sat": 5, "sunday": 6, "sun": 6,
    "wensday": 2, "wednsday": 2, "thrusday": 3, "tusday": 1, "firday": 4,
}  # fmt: skip

MONTHS: Mapping[str, int] = {
    "january": 1, "jan": 1, "february": 2, "feb": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5, "june": 6,
    "jun": 6, "july": 7, "jul": 7, "august": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9, "october": 10,
    "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12,
}  # fmt: skip

UNITS: Mapping[str, str] = {
    "minutes": "minute", "minute": "minute", "mins": "minute", "min": "minute", "m": "minute",
    "hours": "hour", "hour": "hour", "hrs": "hour", "hr": "hour", "h": "hour",
    "workdays": "workday", "workday": "workday",
    "days": "day", "day": "day", "d": "day",
    "weeks": "week", "week": "week", "wks": "week", "wk": "week", "w": "week",
    "months": "month", "month": "month",
}  # fmt: skip


def any_of(words: Mapping[str, object]) -> str:
    """A pattern that takes any of the words, longest first."""
    ordered = sorted(words, key=len, reverse=True)
    return "(?:" + "|".join(one.replace(" ", r"\s+") for one in ordered) + ")"


WEEKDAY = any_of(WEEKDAYS) + r"\b\.?"
MONTH = any_of(MONTHS) + r"\b\.?"
NUMBER = r"(?:\d{1,4}(?:\.\d{1,2})?|" + any_of(NUMBERS) + ")"
ORDINAL = r"\d{1,2}(?:st|nd|rd|th)"


def number(text: str) -> float:
    """The number that a text matched by `NUMBER` means."""
    word = " ".join(text.lower().split())
    return NUMBERS[word] if word in NUMBERS else float(word)
