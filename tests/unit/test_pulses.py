"""What is well only while signs of life keep coming."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.pulses import SILENT_AFTER, WORKERS, Part, Pulse, ailments

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seen(part: Part, at: datetime) -> dict[str, Pulse]:
    """All were seen just now, one at this moment."""
    return {str(one): Pulse(one, at if one is part else NOW) for one in (Part.SWEEP, *WORKERS)}


@pytest.mark.parametrize("part", [Part.SWEEP, *WORKERS])
def test_a_part_is_well_while_its_sign_of_life_is_near_now(part: Part) -> None:
    for near in (-SILENT_AFTER, timedelta(0), SILENT_AFTER):
        assert ailments(seen(part, NOW + near), NOW) == []
    assert len(ailments(seen(part, NOW - SILENT_AFTER - SECOND), NOW)) == 1


@pytest.mark.parametrize("part", [Part.SWEEP, *WORKERS])
def test_a_sign_of_life_from_the_future_hides_no_death(part: Part) -> None:
    for ahead in (SILENT_AFTER + SECOND, timedelta(hours=1), timedelta(days=365)):
        found = ailments(seen(part, NOW + ahead), NOW)
        assert len(found) == 1, ahead
        assert "in the future" in found[0]
