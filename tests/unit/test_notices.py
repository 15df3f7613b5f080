"""Notices: one set of facts, words for every audience, and nothing that facts or templates could do harm with."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.golden_notices import (
    AUDIENCES,
    GOLDEN,
    HOUSE_NAMES,
    NAMED,
    NAMES,
    STATUS_OF,
    TO_SOME,
    alert,
    filled,
    golden,
    longest,
    minimal,
    readers_of,
    realistic,
    run,
)
from support.people_notices import MEETING, item

from bot.adapters.glossary import load_glossary
from bot.adapters.letters import LetterWriter
from bot.adapters.notice_facts import FIGURES, LISTS, MAPS, RECORDS, VALUES, WORDS
from bot.adapters.notice_templates import MAX_OUTPUT, NoticeTemplates
from bot.adapters.notice_words import (
    plain,
)  # fmt: skip
from bot.adapters.shipped import shipped_folder
from bot.domain.errors import StepFailed
from bot.domain.judging import release_facts
from bot.domain.records import Notice
from bot.domain.releases import Release
from bot.domain.report import Alternative, ConfidenceInterval, MetricChange
from bot.flow import endings, telling
from bot.flow.notices import plain_words

SHIPPED = shipped_folder("templates")
KINDS: dict[str, Callable[[str], Notice]] = {"realistic": realistic, "minimal": minimal, "longest": longest}
EXECUTIVE_WORDS = 120
HEADING = re.compile(
    r"^(Steps|Reported|Measured|Left to do by hand, because it was not taken back"
    r"|Measured after the action|Measured while it is being watched"
    r"|Next, after a look at the target|What remains|Agenda|Key points|Decisions|Action items|Open questions|Answered"
    r"|To open|To close|Runs|Waiting for an answer|Promised"
    r"|Success measures|Alternatives considered|Stages and their gates|What takes it back to version \S+"
    r"|Gates that fail|Gates without an answer|ml engineer|champion|briefs"
    r"|A draft from the record|This .*|Update on .*|Recorded as .*|Nobody has said yet .*):$",
    re.MULTILINE,
)
"""Lines that end in a colon because something follows."""
RENEW = "renew them with `PYTHONPATH=.:tests python -m support.golden_notices`"


@pytest.fixture(scope="module")
def templates() -> NoticeTemplates:
    return NoticeTemplates([SHIPPED])


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return golden()


@pytest.fixture
def custom(tmp_path: Path) -> Callable[..., NoticeTemplates]:
    """A renderer that finds these files in a folder of the configuration before the shipped ones."""

    def write(**files: str) -> NoticeTemplates:
        (tmp_path / "notices").mkdir(exist_ok=True)
        for name, text in files.items():
            (tmp_path / "notices" / f"{name.replace('__', '.')}.j2").write_text(text, "utf-8")
        return NoticeTemplates([tmp_path, SHIPPED])

    return write


def words(body: str) -> str:
    return f"Subject: something\n\n{body}\n"


# Golden files


@pytest.mark.parametrize("file", [f"{name}.{kind}.txt" for name in NAMES for kind in ("realistic", "minimal")])
def test_a_notice_reads_as_its_golden_file(file: str, rendered: dict[str, str]) -> None:
    assert rendered[file] == (GOLDEN / file).read_text("utf-8"), RENEW


def test_no_golden_file_is_left_over(rendered: dict[str, str]) -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(rendered), RENEW


def test_notices_read_like_sentences(rendered: dict[str, str]) -> None:
    bad = re.compile(r"None|\{\}|\[\]|undefined|\{\{|\.\.|[^ \n] {2,}|: *$|\( *\)| ,|^ \S|\n{3,}|&#|&lt;", re.MULTILINE)
    found = {file: bad.findall(HEADING.sub("x", text)) for file, text in rendered.items()}
    assert {file: hits for file, hits in found.items() if hits} == {}
    bare = re.compile(rf"{HEADING.pattern}(?=\n*(?:[A-Z][\w ,]*:$|Facts revision|=====))", re.MULTILINE)
    assert {file: hits for file, text in rendered.items() if (hits := bare.findall(text))} == {}


def test_notices_are_about_the_system_and_blame_nobody(rendered: dict[str, str]) -> None:
    blaming = re.compile(r"\b(blame|fault of|mistake|careless|sorry|unfortunately|guarantee|definitely|!)\b", re.I)
    assert {file: hits for file, text in rendered.items() if (hits := blaming.findall(text))} == {}


def test_every_notice_that_the_flow_tells_has_golden_files() -> None:
    source = "\n".join(path.read_text("utf-8") for path in Path(telling.__file__).parent.glob("*.py"))
    told = set(re.findall(r"""(?:\btell|_tell|about_house|about_incident)\(\s*(?:[\w.]+,\s*)*"(\w+)",""", source))
    told |= {name for pair in re.findall(r'name = "(\w+)" if .* else "(\w+)"', source) for name in pair}
    told |= set(endings._NOTICE.values())
    assert {"incident_opened", "halted", "dead_letter", "would_restore", "held", "restored"} <= told
    assert told <= set(NAMES)


def test_the_records_in_the_facts_have_the_keys_that_templates_are_promised() -> None:
    release = Release("rel-1", "s", "41", "42", run().accepted_at)
    assert set(RECORDS["run"]) == set(telling.run_facts(run()))
    assert set(RECORDS["release"]) == set(release_facts(release)) | set(realistic("release_brief").facts["release"])
    assert set(RECORDS["drill"]) == set(realistic("drill_reminder").facts["drill"])
    for name in ("brief", "canary"):
        assert set(RECORDS[name]) == set(realistic("release_brief").facts[name])
    for name in ("stages", "criteria"):
        assert set(LISTS[name]) == set(realistic("release_brief").facts[name][0])
    assert set(LISTS["results"]) == set(realistic("gate_failed").facts["results"][0])
    assert set(RECORDS["incident"]) == set(realistic("restored").facts["incident"])
    assert set(RECORDS["alert"]) <= set(alert())
    for record, model in (("metric", MetricChange), ("confidence_interval", ConfidenceInterval)):
        assert set(FIGURES[record]) == set(model.model_fields)
    assert set(LISTS["alternatives"]) == set(Alternative.model_fields)
    assert set(RECORDS["item"]) == set(item())
    assert set(RECORDS["meeting"]) == set(MEETING)


# What each audience is promised


@pytest.mark.parametrize("zone", ["UTC", "America/Argentina/Buenos_Aires"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in TO_SOME])
def test_an_executive_notice_is_short_and_begins_with_the_decision(
    name: str, kind: str, zone: str, templates: NoticeTemplates
) -> None:
    notice = KINDS[kind](name)
    facts = {**notice.facts, "zone": zone}
    letter = LetterWriter(templates, glossary=load_glossary([SHIPPED])).write(
        replace(notice, facts=facts, audience="executive")
    )
    subject, body = letter.subject, letter.body
    assert len(body.split()) < EXECUTIVE_WORDS, body
    assert re.match(r"(No decision is needed|A decision is (still )?needed from .+ (by|as soon as possible))", body), (
        body
    )
    if body.startswith("A decision"):
        assert "Otherwise" in body
    assert not re.search(r"\b(inc|run|rel|evt|ntc|min|mtg)-[0-9a-z]{4}|\bU0[A-Z0-9]{4,}", subject + body), body
    assert kind == "longest" or "…" not in body, "no sentence is cut, and no name that is not absurd"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("audience", [*AUDIENCES, "partners", "Board.EU"])
def test_every_notice_says_which_facts_it_tells_and_fits_its_limit(
    audience: str, kind: str, templates: NoticeTemplates
) -> None:
    for name in NAMES:
        notice = replace(KINDS[kind](name), audience=audience)
        subject, body = templates.render(notice)
        clock = r"\d\d:\d\d:\d\d"
        there = rf"{clock} CET \({clock} UTC\)" if notice.facts.get("zone") else f"{clock} UTC"
        stamp = rf"Facts revision {notice.revision}, as of {there} on 20 Nov 2026\.$"
        assert re.search(stamp, body), f"{name}: {body}"
        assert len(body) <= MAX_OUTPUT
        assert "\n" not in subject
        assert 5 < len(subject) <= 200


def test_engineering_reads_ids_links_steps_and_errors(templates: NoticeTemplates) -> None:
    notice = realistic("needs_human")
    _, body = templates.render(notice)
    for one in ("run", "incident", "release"):
        assert notice.facts[one]["id"] in body
    for one in ("https://andon.example.com/incidents/", "9f2c41d07ab35e68", "restore (http_request): unknown", "503"):
        assert one in body


def test_would_restore_says_that_nothing_was_touched(templates: NoticeTemplates) -> None:
    for audience in AUDIENCES:
        _, body = templates.render(replace(realistic("would_restore"), audience=audience))
        assert re.search(r"[Nn]othing was (touched|changed)", body), body


def test_restored_is_not_told_as_the_end(templates: NoticeTemplates) -> None:
    for audience in ("engineering", "product", "executive", "support"):
        _, body = templates.render(replace(realistic("restored"), audience=audience))
        assert re.search(r"not resolved|not yet the all-clear", body), body
        assert "watch" in body


def test_the_end_of_an_approval_is_told_where_it_is_known(templates: NoticeTemplates) -> None:
    notice = realistic("approval_needed")
    facts = {**notice.facts, "expires_at": "2026-11-20T14:22:31.396Z"}
    _, body = templates.render(replace(notice, facts=facts, audience="executive"))
    assert body.startswith("A decision is needed from rollback authority by 15:22:31 CET (14:22:31 UTC):")


@pytest.mark.parametrize("name", STATUS_OF)
def test_a_drill_says_so_in_the_subject_and_in_the_first_line(name: str, templates: NoticeTemplates) -> None:
    for audience in AUDIENCES:
        subject, body = templates.render(replace(realistic(name, drill=True), audience=audience))
        assert subject.startswith("DRILL: ")
        assert body.startswith("DRILL: this is an exercise. Production is not touched.\n\n")
        assert "DRILL" not in "".join(templates.render(replace(realistic(name), audience=audience)))


# Hostile facts

FEW_FACTS = ("progress", "receipt", "meeting_cancelled")
HOSTILE = (
    "x\r\nSubject: forged\n\n# forged\n- forged\u2028> forged\x00\x1b[31m <!channel> <@U123> @channel @here "
    "<!subteam^S1|ops> [click](http://evil.example) ![i](http://evil.example) `code` <script>alert(1)</script> "
    "\u202egnp.exe {{ 7*191 }} {% raw %} {# gone #} ${x} \ud800"
)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_facts_forge_no_line_no_mention_no_link_and_no_code(name: str, templates: NoticeTemplates) -> None:
    for audience in readers_of(name):
        notice = replace(longest(name), audience=audience)
        calm = templates.render(replace(notice, facts=filled(notice.facts, lambda _: "x y")))
        subject, body = templates.render(replace(notice, facts=filled(notice.facts, lambda _: HOSTILE)))
        assert len(body.splitlines()) == len(calm[1].splitlines())
        for text in (subject, body):
            assert not re.search(r"<[!@#a-z/]|@(channel|here)|\]\(|[\x00-\x08\x0b-\x1f\u202e\u2028\ud800]", text)
            assert not re.search(r"^(Subject: )?forged|^[#>] ?forged|^- forged|`code", text, re.MULTILINE)
            assert "1337" not in text
            text.encode("utf-8")
        assert "channel>" in subject + body or audience == "executive" or name in HOUSE_NAMES or name in FEW_FACTS


def test_names_of_labels_are_as_hostile_as_their_values(templates: NoticeTemplates) -> None:
    notice = realistic("held")
    facts = {**notice.facts, "alert": alert() | {"labels": {HOSTILE: HOSTILE}}}
    _, body = templates.render(replace(notice, facts=facts))
    assert len(body.splitlines()) == len(templates.render(notice)[1].splitlines()) - 2
    assert "<!" not in body


def test_facts_are_plain_even_where_a_template_forgets_to_ask(custom: Callable[..., NoticeTemplates]) -> None:
    renderer = custom(
        held=words("{% set x = reason %}{% macro m(v) %}{{ v }}{% endmacro %}{{ m(x) ~ x }} {{ [x] | join }}")
    )
    notice = realistic("held")
    _, body = renderer.render(replace(notice, facts={**notice.facts, "reason": "a\n<!here> @all " + "b" * 900}))
    assert body.count("\n") == 0
    assert "<!" not in body
    assert "@all" not in body
    assert len(body) < 1000


@pytest.mark.parametrize(
    "value", ["# big", "> quote", "- item", "* item", "+ item", "1. item", "2) item", "=== line", "| cell"]
)
def test_a_value_at_the_beginning_of_a_line_starts_no_block(value: str) -> None:
    assert not re.match(r"\s*([#>*+=|-]|\d+[.)]\s)", plain(value))
    assert plain(value).endswith(value)


@pytest.mark.parametrize("value", ["1.2.3", "12.3 s", "41", "v42-rc.1", "3 of 4"])
def test_versions_and_figures_stay_as_they_are(value: str) -> None:
    assert plain(value) == value


def test_a_mail_address_stays_one() -> None:
    assert plain("ask ops@example.com") == "ask ops@example.com"


# Which template


def test_the_most_particular_template_wins_and_then_the_first_folder(custom: Callable[..., NoticeTemplates]) -> None:
    renderer = custom(held__product=words("ours for product"), held=words("ours"), message__support=words("theirs"))
    said = {
        (name, audience): renderer.render(replace(realistic(name), audience=audience))[1]
        for name in ("held", "halfway", "restored")
        for audience in ("product", "support")
    }
    assert said["held", "product"] == "ours for product"
    assert said["held", "support"] == "ours"
    assert said["halfway", "support"] == "theirs"
    assert "Traffic is back" in said["halfway", "product"]
    assert "back on version 41" in said["restored", "product"]


def test_a_changed_and_a_new_template_are_used_at_the_next_notice(custom: Callable[..., NoticeTemplates]) -> None:
    renderer, notice = custom(), realistic("held")
    assert "automation is off" in renderer.render(notice)[1]
    custom(held=words("first"))
    assert renderer.render(notice)[1] == "first"
    custom(held=words("second one"))
    assert renderer.render(notice)[1] == "second one"


@pytest.mark.parametrize("name", ["../held", "Held", "", "a" * 65, "held.j2", "_parts/../held", "hel\nd"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str, templates: NoticeTemplates) -> None:
    with pytest.raises(StepFailed, match="no name for a notice"):
        templates.render(replace(realistic("held"), name=name))


def test_no_template_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="there is no template"):
        NoticeTemplates([tmp_path]).render(realistic("held"))


# Broken and wicked templates

BROKEN = {
    "unknown name": (words("{{ reasn }}"), "'reasn' is undefined"),
    "unknown key": (words("{{ release.candidat }}"), "'candidat' is not there"),
    "unclosed": (words("{% if x %}"), "notices/held.j2:3"),
    "unknown filter": (words("{{ reason | shout }}"), "shout"),
    "no subject": ("Hello\n\nthere\n", "first line"),
    "no body": ("Subject: x\n\n", "nothing follows"),
    "list as text": (words("{{ run.steps }}"), "cannot be written as text"),
    "too long": (words("{% for a in [1, 2, 3] %}" + "y" * 4000 + "{% endfor %}"), "longer than"),
    "huge text": (words("{{ 'a' * 10**9 }}"), "not allowed"),
    "huge product": (words("{{ 'a' * 1000000000 }}"), "works on numbers"),
    "huge number": (words("{{ 999999999999 * 999999999999 * 999999999999 }}"), "grows too large"),
    "format": (words("{{ '%999999999d' % 1 }}"), "works on numbers"),
    "range": (words("{% for i in range(10**9) %}x{% endfor %}"), "not allowed"),
    "range alone": (words("{% for i in range(99999) %}x{% endfor %}"), "'range' is undefined"),
    "nested loops": (
        words(
            "{% set l = [1,2,3,4,5,6,7,8,9,10] %}"
            + "".join(f"{{% for {n} in l %}}" for n in "abcdefghij")
            + "{% endfor %}" * 10
        ),
        "loops or calls",
    ),
    "loop over text": (words("{% for a in reason %}x{% endfor %}"), "runs over a list"),
    "doubling": (
        words("{% macro d(s, n) %}{% if n > 0 %}{{ d(s + s, n - 1) }}{% endif %}{% endmacro %}{{ d('xxxx', 60) }}"),
        "grows beyond",
    ),
    "doubling by joining": (
        words("{% macro d(s, n) %}{% if n > 0 %}{{ d(s ~ s, n - 1) }}{% endif %}{% endmacro %}{{ d('xxxx', 60) }}"),
        "grows beyond",
    ),
    "doubling by writing": (
        words("{% set x %}yyyyyyyy{% endset %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 60),
        "writes more",
    ),
    "macro tree": (
        words("{% macro m(n) %}{% if n < 99 %}{{ m(n + 1) }}{{ m(n + 1) }}{% endif %}{% endmacro %}{{ m(0) }}"),
        "loops or calls",
    ),
    "endless macro": (words("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), "itself too deeply"),
    "includes itself": (words('{% include "notices/held.j2" %}{% include "notices/held.j2" %}'), "itself too deeply"),
    "recursive loop": (words("{% for a in run.steps recursive %}{{ loop(run.steps) }}{% endfor %}"), "not allowed"),
    "escape off": (words("{% autoescape false %}{{ reason }}{% endautoescape %}"), "not allowed"),
    "safe": (words("{{ reason | safe }}"), "safe"),
    "attr": (words("{{ reason | attr('__class__') }}"), "attr"),
    "dunder": (words("{{ ().__class__.__mro__ }}"), "not there"),
    "method": (words("{{ reason.format(reason) }}"), "not there"),
    "module": (words('{% import "notices/_parts.j2" as say with context %}{{ say.__init__ }}'), "not there"),
    "macro's code": (words("{% macro m() %}{% endmacro %}{{ m._func }}"), "not there"),
    "lipsum": (words("{{ lipsum.__globals__ }}"), "'lipsum' is undefined"),
    "self": (words("{{ self.__init__ }}"), "not there"),
    "another file": (words('{% include "../../../etc/passwd" %}'), "no template"),
    "an absolute file": (words('{% include "/etc/passwd" %}'), "no template"),
    "a page": (words('{% include "pages/login.html.j2" %}'), "no template"),
    "division": (words("{{ 1 / 0 }}"), "ZeroDivisionError"),
    "too large a file": (words("y" * 40_000), "larger than"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_or_wicked_template_fails_in_one_line_and_before_the_timeout(
    what: str, custom: Callable[..., NoticeTemplates]
) -> None:
    text, why = BROKEN[what]
    with pytest.raises(StepFailed) as failed:
        custom(held=text).render(realistic("held"))
    said = str(failed.value)
    assert why in said
    assert "\n" not in said
    assert said.startswith("The template of held for engineering cannot be used:")
    assert len(said) < 500


def test_an_error_says_file_and_line(custom: Callable[..., NoticeTemplates]) -> None:
    with pytest.raises(StepFailed, match=r"notices/held\.j2:4: 'nobody' is undefined"):
        custom(held="Subject: x\n\nfine\n{{ nobody }}\n").render(realistic("held"))


def test_an_error_quotes_no_hostile_name(custom: Callable[..., NoticeTemplates]) -> None:
    notice = realistic("held")
    facts = {**notice.facts, "alert": alert() | {"labels": {"a\nb <!channel>": "x"}}}
    with pytest.raises(StepFailed) as failed:
        custom(held=words("{{ alert.labels.team }}")).render(replace(notice, facts=facts))
    assert "\n" not in str(failed.value)
    assert "<!" not in str(failed.value)


def test_a_file_that_is_not_utf_8_is_said(custom: Callable[..., NoticeTemplates], tmp_path: Path) -> None:
    renderer = custom(held="x")
    (tmp_path / "notices" / "held.j2").write_bytes(b"Subject: \xff\n\nx\n")
    with pytest.raises(StepFailed, match="not UTF-8"):
        renderer.render(realistic("held"))


def test_facts_that_make_no_sense_fail_as_a_template_does(templates: NoticeTemplates) -> None:
    notice = realistic("held")
    for bad in ({"as_of": "yesterday"}, {"alert": 7}, {"run": {"id": "run-1", "steps": 7}}):
        with pytest.raises(StepFailed):
            templates.render(replace(notice, facts={**notice.facts, **bad}))


def test_a_failure_leaves_nothing_behind_for_the_next_notice(custom: Callable[..., NoticeTemplates]) -> None:
    renderer = custom(held=words("{% for a in [1,2,3] %}{{ reasn }}{% endfor %}"))
    for _ in range(3):
        with pytest.raises(StepFailed):
            renderer.render(realistic("held"))
        assert "back on version 41" in renderer.render(replace(realistic("restored"), audience="executive"))[1]


def test_faults_of_a_folder_are_listed_with_file_and_line(
    custom: Callable[..., NoticeTemplates], tmp_path: Path
) -> None:
    renderer = custom(held="Subject: x\n\n{% if %}\n", lifted=words("{{ reason | shout }}"), Wrong=words("x"))
    faults = [str(fault).removeprefix(f"{tmp_path}/notices/") for fault in renderer.faults(tmp_path)]
    assert [fault.split(": ")[0] for fault in faults] == ["Wrong.j2:0", "held.j2:3", "lifted.j2:3"]
    assert renderer.faults(SHIPPED) == []


def test_the_example_in_the_documentation_works(custom: Callable[..., NoticeTemplates], checkout: Path) -> None:
    page = (checkout / "docs" / "notices.md").read_text("utf-8")
    example = page.split("```jinja\n")[1].split("```")[0]
    subject, body = custom(restored__engineering=example).render(realistic("restored"))
    assert subject == "SEV-1 fraud-model in production: restored, being watched"
    assert body.startswith("fraud-model in production is back on version 41 after 2 min 5 s.\n\nFacts revision 3")


def test_the_documentation_names_every_fact_and_every_notice(checkout: Path) -> None:
    page = (checkout / "docs" / "notices.md").read_text("utf-8")
    records = {**RECORDS, **FIGURES, **LISTS}
    wanted = {*WORDS, *VALUES, *MAPS, "figures", *records, *(key for keys in records.values() for key in keys), *NAMES}
    wanted -= {"halfway", *NAMED}
    assert [word for word in sorted(wanted) if f"`{word}`" not in page] == []


def test_what_the_flow_sends_instead_of_a_broken_template_says_which_file(
    custom: Callable[..., NoticeTemplates],
) -> None:
    notice = realistic("held")
    with pytest.raises(StepFailed) as failed:
        custom(held=words("{{ reasn }}")).render(notice)
    body = plain_words(notice, str(failed.value)).body
    assert "criterion 'prediction divergence' holds" in body
    assert "notices/held.j2:3: 'reasn' is undefined" in body
