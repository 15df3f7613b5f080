"""One fold in memory: batches are parsed, joined and compared, and what came of them is gathered."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.domain.canaries import AffectedKeys, Canary, CanaryPoint, CanaryVerdict, ObservationBatch, Phase
from bot.domain.canary_rules import Canary as CanaryRule
from bot.domain.errors import BadInput
from bot.domain.releases import Release
from bot.domain.times import format_time
from bot.flow.canary_rule import comparison_rule, unit_field, windows
from bot.flow.canary_standing import interval_of, plain_standing

if TYPE_CHECKING:
    from bot.evidence.joining import Joiner
    from bot.evidence.observation_columns import Observations
    from bot.statistics.comparison import Comparison
    from bot.statistics.pairs import Pairs
    from bot.statistics.standing import Standing

GROWTH = 1.04
"""A point is kept when there are so many times as many pairs as at the last one: about 400 up to a hundred million."""
MOST_POINTS = 8
"""In one fold: each costs the time of an interval."""
FEWEST_FOR_POINT = 25
MOST_NAMED = 5


@dataclass
class States:
    """What goes on from fold to fold."""

    joiner: Joiner
    comparison: Comparison | None
    """None until the first pairs: only they tell whether there are slices."""


def open_states(canary: Canary, rule: CanaryRule) -> States:
    """The states as they were kept. BadInput where they were written by another version."""
    from bot.evidence import joining_state
    from bot.evidence.joining import Joiner
    from bot.statistics.comparison import Comparison

    wanted = windows(rule)
    joiner = joining_state.from_bytes(canary.joining, wanted) if canary.joining else Joiner(wanted)
    return States(joiner, Comparison.from_bytes(canary.comparison) if canary.comparison else None)


@dataclass
class Comparing:
    """A canary on its way through one fold."""

    before: Canary
    release: Release
    rule: CanaryRule
    states: States
    phase: Phase
    now: datetime
    points: list[CanaryPoint] = field(default_factory=list)
    lines: list[bytes] = field(default_factory=list)
    """Affected predictions as lines of JSON."""
    most_points: int = MOST_POINTS
    """Of one batch."""

    def __post_init__(self) -> None:
        self.kept: dict[str, Any] = json.loads(json.dumps(dict(self.before.standing)))
        self._last_point: tuple[str, int] = tuple(self.kept.get("last_point") or (str(self.phase), 0))
        comparison = self.states.comparison
        if comparison is not None and comparison.phase.name != self.phase:
            comparison.begin_phase(str(self.phase))

    def take(self, batch: ObservationBatch) -> None:
        """Fold a batch in; one that is not understood is set aside with the reason, and blocks nothing."""
        from bot.evidence.observations import parse_observations

        try:
            found = parse_observations(batch.content, encoding=batch.encoding, unit=unit_field(self.rule))
        except BadInput as error:
            self.set_aside(batch, str(error))
            return
        self.take_in(found, batch.received_at, batch.id)

    def take_in(self, found: Observations, at: datetime, name: str) -> None:
        """Fold in what was read of a batch, or of a part of a file, of this name."""
        self._count("batches")
        refused = self.kept.setdefault("refused_lines", {})
        for one in found.aside.said():
            before = refused.get(one["reason"], {"count": 0})
            refused[str(one["reason"])] = {
                "count": before["count"] + one["count"],
                "first": before.get("first") or {"batch": name, "lines": one["lines"]},
            }
        missing = self._missing()
        self._fold(self.states.joiner.fold(found, at), missing)

    def set_aside(self, batch: ObservationBatch, why: str) -> None:
        """A batch that counts for nothing."""
        aside = self.kept.setdefault("set_aside", {"batches": 0, "newest": []})
        aside["batches"] += 1
        said = {"batch": batch.id, "at": format_time(batch.received_at), "why": why[:500]}
        aside["newest"] = [*aside["newest"], said][-MOST_NAMED:]

    def came_after_end(self, batch: ObservationBatch) -> None:
        """A batch that came when the release was over already."""
        self._count("after_end")
        self.set_aside(batch, "the release was over when it came")

    def expire(self, now: datetime | None = None) -> None:
        """Give up halves that waited too long."""
        missing = self._missing()
        self._fold(self.states.joiner.expire(now or self.now), missing)

    def finish(self) -> None:
        """Nothing more comes: whatever waits is missing, and units that are open are closed."""
        self.expire(self.now + self.rule.grace * 2)
        if self.states.comparison is not None:
            self.states.comparison.close_units()

    def _count(self, name: str) -> None:
        self.kept[name] = self.kept.get(name, 0) + 1

    def _missing(self) -> int:
        counts = self.states.joiner.counts
        return counts.missing_incumbent + counts.missing_candidate

    def _fold(self, pairs: Pairs, missing_before: int) -> None:
        missed = self._missing() - missing_before
        if not len(pairs) and not missed and self.states.comparison is None:
            return
        comparison = self._comparison(pairs)
        for part in self._parts(pairs):
            folded = comparison.fold(part)
            self._note_affected(part, folded.affected)
            if len(part) < len(pairs) and part.keys[-1] != pairs.keys[-1]:
                self._point(comparison, comparison.standing())
        if missed:
            comparison.miss(missed)
        if labelled := self.states.joiner.labelled:
            comparison.label(late_labels(labelled))

    def _comparison(self, pairs: Pairs) -> Comparison:
        """The comparison; made with the first pairs, because alpha is shared with slices only where there are some."""
        from bot.statistics.comparison import Comparison

        if self.states.comparison is None:
            rule = comparison_rule(self.rule, has_slices=bool(len(pairs.slices)))
            self.states.comparison = Comparison(rule, str(self.phase))
        return self.states.comparison

    def _parts(self, pairs: Pairs) -> Iterator[Pairs]:
        """Pairs cut where points are due, so that one large batch is more than one point."""
        count, start = len(pairs), 0
        seen = self._pairs_seen()
        ends = points_between(max(self._last_point[1], seen), seen + count, self.most_points)
        for end in [*(one - seen for one in ends), count]:
            if start < end:
                yield pairs if (start, end) == (0, count) else cut(pairs, start, end)
                start = end

    def _pairs_seen(self) -> int:
        return self.states.comparison.compared if self.states.comparison is not None else 0

    def _note_affected(self, pairs: Pairs, keys: Sequence[str]) -> None:
        if not keys:
            return
        from bot.statistics.outputs import compare

        assert self.states.comparison is not None
        places = {key: at for at, key in enumerate(pairs.keys)}
        chosen = [places[key] for key in keys]
        part = chosen_of(pairs, chosen)
        values = compare(part, self.states.comparison.rule).values
        slices = part.slices or [""] * len(chosen)
        for at, value in enumerate(values.tolist()):
            line = {"key": part.keys[at], "incumbent": part.incumbent[at], "candidate": part.candidate[at]}
            line |= {"divergence": float(value), "phase": str(self.phase)}
            if slices[at]:
                line["slice"] = slices[at]
            if part.candidate_failed[at]:
                line["failed"] = True
            self.lines.append(json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode())

    def _point(self, comparison: Comparison, standing: Standing) -> None:
        made = point_of(self.before.release_id, self.now, standing, interval_of(standing, comparison))
        self.points.append(made)
        self._last_point = (made.phase, made.pairs)

    def outcome(self, *, closes: bool) -> tuple[Canary, AffectedKeys | None]:
        """The canary after the fold, and what was affected in it."""
        from bot.evidence import joining_state

        comparison, standing = self.states.comparison, None
        if comparison is not None:
            standing = comparison.standing()
            self._last(comparison, standing)
            interval = interval_of(standing, comparison)
            self.kept |= plain_standing(standing, interval, self.kept, self.release, self.rule)
        self.kept["counts"] = asdict(self.states.joiner.counts)
        self.kept["waiting"] = len(self.states.joiner.waiting)
        self.kept["last_point"] = list(self._last_point)
        after = replace(
            self.before,
            phase=str(self.phase),
            comparison=comparison.to_bytes() if comparison is not None else b"",
            joining=joining_state.to_bytes(self.states.joiner),
            pairs=standing.pairs if standing is not None else 0,
            verdict=CanaryVerdict(self.kept.get("verdict", CanaryVerdict.UNKNOWN)),
            standing=self.kept,
            affected=self.before.affected + len(self.lines),
            folded_at=self.now,
            closed_at=self.now if closes else self.before.closed_at,
        )
        return replace(after, standing={**self.kept, "owes": after.owes_word}), self._affected()

    def _last(self, comparison: Comparison, standing: Standing) -> None:
        """A point where one is due, or where the verdict or the phase is another."""
        phase, pairs = self._last_point
        news = (standing.phase, str(standing.verdict)) != (phase, self.kept.get("verdict", "unknown"))
        if news or standing.pairs >= max(pairs * GROWTH, pairs + FEWEST_FOR_POINT):
            self._point(comparison, standing)

    def _affected(self) -> AffectedKeys | None:
        if not self.lines:
            return None
        content = gzip.compress(b"\n".join(self.lines) + b"\n", compresslevel=1, mtime=0)
        return AffectedKeys(self.before.release_id, self.now, len(self.lines), content)


def point_of(release_id: str, at: datetime, standing: Standing, interval: list[float] | None) -> CanaryPoint:
    """One moment of the running estimate."""
    return CanaryPoint(
        release_id=release_id,
        at=at,
        phase=standing.phase,
        pairs=standing.pairs,
        estimate=standing.estimate,
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        verdict=CanaryVerdict(standing.verdict),
    )


def points_between(last: int, end: int, most: int = MOST_POINTS) -> list[int]:
    """Numbers of pairs between two at which a point is due: in growing steps, `most` of them at most."""
    growth = max(GROWTH, (end / max(last, FEWEST_FOR_POINT)) ** (1 / most))
    found: list[int] = []
    at = float(max(last, FEWEST_FOR_POINT))
    while (at := max(at * growth, at + FEWEST_FOR_POINT)) < end and len(found) < most:
        found.append(int(at))
    return found


def cut(pairs: Pairs, start: int, end: int) -> Pairs:
    """The pairs from `start` to before `end`."""
    return replace(pairs, **{name: getattr(pairs, name)[start:end] for name in pairs.__dataclass_fields__})


def chosen_of(pairs: Pairs, places: Sequence[int]) -> Pairs:
    """The pairs at these places."""

    def column(name: str) -> Any:
        whole = getattr(pairs, name)
        if not len(whole):
            return whole
        return [whole[at] for at in places] if isinstance(whole, list | tuple) else whole[list(places)]

    return replace(pairs, **{name: column(name) for name in pairs.__dataclass_fields__})


def late_labels(labelled: Sequence[Any]) -> Pairs:
    """Labels that came after their pairs, with the answers again."""
    import numpy as np

    from bot.statistics.pairs import Pairs

    none, never = np.full(len(labelled), np.nan), np.zeros(len(labelled), dtype=np.bool_)
    return Pairs(
        keys=[one.key for one in labelled],
        incumbent=[one.incumbent for one in labelled],
        candidate=[one.candidate for one in labelled],
        incumbent_ms=none,
        candidate_ms=none,
        incumbent_failed=never,
        candidate_failed=never,
        labels=[one.label for one in labelled],
    )
