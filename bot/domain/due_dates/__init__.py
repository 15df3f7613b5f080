"""Due dates in people's words, English: "tomorrow noon", "by Friday", "in 2 h" -> an exact UTC instant.

What was said is a day, an hour, both, or a span from now. What is missing is filled in by fixed defaults (`hours`,
`days`) and marked `hour_assumed`. Nothing lies in the past: a weekday or an hour that is over means the next one, and
words that can only mean the past ("today 9:00" said at ten, "2026-01-01" said in May) mean nothing.

Where clocks are put forward, a time in the gap is moved on by the gap (2:30 becomes 3:30). Where they are put back, a
time that comes twice means the first one that is not over. Hours and minutes are counted as time passes; days and
weeks are counted on the calendar.
"""

from __future__ import annotations

from bot.domain.due_dates.reading import Due, find_dues, read_due
from bot.domain.due_dates.zones import zone_named

__all__ = ["Due", "find_dues", "read_due", "zone_named"]
