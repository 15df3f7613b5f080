"""The whole story of a release on real processes: gates, canary, promotion, watch, endorsement, and every way back."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.chaos import killed
from support.databases import KINDS
from support.installation import until
from support.release_policies import TOLERANCE
from support.release_story import House, Sender, running_house

from bot.domain.times import parse_time

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

SERVICES = ("story-good", "story-bad", "story-late", "story-gate", "story-killed")
LATENCY = {"metrics": {}, "latency_ms": {"p99": {"value": 12.5, "n": 5000}}}
SLOW = {"metrics": {}, "latency_ms": {"p99": {"value": 912.5, "n": 5000}}}


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with running_house(tmp_path_factory.mktemp("story"), request.param, SERVICES) as house:
        yield house


def push(house: House, release: str, name: str, content: bytes, ending: str) -> None:
    """Evidence by the command line, as a file."""
    file = house.parts.folder / f"{release}-{name}.{ending}"
    file.write_bytes(content)
    house.must("evidence", "push", release, str(file), "--name", name)


def rows() -> bytes:
    """Labelled answers, a row on each line."""
    lines = [{"label": n % 2, "prediction": n % 2 if n % 50 else 1 - n % 2} for n in range(2000)]
    return "\n".join(map(json.dumps, lines)).encode()


def regions() -> bytes:
    """Labelled answers of two regions, as Parquet."""
    numbers = range(2000)
    table = pa.table(
        {
            "label": [n % 2 for n in numbers],
            "prediction": [n % 2 if n % 40 else 1 - n % 2 for n in numbers],
            "region": ["EU" if n % 3 else "US" for n in numbers],
        }
    )
    kept = io.BytesIO()
    pq.write_table(table, kept)  # type: ignore[no-untyped-call]
    return kept.getvalue()


def evaluated(house: House, service: str) -> str:
    """A release whose evaluation has passed: it is in its canary."""
    release = house.start(service)
    push(house, release, "latency", json.dumps(LATENCY).encode(), "json")
    push(house, release, "rows", rows(), "ndjson")
    push(house, release, "regions", regions(), "parquet")
    gate = house.andon("gate", service)
    assert gate.code == 0, gate.out + gate.err
    house.must("release", "promote", release)
    house.await_state(release, "canary")
    return release


def equivalent(house: House, service: str, release: str) -> Sender:
    """The shadow process sends until the comparison has found both alike; it goes on."""
    sender = house.shadow(service, release)

    def look() -> bool:
        return sender.process.poll() is not None or house.canary(release)["verdict"] == "equivalent"

    until("both are found alike", look, seconds=60)
    assert sender.process.poll() is None
    return sender


def shared(house: House, service: str, release: str) -> None:
    """The canary has passed, and a tenth of the traffic is the candidate's."""
    house.must("release", "promote", release)
    house.await_state(release, "production")
    known = house.models[service].known()
    assert (known["serving"], known["candidate"], known["percent"]) == ("41", "43", 10)


def live(house: House, service: str, release: str) -> None:
    """The checklist is signed, and everybody is answered by the candidate."""
    assert house.andon("release", "promote", release).code in (1, 3), "nobody signed the checklist yet"
    house.must("release", "sign", release, "--item", "runbook")
    house.must("release", "promote", release)
    until("the candidate serves", lambda: house.models[service].known()["serving"] == "43", seconds=40)


def watched(house: House, release: str) -> bool:
    """Whether the watch is over; somebody asks, since by itself it is looked at once a minute only."""
    house.parts.api.order(f"/releases/{release}/promote", by="olga")
    return bool(house.release(release)["state"] == "watched")


def test_a_good_candidate_goes_all_the_way_and_is_endorsed(house: House) -> None:
    service = "story-good"
    release = house.start(service)
    house.slack_says(service, "Fewer good cards are declined")
    for to in ("pm@example.com", "vp@example.com"):
        house.mailed(service, to, "Fewer good cards are declined")
    gate = house.andon("gate", service)
    assert gate.code == 3, gate.out + gate.err
    assert house.andon("release", "promote", release).code == 1, "what is known to be missing is said at once"
    push(house, release, "latency", json.dumps(LATENCY).encode(), "json")
    push(house, release, "rows", rows(), "ndjson")
    push(house, release, "regions", regions(), "parquet")
    gate = house.andon("gate", service)
    assert gate.code == 0, gate.out + gate.err
    assert gate.out.count("ok  ") >= 8, gate.out
    house.must("release", "promote", release)
    house.await_state(release, "canary")
    assert house.andon("gate", service).code == 3, "no pair was compared yet"

    sender = equivalent(house, service, release)
    assert house.andon("gate", service).code == 0
    shared(house, service, release)
    live(house, service, release)

    def is_read_back() -> bool:
        [place] = house.parts.api.get(f"/services/{service}/live")["environments"]
        return bool(place["version"] == "43" and place["as_expected"] and place["last_read"]["version"] == "43")

    until("the target itself says that the candidate serves", is_read_back, seconds=30)
    assert "43" in house.must("live", service).out
    until("it was watched", lambda: watched(house, release), seconds=60, every=1)
    assert house.andon("release", "endorse", release, "--reason", "quiet", by="ada").code == 1, "ada is no endorser"
    house.must("release", "endorse", release, "--reason", "a quiet week", by="otto")
    house.await_state(release, "endorsed")
    house.slack_says(service, "43", "all clear")
    house.mailed(service, "vp@example.com", "43", "accepted")
    counts = sender.end()
    assert (counts["dropped_full"], counts["dropped_unsent"]) == (0, 0)
    assert not house.parts.api.get(f"/incidents?service={service}")["items"]
    house.must("audit", "verify")


def figures_are_everywhere(house: House, service: str) -> dict[str, Any]:
    """The incident of a divergence: report, page and notices carry what was measured; returned whole."""
    incident = house.incident(service)
    facts = {name: one["value"] for name, one in incident["report"].items()}
    now, interval = facts["metric"]["now"], facts["confidence_interval"]
    assert (facts["metric"]["before"], interval["threshold"]) == (0.0, TOLERANCE)
    assert TOLERANCE < interval["low"] <= now <= interval["high"]
    affected = facts["reproduced"]["times"]
    sentence = f"{affected:,} of {facts['reproduced']['of']:,} compared predictions"
    house.slack_says(service, sentence)
    for to in ("pm@example.com", "vp@example.com"):
        said = house.mailed(service, to, sentence)
        assert f"{TOLERANCE:g}" in said, said
    return incident


def rolled_back(house: House, service: str, release: str) -> dict[str, Any]:
    """The one run that a divergence led to, once it ended well, proven at the model server."""

    def look() -> dict[str, Any] | None:
        found = house.parts.api.get(f"/runs?service={service}")["items"]
        return next((one for one in found if one["playbook"] == "all_back"), None)

    run = until("a rollback is planned", look, seconds=60)
    settled = house.parts.api.settled(run["id"], seconds=90)
    assert settled["status"] == "succeeded", settled
    known = house.models[service].known()
    assert (known["serving"], known["candidate"], known["percent"]) == ("41", "", 0)
    assert house.release(release)["state"] == "rolled_back"
    return settled


def seconds_told(house: House, release: str, sender: Sender, run: dict[str, Any]) -> str:
    """From the pair that crossed to the first call and to restored, in one line."""
    number = house.canary(release)["phases"][-1]["diverged_at"]
    crossed = sender.times[number - 1]
    accepted = parse_time(run["accepted_at"]).timestamp()
    first = accepted + run["seconds_to_first_action"] - crossed
    whole = parse_time(run["finished_at"]).timestamp() - crossed
    assert 0 < first < whole < 60
    return f"pair {number} crossed; first call after {first:.2f} s, restored and verified after {whole:.2f} s"


def test_a_candidate_that_diverges_at_a_tenth_of_the_traffic_is_rolled_back_with_its_figures(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    service = "story-bad"
    release = evaluated(house, service)
    sender = equivalent(house, service, release)
    shared(house, service, release)
    house.models[service].break_pipeline("43")
    run = rolled_back(house, service, release)
    incident = figures_are_everywhere(house, service)
    assert (incident["severity"], incident["status"]) == ("SEV-2", "monitoring")
    sender.end()
    view = house.canary(release)
    with capsys.disabled():
        print(f"\n  {seconds_told(house, release, sender, run)}")
    page = house.page(f"/releases/{release}")
    assert "<svg" in page
    assert "diverged" in page
    file = house.parts.folder / "affected.ndjson"
    house.must("canary", "affected", release, "--output", str(file))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == view["affected"] > 0
    assert all(re.fullmatch(r"p\d+", line["key"]) and line["incumbent"] != line["candidate"] for line in lines)
    house.must("audit", "verify")


def test_a_break_after_full_traffic_is_seen_in_the_watch_and_rolled_back(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    service = "story-late"
    release = evaluated(house, service)
    sender = equivalent(house, service, release)
    shared(house, service, release)
    live(house, service, release)
    until("it is watched", lambda: house.release(release)["state"] in ("live", "watched"), seconds=40)
    until("pairs of this phase are compared", lambda: house.canary(release)["phase"] != "canary", seconds=40)
    house.models[service].break_pipeline("43")
    run = rolled_back(house, service, release)
    figures_are_everywhere(house, service)
    sender.end()
    assert house.canary(release)["phase"] in ("live", "watch")
    with capsys.disabled():
        print(f"\n  in the watch: {seconds_told(house, release, sender, run)}")


def test_a_gate_that_fails_halts_with_its_figures_and_a_lift_only_has_it_judged_again(house: House) -> None:
    service = "story-gate"
    release = house.start(service)
    push(house, release, "latency", json.dumps(SLOW).encode(), "json")
    house.await_state(release, "halted")
    incident = house.incident(service)
    assert incident["severity"] == "SEV-3"
    assert incident["report"]["metric"]["value"]["now"] == 912.5
    house.slack_says(service, "912.5")
    assert house.andon("gate", service).code == 1
    assert house.andon("release", "promote", release).code == 1
    house.must("lift", service, "--reason", "measured wrongly")
    house.await_state(release, "halted")
    assert len([line for line in house.incident(service)["timeline"] if "912.5" in line["text"]]) >= 2
    push(house, release, "latency", json.dumps(LATENCY).encode(), "json")
    push(house, release, "rows", rows(), "ndjson")
    push(house, release, "regions", regions(), "parquet")
    house.must("lift", service, "--reason", "measured again")
    house.await_state(release, "evaluation")
    assert house.andon("gate", service).code == 0


def test_workers_killed_in_the_middle_of_a_fold_and_of_a_promotion_go_on_once(house: House) -> None:
    service = "story-killed"
    release = evaluated(house, service)
    house.parts.kill_all("other")
    dying = house.dying_worker("before_fold_commit")
    sender = house.shadow(service, release)
    assert killed(dying)
    house.parts.worker("other")
    until("both are found alike", lambda: house.canary(release)["verdict"] == "equivalent", seconds=60)
    house.parts.kill_all("other")
    dying = house.dying_worker("after_effect")
    house.must("release", "promote", release)
    assert killed(dying)
    house.parts.worker("other")
    house.await_state(release, "production")
    known = house.models[service].known()
    assert (known["candidate"], known["percent"], len(known["deployments"])) == ("43", 10, 1)
    counts = sender.end()
    until("all pairs are compared", lambda: house.canary(release)["pairs"] == counts["sent"], seconds=30)
    assert house.canary(release)["counts"]["duplicates"] == 0
    assert not house.parts.api.get(f"/incidents?service={service}")["items"]
