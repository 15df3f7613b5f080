"""One thread as it goes on: what was said last is what a "yes", a "no, Friday" or a "scratch that" is about."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain.due_dates import Due, find_dues
from bot.domain.heard import HeardItem, HeardKind, Utterance
from handlers.hearing import phrases
from handlers.hearing.directory import Directory
from handlers.hearing.explicit import made, read_explicit
from handlers.hearing.moments import Moment, choose_due, is_strong, without
from handlers.hearing.promises import NO_DUE, Promise, find_promise
from handlers.hearing.requests import LONGEST_WAIT, Request, accepts, declines, find_request
from handlers.hearing.resolutions import asks_openly, find_options, find_resolution
from handlers.hearing.sentences import asserted, own_words, split_clauses, split_sentences

REACH = 4
"""Utterances back that a correction, a cancellation or a takeover may be about."""
LONGEST_TAKEOVER = 14
"""Words."""
SHORTEST_REASON = 5
"""Words of a "no" that gives only another time."""
LONGEST_ANSWER = 8
"""Words of a "yes" that says nothing else."""
MOST_RECENT = 50
"""Items that are looked through for it."""


@dataclass(frozen=True)
class Heard:
    """An item, and the utterance and place in the thread that it stands at."""

    source: Utterance
    place: int
    item: HeardItem


class Listener:
    """Hears one thread, utterance by utterance."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._heard: list[Heard] = []
        self._requests: list[Request] = []
        self._place = 0
        self._cancelled_at = -1

    def listen(self, utterance: Utterance, moment: Moment) -> None:
        """Take in the next utterance."""
        self._place += 1
        text = asserted(utterance.text)
        if not text:
            return
        if self._is_about_before(text, utterance, moment):
            return
        for line in own_words(utterance.text).split("\n"):
            explicit = read_explicit(utterance, line, self._directory, moment)
            if explicit is None:
                self._hear_sentences(asserted(line), utterance, moment)
            else:
                self._add(utterance, *explicit)

    def finish(self) -> list[tuple[Utterance, HeardItem]]:
        """Everything heard; requests to somebody named that were never answered are offered."""
        for request in self._requests:
            self._offer(request)
        self._requests = []
        return [(one.source, one.item) for one in self._heard]

    def _offer(self, request: Request) -> None:
        """A request to somebody named that nobody answered."""
        if request.target is not None and request.asks_work:
            item = replace(self._requested(request, request.target), certain=False, why_uncertain="nobody answered")
            self._heard.append(Heard(request.said, request.place, item))

    # What is about something said before.

    def _is_about_before(self, text: str, utterance: Utterance, moment: Moment) -> bool:
        """Whether the whole utterance was an answer, a correction or a cancellation."""
        if phrases.CANCEL.search(text) and len(text.split()) <= 12:
            self._cancel(utterance)
            return True
        if self._correct(text, utterance, moment) or self._take_over(text, utterance, moment):
            return True
        return self._answer(text, utterance, moment)

    def _cancel(self, utterance: Utterance) -> None:
        recent = self._recent_actions()
        if not recent or self._cancelled_at >= self._place - 2:
            return
        own = [one for one in recent if self._concerns(one.item, utterance.speaker)]
        self._heard.remove((own or recent)[-1])
        self._cancelled_at = self._place

    def _correct(self, text: str, utterance: Utterance, moment: Moment) -> bool:
        found = phrases.CORRECT.match(text)
        if not found:
            return False
        dues = find_dues(found["rest"], moment.at, moment.zone)
        # "no, Friday" corrects; "no, I will do it on Friday" says something of its own.
        if not dues or len(found["rest"][: dues[0].start].split()) > 2:
            return False
        if not phrases.CORRECTED.match(found["rest"][dues[0].end :]):
            return False
        own = [one for one in self._recent_actions() if self._concerns(one.item, utterance.speaker) and one.item.due_at]
        if not own:
            return False
        self._replace(own[-1], _with_due(own[-1].item, dues[0]))
        return True

    def _take_over(self, text: str, utterance: Utterance, moment: Moment) -> bool:
        found = phrases.TAKE_OVER.search(text)
        # With an end of its own, "I'll do that tomorrow", it is a promise of its own.
        if not found or self._waiting(utterance) or choose_due(text[found.end() :], moment) is not None:
            return False
        recent = [one for one in self._recent_actions() if not self._concerns(one.item, utterance.speaker)]
        if not recent or len(text.split()) > LONGEST_TAKEOVER:
            return False
        self._replace(recent[-1], replace(recent[-1].item, owner=utterance.speaker))
        return True

    def _answer(self, text: str, utterance: Utterance, moment: Moment) -> bool:
        request = self._waiting(utterance)
        if request is None:
            return False
        if accepts(text):
            self._requests.remove(request)
            first, *more = split_sentences(text)
            answered = choose_due(first, moment) or self._later_due(more[0] if more else "", moment)
            is_short = len(text.split()) <= LONGEST_ANSWER
            if answered is not None and not (is_short or is_strong(answered)):
                answered = None  # "yes, I saw that on Monday" says nothing about an end
            due = answered or request.due
            if due is None and not request.asks_work:
                return False
            item = self._requested(request, request.target or utterance.speaker)
            if due is None:
                item = replace(item, certain=False, why_uncertain=NO_DUE)
            self._heard.append(Heard(request.said, request.place, _with_due(item, due) if due else item))
            return is_short or (answered is not None and not more)
        if declines(text):
            self._requests.remove(request)
            return self._counter(request, text, utterance, moment)
        return False

    def _counter(self, request: Request, text: str, utterance: Utterance, moment: Moment) -> bool:
        """ "No, 5pm": neither a yes nor a no."""
        due = choose_due(text, moment)
        if due is None or len(text.split()) > SHORTEST_REASON or phrases.BUT.search(text):
            return False
        item = _with_due(self._requested(request, request.target or utterance.speaker), due)
        item = replace(item, certain=False, why_uncertain="another due date was answered")
        self._heard.append(Heard(request.said, request.place, item))
        return True

    def _waiting(self, utterance: Utterance) -> Request | None:
        for request in [one for one in self._requests if self._place - one.place > LONGEST_WAIT]:
            self._requests.remove(request)
            self._offer(request)
        waiting = [one for one in self._requests if one.waits_for(utterance.speaker, self._place, self._directory)]
        return waiting[-1] if waiting else None

    # What an utterance states by itself.

    def _hear_sentences(self, text: str, utterance: Utterance, moment: Moment) -> None:
        for sentence in split_sentences(text):
            if self._attach_due(sentence, utterance, moment) or self._attach_options(sentence):
                continue
            request = find_request(sentence, utterance, self._place, self._directory, moment)
            if request is not None and utterance.speaker is not None:
                self._requests.append(request)
                continue
            self._hear_clauses(sentence, utterance, moment)

    def _hear_clauses(self, sentence: str, utterance: Utterance, moment: Moment) -> None:
        if asks_openly(sentence):
            item = made(utterance, HeardKind.QUESTION, sentence)
            self._add(utterance, replace(item, certain=False, why_uncertain="it was asked in passing"))
            return
        if phrases.CONDITION.match(sentence.lstrip(" ,.-")):
            return
        for clause in split_clauses(sentence):
            resolution = find_resolution(clause)
            if resolution is not None:
                item = made(utterance, HeardKind.DECISION, resolution.text)
                self._add(
                    utterance,
                    replace(
                        item,
                        options=resolution.options,
                        choice=resolution.choice,
                        reason=resolution.reason,
                        certain=not resolution.why_uncertain,
                        why_uncertain=resolution.why_uncertain,
                    ),
                )
                continue
            promise = find_promise(clause, self._directory, moment)
            if promise is not None:
                self._add(utterance, _promised(promise, utterance))

    def _attach_due(self, sentence: str, utterance: Utterance, moment: Moment) -> bool:
        """ "I'll take it. You'll have it by six." - the end of what was said in the same utterance without one."""
        due = self._later_due(sentence, moment)
        if due is None:
            return False
        if self._requests and self._requests[-1].said is utterance and self._requests[-1].due is None:
            self._requests[-1] = replace(self._requests[-1], due=due)
            return True
        last = self._heard[-1] if self._heard else None
        if last is None or last.source is not utterance or last.item.kind is not HeardKind.ACTION or last.item.due_at:
            return False
        self._replace(last, _with_due(last.item, due))
        return True

    def _later_due(self, sentence: str, moment: Moment) -> Due | None:
        return choose_due(sentence, moment) if phrases.LATER_DUE.match(sentence) else None

    def _attach_options(self, sentence: str) -> bool:
        options = find_options(sentence)
        decisions = [one for one in self._heard[-MOST_RECENT:] if one.item.kind is HeardKind.DECISION]
        if not options or not decisions or decisions[-1].item.options:
            return bool(options)
        self._replace(decisions[-1], replace(decisions[-1].item, options=options))
        return True

    # The list of what was heard.

    def _add(self, utterance: Utterance, *items: HeardItem) -> None:
        self._heard += [Heard(utterance, self._place, item) for item in items]

    def _replace(self, old: Heard, item: HeardItem) -> None:
        self._heard[self._heard.index(old)] = replace(old, item=item)

    def _recent_actions(self) -> list[Heard]:
        last = self._heard[-MOST_RECENT:]
        return [one for one in last if self._place - one.place <= REACH and one.item.kind is HeardKind.ACTION]

    def _concerns(self, item: HeardItem, speaker: str | None) -> bool:
        return self._directory.is_same(item.owner, speaker) or self._directory.is_same(item.speaker, speaker)

    def _requested(self, request: Request, owner: str | None) -> HeardItem:
        item = replace(made(request.said, HeardKind.ACTION, request.text), owner=owner)
        return _with_due(item, request.due) if request.due else item


def _promised(promise: Promise, utterance: Utterance) -> HeardItem:
    owner = utterance.speaker if promise.owner == "" else promise.owner
    why = promise.why_uncertain or ("" if owner else "nobody was named")
    item = replace(made(utterance, HeardKind.ACTION, promise.text), owner=owner, certain=not why, why_uncertain=why)
    return _with_due(item, promise.due) if promise.due else item


def _with_due(item: HeardItem, due: Due) -> HeardItem:
    """The item with that end; one that lacked nothing else is certain now."""
    lacked = item.why_uncertain == NO_DUE
    return replace(
        item,
        text=without(item.text, None),
        due_text=due.text,
        due_at=due.at,
        hour_assumed=due.hour_assumed,
        certain=item.certain or lacked,
        why_uncertain="" if lacked else item.why_uncertain,
    )
