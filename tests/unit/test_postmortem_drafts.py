"""Drafts of postmortems: as their golden files, from the record alone, with no name where a role will do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support.golden_postmortems import GOLDEN, POLICY, T0, golden, poor, rich
from support.page_reader import PageReader

from bot.adapters.postmortem_papers import PostmortemPapers
from bot.domain.errors import StepFailed
from bot.domain.postmortems import TITLES
from bot.domain.records import TimelineEntry
from bot.domain.unified_diffs import parse_diff
from bot.flow.account_conditions import conditions_of
from bot.flow.account_luck import luck, went_well
from bot.flow.account_suggestions import suggestions_of
from bot.flow.account_times import response_of
from bot.flow.postmortem_draft import MOST_LINES, draft_facts, short_form

RENEW = "renew them with `PYTHONPATH=.:tests python -m support.golden_postmortems`"
SHIPPED = Path(__file__).parents[2] / "templates"


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return golden()


@pytest.mark.parametrize("name", ["poor.md", "rich.md", "rich.html"])
def test_a_draft_reads_as_its_golden_file(name: str, made: dict[str, str]) -> None:
    assert made[name] == (GOLDEN / name).read_text("utf-8"), RENEW


def test_no_golden_file_is_left_over_and_each_is_made_alike_twice(made: dict[str, str]) -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(made)
    assert golden() == made


@pytest.mark.parametrize("name", ["poor.md", "rich.md"])
def test_every_section_is_there_in_its_order_also_where_nothing_is_known(name: str, made: dict[str, str]) -> None:
    assert [line[3:] for line in made[name].splitlines() if line.startswith("## ")] == list(TITLES.values())


def test_the_parts_for_a_page_are_the_sections_and_what_stands_before_them() -> None:
    parts = PostmortemPapers([SHIPPED], str).parts(draft_facts(rich()))
    assert [title for title, _ in parts] == ["", *TITLES.values()]
    assert not [title for title, html in parts if "<h1" in html or "<h2" in html or "+    when:" in html]


def test_the_record_names_roles_and_people_name_whom_they_like(made: dict[str, str]) -> None:
    text = made["rich.md"]
    machine = [line for line in text.splitlines() if not line.startswith(("> ", "- [", "- Open question"))]
    for name in ("U0LENA0012", "U0OMAR0034", "U0PRIYA056", "otto", "lena"):
        assert [line for line in machine if name in line] == []
    assert "the champion took the incident" in text
    assert "> 1. Omar was at his desk" in text
    assert "- [ ] Check the unit of amounts – U0PRIYA056, due 11:33:30 UTC on 21 Nov 2026" in text


def test_the_response_is_measured_against_the_deadline() -> None:
    response = response_of(rich().account)
    assert response.began is not None
    assert (response.detected - response.began).total_seconds() == 450
    assert (response.met, response.took, response.left) == (False, timedelta(seconds=700), timedelta(seconds=-400))
    unknown = response_of(poor().account)
    assert (unknown.began, unknown.decided, unknown.restored, unknown.met) == (None, None, None, None)


def test_conditions_are_what_the_record_shows_each_with_its_evidence() -> None:
    found = conditions_of(rich().account)
    texts = " | ".join(one.text for one in found)
    for shown in (
        "fairness by region” of stage evaluation was not known",
        "depended on the table `amounts` of features, which was not planned",
        "rehearsed last 100 days before",
        "newest rehearsal of the way back did not pass (failed: the deployer was slow)",
        "came 7m30s after it began",
        "the question had ended",
        "Step restore of rollback_model was interrupted once",
        "did not end within 5m",
        "to support never arrived: the channel is archived",
        "not the first incident here",
    ):
        assert shown in texts
    assert all(one.evidence for one in found)
    assert "schema" not in texts, "a gate that passed is no condition"
    assert conditions_of(poor().account) == []


def test_what_went_well_and_where_luck_helped_is_only_suggested(made: dict[str, str]) -> None:
    account = rich().account
    response = response_of(account)
    assert [one.text.partition(" ")[0] for one in went_well(account, response)] == ["The", "What"]
    assert {one.evidence[0].partition(" ")[0] for one in luck(account, response)} == {"run", "approval"}
    assert made["rich.md"].count("- Suggested by the record: ") == 6, "four of them, and two lessons"


def test_a_long_timeline_keeps_its_beginning_and_its_end_and_says_what_is_left_out() -> None:
    drafting = rich()
    lines = [TimelineEntry(f"t{n}", "inc", T0, "note", f"line number {n}") for n in range(MOST_LINES + 250)]
    long = replace(drafting, account=replace(drafting.account, timeline=lines))
    text = PostmortemPapers([SHIPPED], str).markdown(draft_facts(long))
    assert text.count("line number") == MOST_LINES
    assert "… 250 lines in between are on the page of the incident." in text
    assert "line number 1249" in text


def test_html_holds_no_script_and_no_link_but_those_of_the_web(made: dict[str, str]) -> None:
    page = PageReader(made["rich.html"])
    assert not page.tags & {"script", "img", "iframe", "form"}
    assert not {one for one in page.attributes if one.startswith("on")}
    assert [one for one in page.links if not one.startswith("https://")] == []
    assert len(page.links) == 2


def test_the_short_form_says_what_happened_and_how_far_the_account_is() -> None:
    assert short_form(draft_facts(rich()))[-1] == (
        "Postmortem: reviewed. 10 contributing conditions, 3 lessons, 1 action items open."
    )
    assert short_form(draft_facts(poor()))[0] == (
        "On 20 Nov 2026 at 11:33:30 UTC a SEV-3 incident was opened for fraud-model in production: Something."
    )


def test_a_template_of_ones_own_replaces_the_shipped_one_and_a_broken_one_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    file = folder / "postmortem.md.j2"
    file.write_text("# {{ incident.title | plain }}\n", encoding="utf-8")
    assert PostmortemPapers([tmp_path, SHIPPED], str).markdown(draft_facts(rich())) == "# PredictionDivergence\n"
    file.write_text("{{ nobody.knows }}", encoding="utf-8")
    with pytest.raises(StepFailed, match="template of the postmortem"):
        PostmortemPapers([tmp_path, SHIPPED], str).markdown(draft_facts(rich()))


def test_the_policy_of_the_golden_files_is_one() -> None:
    assert POLICY.members("champion") == ("U0OMAR0034",)


def test_the_record_suggests_lessons_with_the_change_where_it_is_obvious() -> None:
    account = rich().account
    texts = [one.text for one in suggestions_of(account)]
    assert len(texts) == 2, "its playbook was rehearsed once"
    assert texts[0].startswith("“prediction divergence” asks rollback authority first, and the answer took longer than")
    assert texts[1] == "Give the audience support a second way: what was sent there never arrived"
    never = replace(account, drills=())
    first = suggestions_of(never)[0]
    assert first.text == "Rehearse the way back: let rollback_model run every week in staging"
    (change,) = parse_diff(first.diff)
    assert change.applied(account.policy_text) == (
        f"{account.policy_text}\ndrills:\n  - playbook: rollback_model\n    environment: staging\n"
        '    cron: "0 10 * * 2"\n'
    )
    for text in ("", "service: x\n", f"{account.policy_text}\ndrills: []\n"):
        assert suggestions_of(replace(never, policy_text=text))[0].diff == ""
    assert suggestions_of(poor().account) == []


def test_no_secret_that_somebody_wrote_stands_in_a_file_whatever_its_shape() -> None:
    secret = "hush_hush*<1>&2"
    facts = draft_facts(rich())
    facts["incident"] = facts["incident"] | {"title": f"it fails with {secret}"}
    papers = PostmortemPapers([SHIPPED], lambda text: text.replace(secret, "***"))
    for text in (papers.markdown(facts), papers.html(facts), str(papers.parts(facts))):
        assert "hush" not in text
