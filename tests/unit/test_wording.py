"""Words about people, certainties and catastrophes are found; calm technical words are left alone."""

from __future__ import annotations

import itertools
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.wording import findings, improved
from bot.domain.wording_rules import Concern

PEOPLE = ("Ada", "Grace Hopper", "Mark")

BLAMING = """
The outage was caused by human error.
It was human error.
This was a user error.
Human errors caused two of the three incidents.
Bob forgot to run the migration.
Jane Doe screwed up the rollout.
Ada broke the schema.
Mark deleted the wrong table.
The bug is Grace Hopper's fault.
The outage was caused by Mark.
We blame Ada for the late rollback.
He broke the build again.
She should have tested the candidate first.
You caused this outage.
You forgot to freeze the feature.
You should have known that the schema changes.
Somebody deleted the wrong index.
Someone ignored the alert for an hour.
@alice broke production.
<@U0LEAD> missed the page.
The on-call engineer ignored the alert.
The on-call failed to acknowledge the page.
The developer who broke the pipeline is on leave.
The author did not check the quantiles.
The reviewer overlooked the missing column.
The data team broke the feature pipeline.
The platform team failed to tell anyone.
Our data scientist carelessly merged it.
That was a careless change.
This is your fault.
It was entirely his mistake.
The on-call engineer's mistake cost us an hour.
This was Bob's fault.
An oversight by the release engineer let it through.
The outage was caused by the intern.
What a stupid configuration.
It was a rookie mistake.
The failure to follow the runbook made it worse.
The engineer did not follow the deployment procedure.
Support was asleep at the wheel.
The team dropped the ball.
He should’ve known better.
Who broke the canary?
Nobody bothered to look at the gate.
The contractor took down production.
The junior engineer was too inexperienced for this.
Stop blaming the user, you idiots.
"""

OVERCLAIMING = """
The root cause is definitely the cache.
It is certainly the new feature.
The root cause is undoubtedly in the tokenizer.
This is without a doubt a data problem.
We know for sure that no order was lost.
It is the network for sure.
We are 100 % sure.
I am 100% certain that the candidate is at fault.
The problem is 100 % fixed.
We are absolutely sure.
This will never happen again.
It won't happen again.
That can’t happen again.
Never again.
We guarantee that the fix holds.
The rollback is guaranteed to work.
I promise you that it is over.
There was no impact whatsoever.
Users see no problems at all.
It has absolutely no effect on checkout.
The rollback carries no risk.
This is a zero risk change.
The bug is fixed for good.
The leak is solved once and for all.
The queue is permanently fixed.
It is completely safe.
The restored version works perfectly.
The drop was clearly caused by the new tokenizer.
That is the only possible explanation.
It cannot possibly fail.
It is impossible for this to recur.
The new gate is bulletproof.
Rest assured that checkout works.
Everything is under control.
"""

ALARMING = """
This is a catastrophic failure.
It failed catastrophically.
The release is a disaster.
The results are disastrous.
This is a nightmare for support.
The F1 score is horrible.
Don't panic.
Everyone is panicking about the scores.
Production is on fire.
The latency exploded after 14:00.
Error rates have exploded.
The error rate skyrocketed.
Precision has plummeted.
Recall took a nosedive.
The model is completely broken.
Everything is broken.
There was a massive outage.
This is an enormous regression.
It is total chaos.
It is the worst outage ever.
We are doomed.
WTF happened to the model?
Stop the release now!!!
"""

FINE = """
The deploy broke the schema.
The new version broke the contract between the pipeline and the model.
Redis failed over at 14:02.
Kafka's fault tolerance kept the events.
It is the load balancer's fault domain that was lost.
Their fault domains do not overlap.
The operator failed to reconcile the resource.
The scheduler forgot the job after its restart.
The client caused 400 retries a second.
The session manager failed to start.
The controller ignored the annotation.
The job missed its deadline by 40 s.
The gate did not check the new column.
The alert should have fired at 14:02.
The canary should have caught this; its window was too short.
The user error rate rose to 2 %.
The human error rate on this task is 5 %.
User errors (4xx) are unchanged.
Nobody is to blame for this.
No one is to blame; the check was missing.
Run git blame on the file.
We hold a blameless postmortem on Friday.
The cache is to blame for the stale scores.
Ada rolled back at 14:10 and is watching the scores.
Mark the release as halted.
Grace Hopper approved the rollback at 14:09.
Ada's change to the tokenizer is in release 42.
You should have received an invitation.
In case you missed it, the summary is on the page.
If you see errors, tell us in the thread.
The team restored version 41 in 2 min 5 s.
The on-call engineer stopped the promotion at 14:07.
Someone has to approve the rollback by 14:12.
The reviewer asked for a longer window.
The author of the change is in the channel.
Lazy loading of the index explains the slow first call.
The sloppy quorum accepted the write.
The dumb proxy forwards everything.
100 % of traffic is on version 41 again.
The canary got 100 percent of shadow traffic.
Coverage of the test set is 100 %.
We are almost certain that it is the tokenizer.
It is not certain that the fix helps.
We do not know for sure yet.
It is not definitely the cache.
We cannot guarantee the date.
At-least-once delivery is guaranteed by the queue.
The ordering guarantees of the log hold.
The fix is not guaranteed to work.
No impact on users was measured since 14:10.
No users were affected according to the logs of checkout.
The risk assessment is attached.
There is no risk score for guests.
There is no risk that we know of in waiting.
The incident is resolved.
The bug is fixed in version 43.
The problem is not completely solved.
This is not completely safe yet.
A gate was added so that it does not happen again unnoticed.
The promise was rejected by the event loop.
Catastrophic forgetting lowers the score on the old classes.
The regular expression has catastrophic backtracking.
The disaster recovery plan was tested in May.
The natural disaster feature is null.
The disaster-recovery drill is due.
Kernel panic at boot on node 7.
The goroutine panicked with a nil map.
Exploding gradients stopped the training.
The chaos tests passed.
The total loss is 0.31 after 40 epochs.
The total failure rate is 0.4 %.
Two alerts are firing.
The error rate rose from 0.2 % to 3.1 %.
The latency at p99 rose sharply.
Large batches explode the memory estimate.
Huge pages are switched off.
`definitely` is a field of the enum.
See https://wiki.example.com/human-error/definitely!! for the page.
> It is definitely his fault!!!
The log says `FATAL: catastrophic failure!!`.
Write to stupid@example.com.
Meltdown and Spectre patches are installed.
The shell expands !! to the last command.
Perfect forward secrecy is on.
The model is stable since 14:10.
Precision fell by 15 % against the incumbent.
Terraform destroyed the old stack as planned.
The worst bucket has a PSI of 0.41.
The worker was killed by the kernel.
The engineer killed the stuck job at 14:03.
She took down the notes of the meeting.
The only possible values are 0 and 1.
The service is down in one zone.
Attention: the attention heads lack of masks is fixed.
The index is clearly labelled.
The load balancer went into panic mode and retried.
Zones are vulnerable to disasters of the whole region.
The delay was caused by the developer portal.
The page was broken by the author field.
The errors of the person-detection model are in the report.
Seven hours of scores are gone forever.
There is not enough in the logs of that hour to tell for sure.
Version 42 was tested for 40 minutes without an error.
"""


def lines(table: str) -> list[str]:
    return table.strip().splitlines()


def test_the_tables_are_large_enough_to_mean_something() -> None:
    assert len(lines(BLAMING) + lines(OVERCLAIMING) + lines(ALARMING)) >= 60
    assert len(lines(FINE)) >= 60


@pytest.mark.parametrize(
    ("concern", "sentence"),
    [(Concern.BLAME, one) for one in lines(BLAMING)]
    + [(Concern.OVERCLAIM, one) for one in lines(OVERCLAIMING)]
    + [(Concern.ALARM, one) for one in lines(ALARMING)],
)
def test_a_sentence_that_hurts_or_promises_too_much_is_found(concern: Concern, sentence: str) -> None:
    found = findings(sentence, PEOPLE)
    assert concern in [one.concern for one in found]
    for one in found:
        assert sentence[one.start : one.end] == one.said
        assert one.why
        assert one.better


@pytest.mark.parametrize("sentence", lines(FINE))
def test_calm_words_are_left_alone(sentence: str) -> None:
    assert findings(sentence, PEOPLE) == ()
    assert improved(sentence, PEOPLE) == sentence


@pytest.mark.parametrize(
    ("said", "better"),
    [
        ("The outage was caused by human error.", "The outage was caused by an unguarded manual step."),
        ("It was a human error.", "It was an unguarded manual step."),
        ("The root cause is definitely the cache.", "The root cause is most likely the cache."),
        ("Definitely the cache.", "Most likely the cache."),
        ("We know for sure that it holds.", "We believe that it holds."),
        ("We are 100 % sure.", "We are confident."),
        ("We are absolutely certain.", "We are confident."),
        ("It is 100% fixed.", "It is fixed as far as we measure."),
        ("This won’t happen again.", "This should now be less likely to happen again."),
        ("We guarantee that it holds.", "We expect that it holds."),
        ("It is guaranteed to work.", "It is expected to work."),
        ("There was no impact whatsoever.", "There was no known impact so far."),
        ("It has absolutely no effect on checkout.", "It has no known effect on checkout."),
        ("There is no risk.", "There is no known risk."),
        ("It is fixed for good.", "It is fixed as far as we measure."),
        ("The model is perfectly stable now.", "The model is stable as far as we measure now."),
        ("The drop is clearly due to drift.", "The drop is most likely due to drift."),
        ("That is the only possible cause.", "That is the most likely cause."),
        ("A catastrophic failure.", "A serious failure."),
        (
            "The error rate has skyrocketed, precision plummeted.",
            "The error rate has risen sharply, precision fell sharply.",
        ),
        ("Latency exploded!!!", "Latency rose sharply."),
        ("An enormous drop and a massive outage", "A large drop and a large outage"),
        ("It was **definitely** fixed for good.", "It was **most likely** fixed as far as we measure."),
        ("You broke it, definitely.", "You broke it, most likely."),
    ],
)
def test_what_can_be_said_better_safely_is(said: str, better: str) -> None:
    assert improved(said) == better


def test_what_only_the_writer_can_say_better_stays() -> None:
    said = "Bob forgot to run the migration. Production is on fire."
    assert improved(said) == said
    assert [one.swap for one in findings(said)] == [None, None]


def test_names_count_only_where_they_are_known_and_as_they_are_written() -> None:
    assert findings("Mark broke the build.") == ()
    assert [one.said for one in findings("Mark broke the build.", ["Mark"])] == ["Mark broke"]
    assert findings("A mark broke the parser.", ["Mark"]) == ()
    assert findings("a.Mark broke, a Mark (x) is fine", ["", " ", "M(ark"]) == ()


def test_a_sentence_over_two_lines_is_one_sentence() -> None:
    assert [one.said for one in findings("It was caused by human\nerror.")] == ["by human\nerror"]


def test_findings_come_in_order_and_never_overlap(rng: random.Random) -> None:
    everything = lines(BLAMING) + lines(OVERCLAIMING) + lines(ALARMING) + lines(FINE)
    for _ in range(50):
        text = " ".join(rng.sample(everything, 12))
        found = findings(text, PEOPLE)
        assert all(one.end <= other.start for one, other in itertools.pairwise(found))
        once = improved(text, PEOPLE)
        assert improved(once, PEOPLE) == once


@given(st.text(max_size=200))
@settings(deadline=None)
def test_no_text_breaks_it(text: str) -> None:
    for one in findings(text, PEOPLE):
        assert text[one.start : one.end] == one.said
    improved(text, PEOPLE)


@pytest.mark.parametrize(
    "piece", ["the ", "the a-b c ", "Aa Aa ", "not a ", "`", "you just simply ", "!", "> ", "<@", "who was "]
)
def test_a_long_text_takes_no_long_time(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    started = time.process_time()
    findings(text, PEOPLE)
    assert time.process_time() - started < 1


def test_every_notice_that_ships_passes(checkout: Path) -> None:
    files = sorted((checkout / "tests" / "golden" / "notices").glob("*.txt"))
    assert len(files) > 20
    told = []
    for file in files:
        for letter in re.split(r"^===== .* =====$", file.read_text("utf-8"), flags=re.M):
            told += [f"{file.name}: {one.said!r}: {one.better}" for one in findings(letter, PEOPLE)]
    assert told == []


def test_no_page_of_the_documentation_is_nagged(checkout: Path) -> None:
    pages = [page for page in (*checkout.glob("*.md"), *checkout.glob("docs/**/*.md")) if page.name != "wording.md"]
    assert len(pages) > 20
    told = []
    for page in pages:
        told += [f"{page.relative_to(checkout)}: {one.said!r}" for one in findings(page.read_text("utf-8"), PEOPLE)]
    assert told == []


def test_sentences_that_no_rule_was_made_for_are_judged_nearly_as_well(checkout: Path) -> None:
    """Written after the rules, which were not changed for them: 37 of 40 found, 0 of 40 found wrongly."""
    folder = checkout / "tests" / "data" / "wording"
    flagged, fine = (lines((folder / f"unseen_{kind}.txt").read_text("utf-8")) for kind in ("flagged", "fine"))
    assert (len(flagged), len(fine)) == (40, 40)
    missed = [one for one in flagged if not findings(one, ["Lena"])]
    assert len(missed) <= 3, missed
    assert [one for one in fine if findings(one, ["Lena"])] == []
