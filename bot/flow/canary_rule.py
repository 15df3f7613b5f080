"""From a policy's `canary:` to the rule of the comparison and the windows of the join; pinned when a canary opens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.domain.canary_rules import Canary as CanaryRule
from bot.domain.errors import ConfigError
from bot.statistics.installed import EXTRA, is_installed

if TYPE_CHECKING:
    from bot.evidence.joining import Windows
    from bot.statistics.rule import ComparisonRule

CHANGE_WINDOW = 20_000
"""Observations over which the detector of a later break keeps its promise; of single pairs it reads blocks of 50."""
PAIR = "pair"


def pinned(rule: CanaryRule) -> dict[str, Any]:
    """The rule as plain JSON: the one a canary opens with holds to its end, whatever the policy says later."""
    kept: dict[str, Any] = json.loads(rule.model_dump_json(exclude={"on_divergence"}))
    return kept


def rule_of(kept: Mapping[str, Any]) -> CanaryRule:
    """The rule that was pinned."""
    return CanaryRule.model_validate_json(json.dumps(dict(kept)))


def unit_field(rule: CanaryRule) -> str:
    """The field of the observations whose pairs are averaged; empty for single pairs and blocks."""
    return rule.unit if isinstance(rule.unit, str) and rule.unit != PAIR else ""


def comparison_rule(rule: CanaryRule, *, has_slices: bool = False) -> ComparisonRule:
    """The rule in the terms of the statistics. ConfigError, naming the extra, where NumPy is not installed."""
    check_installed()
    from bot.statistics.rule import ComparisonRule, Output

    unit = "field" if unit_field(rule) else rule.unit
    return ComparisonRule(
        output=Output(rule.output),
        tolerance=rule.tolerance,
        alpha=rule.alpha,
        min_pairs=rule.min_pairs,
        min_pairs_diverged=rule.min_pairs_diverged,
        unit=PAIR if unit == 1 else unit,
        relative=rule.relative or 0.0,
        absolute=rule.absolute or 0.0,
        top=rule.top_k,
        slices=has_slices or bool(rule.slices),
        expected_slices=rule.slices,
        change_window=CHANGE_WINDOW,
        errors=rule.errors,
        latency=rule.latency.max_ratio if rule.latency else None,
        latency_quantile=rule.latency.quantile if rule.latency else 0.99,
        drop=rule.labels.max_drop if rule.labels else None,
    )


def windows(rule: CanaryRule) -> Windows:
    """How long the join waits."""
    from bot.evidence.joining import Windows

    # Pairs are kept for late labels only where a label means something.
    return Windows(grace=rule.grace, most_unlabelled=50_000 if rule.labels else 0)


def check_installed() -> None:
    """ConfigError, naming the extra, where the mathematics cannot be loaded."""
    if not is_installed():
        raise ConfigError("The comparison of predictions needs NumPy", why="it is not installed", next=EXTRA)
