"""What a changed policy would have done with what was recorded: rollbacks, questions and halts gained and lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.store_records import decision, event
from support.written_config import policy as written

from bot.adapters.conditions import compile_condition
from bot.cli.backtest_words import as_json, as_markdown, as_text
from bot.domain.decisions import Decision, Verdict, alert_facts
from bot.domain.events import Alert, AlertStatus
from bot.domain.gates import Figure, GateVerdict
from bot.domain.policies import Policy
from bot.flow.backtesting import Deed, Report, compare
from bot.flow.rehearsing import Recorded, alerts_of
from bot.flow.stage_outcomes import GateOutcome, StageOutcome

BEGUN = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ABOUT: dict[str, Any] = {"from": "main", "to": "change", "since": BEGUN, "releases": 2}


def made(service: str = "scores", **more: Any) -> Policy:
    return Policy.model_validate(written(service, "http://127.0.0.1:9", **more), context={"compile": compile_condition})


def criterion(name: str, when: str, authority: str = "automatic", **more: Any) -> dict[str, Any]:
    return {"name": name, "when": when, "playbook": "by_key", "authority": authority, "within": "5m", **more}


def alert(minute: float, name: str = "Divergence", service: str = "scores", **labels: str) -> Recorded:
    about = Alert(
        source="alertmanager", status=AlertStatus.FIRING, title=name, fingerprint=f"{name}-{minute}",
        labels={"alertname": name, "service": service, **labels},
    )  # fmt: skip
    return Recorded(BEGUN + minute * MINUTE, f"evt-{minute}", about)


def sets(before: Policy | None, after: Policy | None, *recorded: Recorded, **more: Any) -> Report:
    old, new = ({one.service: one} if one else {} for one in (before, after))
    return compare(recorded, old, new, **more)


def counts(report: Report) -> dict[str, int]:
    return {
        f"{deed} {word}": number
        for deed in Deed
        for gained, word in ((True, "gained"), (False, "lost"))
        if (number := report.count(deed, gained=gained))
    }


LATENCY = criterion("latency", 'alert.labels.alertname == "Latency"')
DIVERGENCE = criterion("divergence", 'alert.labels.alertname == "Divergence"')


def test_the_same_policy_changes_nothing() -> None:
    report = sets(made(), made(), *(alert(minute) for minute in range(0, 500, 7)))
    assert counts(report) == {}
    assert report.alerts == 72
    assert report.services[0].before == report.services[0].after
    assert report.services[0].before[Deed.ROLLBACK] > 3


def test_a_policy_of_the_same_file_is_not_replayed() -> None:
    same = {name: made(name).model_copy(update={"digest": name * 8}) for name in ("s1", "s2")}
    other = same | {"s2": made("s2", rollback=[]).model_copy(update={"digest": "f" * 16})}
    report = compare([alert(0, service="s1"), alert(1, service="s2")], same, other)
    assert (report.unchanged, [one.service for one in report.services]) == (["s1"], ["s2"])
    assert counts(report) == {"rollback lost": 1}


def test_a_new_criterion_gains_rollbacks_and_one_taken_away_loses_them() -> None:
    both, one = made(rollback=[DIVERGENCE, LATENCY]), made(rollback=[DIVERGENCE])
    assert counts(sets(one, both, alert(0, "Latency"))) == {"rollback gained": 1}
    report = sets(both, one, alert(0, "Latency"))
    assert counts(report) == {"rollback lost": 1}
    (lost,) = report.services[0].differences
    assert (lost.about, lost.criterion, lost.at) == ("Latency", "latency", BEGUN)
    assert lost.before == "run: criterion 'latency' holds; its authority is automatic"
    assert lost.after == "note: no rollback criterion holds"


def test_another_authority_turns_rollbacks_into_questions() -> None:
    asking = made(rollback=[DIVERGENCE | {"authority": "rollback_authority"}])
    assert counts(sets(made(), asking, alert(0))) == {"rollback lost": 1, "ask gained": 1}


def test_a_cooldown_decides_between_a_second_rollback_and_a_question() -> None:
    alerts = (alert(0), alert(20))
    assert counts(sets(made(), made(cooldown="10m"), *alerts)) == {"rollback gained": 1, "ask lost": 1}


def test_alerts_at_one_moment_join_the_rollback_that_the_first_began() -> None:
    report = sets(made(), made(cooldown="0s"), alert(0), alert(1), alert(2), alert(4.9))
    assert counts(report) == {}
    assert report.services[0].after == {Deed.ROLLBACK: 1, Deed.HALT: 0, Deed.UNKNOWN: 0}


def test_an_automatic_criterion_supersedes_a_question() -> None:
    asks_first = made(rollback=[LATENCY | {"authority": "rollback_authority", "within": "30m"}, DIVERGENCE])
    report = sets(None, asks_first, alert(0, "Latency"), alert(1))
    assert counts(report) == {"rollback gained": 1, "ask gained": 1}


def test_a_policy_that_is_new_or_gone_is_compared_with_nothing() -> None:
    report = sets(made(), None, alert(0))
    assert counts(report) == {"rollback lost": 1}
    assert report.services[0].differences[0].after == "no policy is about it"


def test_observing_does_nothing_and_acting_gains() -> None:
    assert counts(sets(made(mode="observe"), made(), alert(0))) == {"rollback gained": 1}


def test_places_do_not_disturb_each_other() -> None:
    target = {"ledger": "x", "allow_hosts": ["127.0.0.1"]}
    two = made(targets={"production": target, "staging": target})
    report = sets(None, two, alert(0), alert(1, environment="staging"), alert(2, environment="nowhere"))
    assert [one.environment for one in report.services[0].differences] == ["production", "staging"]


def diverged(minute: float, service: str = "scores", release: str = "rel-7") -> Recorded:
    labels = {"alertname": "CanaryDivergence", "service": service, "release": release, "environment": "production"}
    about = Alert(
        source="canary", status=AlertStatus.FIRING, title="Version 43 answers differently", labels=labels,
        fingerprint=f"{release}:canary:diverged", annotations={"candidate": "43", "incumbent": "41"},
    )  # fmt: skip
    return Recorded(BEGUN + minute * MINUTE, f"evt-canary-{minute}", about)


def test_a_comparison_is_about_its_own_service_and_the_release_that_it_names() -> None:
    rule = criterion("own", 'release.id == "rel-7" && release.candidate == "43"')
    elsewhere = made(rollback=[rule], match='alert.labels.team == "nobody"')
    both = {"scores": elsewhere, "prices": made("prices", rollback=[rule])}
    report = compare([diverged(0)], {}, both)
    assert {one.service: one.after[Deed.ROLLBACK] for one in report.services} == {"prices": 0, "scores": 1}


def test_a_canary_that_diverges_is_a_rollback_where_the_policy_says_so() -> None:
    canary = {"output": "classes", "tolerance": 0.02, "on_divergence": {"playbook": "by_key", "within": "30m"}}
    silent, acts = made(rollback=[]), made(rollback=[], canary=canary)
    assert counts(sets(silent, acts, diverged(0))) == {"rollback gained": 1}
    asks = made(rollback=[], canary={**canary, "on_divergence": {"playbook": "by_key", "authority": "endorser"}})
    assert counts(sets(acts, asks, diverged(0))) == {"rollback lost": 1, "ask gained": 1}
    again = (diverged(0), diverged(20, release="rel-8"), diverged(40, release="rel-9"))
    joined = sets(silent, made(rollback=[], canary=canary, cooldown="0s"), *again)
    assert counts(joined) == {"rollback gained": 2}, "the second one joins the run of the first"


def test_only_the_services_that_an_alert_is_about_are_asked() -> None:
    both = {"scores": made(), "prices": made("prices")}
    report = compare([alert(0, service="prices")], {}, both)
    assert {one.service: one.after[Deed.ROLLBACK] for one in report.services} == {"prices": 1, "scores": 0}


def stage(verdict: GateVerdict, *, release: str = "rel-1", name: str = "canary", left: bool = True) -> StageOutcome:
    gate = GateOutcome("p99 at most 300 ms", verdict, "410 ms", (Figure("p99", 410.0, "at most 300", n=9, unit="ms"),))
    return StageOutcome(release, name, "production", BEGUN, verdict, left, acts=True, gates=(gate,))


PASS, FAIL, UNKNOWN = GateVerdict.PASS, GateVerdict.FAIL, GateVerdict.UNKNOWN


def released(old: list[StageOutcome], new: list[StageOutcome]) -> Report:
    lenient, strict = made(summary="lenient"), made(summary="strict")
    return sets(lenient, strict, outcomes_of=lambda policy: old if policy.summary == "lenient" else new)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ([stage(PASS)], [stage(FAIL)], {"halt gained": 1}),
        ([stage(UNKNOWN, left=False)], [stage(FAIL)], {"halt gained": 1}),
        ([stage(FAIL)], [stage(PASS)], {"halt lost": 1}),
        ([stage(FAIL)], [stage(UNKNOWN)], {"halt lost": 1}),
        ([stage(FAIL)], [stage(FAIL)], {}),
        ([stage(PASS)], [stage(UNKNOWN)], {"unknown promotion gained": 1}),
        ([], [stage(UNKNOWN)], {"unknown promotion gained": 1}),
        ([stage(UNKNOWN)], [stage(PASS)], {"unknown promotion lost": 1}),
        ([stage(PASS, left=False)], [stage(UNKNOWN, left=False)], {}),
        ([stage(FAIL, name="a")], [stage(PASS, name="a"), stage(UNKNOWN, name="b")], {"halt lost": 1}),
        ([stage(FAIL), stage(PASS, release="rel-2")], [stage(PASS), stage(FAIL, release="rel-2")],
         {"halt gained": 1, "halt lost": 1}),
    ],
)  # fmt: skip
def test_stages_of_recorded_releases_give_halts_and_unknown_promotions(
    old: list[StageOutcome], new: list[StageOutcome], found: dict[str, int]
) -> None:
    assert counts(released(old, new)) == found


def test_a_policy_that_observes_halts_nothing() -> None:
    observing = replace(stage(FAIL), acts=False)
    assert counts(released([stage(PASS)], [observing])) == {}
    assert counts(released([stage(FAIL)], [observing])) == {"halt lost": 1}


def test_each_form_names_release_stage_gate_figures_and_reasons() -> None:
    report = released([stage(PASS)], [stage(FAIL)])
    (one,) = as_json(report, ABOUT)["services"][0]["differences"]
    assert (one["what"], one["release"], one["stage"]) == ("halt", "rel-1", "canary")
    assert one["gates"][0]["figures"] == [
        {"name": "p99", "value": 410.0, "threshold": "at most 300", "n": 9, "subject": "candidate", "unit": "ms"}
    ]
    assert as_json(report, ABOUT)["gained"] == {"rollbacks": 0, "asks": 0, "halts": 1, "unknown_promotions": 0}
    text, comment = as_text(report, ABOUT), as_markdown(report, ABOUT)
    assert "halt gained of release rel-1 in canary" in text
    assert "before: pass: p99 at most 300 ms\n    after:  fail: p99 at most 300 ms: 410 ms" in text
    assert "p99 of candidate 410 ms, wanted: at most 300, n = 9" in text
    assert "**1 halt gained**" in comment
    assert "release rel-1 in canary" in comment
    assert "wanted: at most 300, n = 9" in comment
    assert "0 alerts and 2 releases (1 stages with gates)" in text


def test_recorded_decisions_give_each_alert_once_and_no_repetition() -> None:
    cause, unread = event(), list[Decision]()
    facts = alert_facts(alert(0).alert)
    decided = [
        decision(cause, service="scores", alert=facts),
        decision(cause, service="prices", alert=facts),
        decision(cause, verdict=Verdict.DUPLICATE, alert=alert_facts(alert(1).alert)),
        decision(cause, verdict=Verdict.STALE, alert=alert_facts(alert(2).alert)),
        decision(cause, verdict=Verdict.IGNORE, alert=alert_facts(alert(3).alert)),
        decision(cause, alert={"labels": {}}),
        decision(cause, alert={**facts, "kind": "a kind of tomorrow"}),
        decision(cause, alert={**facts, "starts_at": "soon"}),
    ]
    recorded = list(alerts_of(decided, unread.append))
    assert [one.alert.identity for one in recorded] == ["Divergence-0", "Divergence-3"]
    assert unread == decided[5:]


HOSTILE = "x` <img src=x> @team | [a](http://evil.example) **b** \n# c ```"


@pytest.fixture
def hostile() -> Report:
    rule = criterion("`|<b>@team", 'alert.labels.service == "scores"')
    return sets(made(rollback=[rule]), made(rollback=[]), alert(0, HOSTILE))


def test_a_comment_shows_recorded_text_as_text_only(hostile: Report) -> None:
    text = as_markdown(hostile, ABOUT | {"to": "a`b"})
    assert "**1 rollback lost**" in text
    bullets = [line for line in text.splitlines() if line.startswith("- **")]
    assert len(bullets) == 1
    outside = "".join(bullets[0].split("`")[0::2]).replace("<br>", "")
    assert not any(sign in outside for sign in ("<", "@", "|", "[", "]("))
    assert len(bullets[0].split("`")) == 3, "nothing in it ends the backticks"
    assert "\n# c" not in text


def test_each_form_says_the_same_and_what_is_taken_for_granted(hostile: Report) -> None:
    view = as_json(hostile, ABOUT)
    assert view["lost"] == {"rollbacks": 1, "asks": 0, "halts": 0, "unknown_promotions": 0}
    assert view["services"][0]["differences"][0]["about"] == HOSTILE
    assert (view["from"], view["since"], view["alerts"]) == ("main", "2026-11-20T12:00:00.000Z", 1)
    text = as_text(hostile, ABOUT)
    assert "rollbacks 1 -> 0 (0 gained, 1 lost)" in text
    for words in (as_markdown(hostile, ABOUT), text, " ".join(view["assumed"])):
        assert "automation is on" in words
        assert "is not asked again" in words


def test_a_comment_stays_short_however_much_changes() -> None:
    alerts = [alert(minute * 10, "Latency") for minute in range(2000)]
    loose = made(rollback=[LATENCY], cooldown="0s")
    text = as_markdown(sets(made(), loose, *alerts), ABOUT)
    assert "and 1980 more" in text
    named = {f"s{number}": made(f"s{number}", rollback=[LATENCY]) for number in range(150)}
    many = [alert(0, "<" * 300, f"s{number}", alertname="Latency") for number in range(150)]
    long = as_markdown(compare(many, {}, named), ABOUT)
    assert "Services not shown: 50, of which 0 without a difference." in long
    assert max(len(text), len(long)) < 65_536
