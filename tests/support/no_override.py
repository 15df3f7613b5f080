"""Random calls by an admin who wants a candidate promoted, and what must hold whatever was tried."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.domain.errors import AndonError
from bot.domain.events import Command, Word
from bot.domain.playbooks import PlaybookKind
from bot.domain.releases import ReleaseStatus
from bot.flow.evidence_desk import Pushed
from bot.ports import Transaction
from support.engine import ACTORS, Engine
from support.override_rules import Rules

F1 = {"use": "metric", "metric": "f1", "at_least": 0.9}
READY = {"use": "checklist", "items": [{"name": "runbook", "role": "champion"}]}
STAGES = [
    {"name": "evaluation", "gates": [F1]},
    {"name": "production", "gates": [READY], "do": "shift_it"},
    {"name": "watch"},
]
LOOSE = [{"name": "evaluation"}, {"name": "production", "do": "shift_it"}]
EMERGENCY = {"gates": [F1], "do": "shift_it"}
ROLES = {"champion": ["nina"], "rollback_authority": ["olga", "otto"], "endorser": ["olga"]}
"""The admin holds none of them."""
ADMIN = ACTORS["ada"]


@dataclass
class Attempt:
    """One sequence of calls on one service of its own, and what the admin brought about on the way."""

    engine: Engine
    service: str
    dice: random.Random
    friends: bool = False
    """Others are at work too, who hold roles, and do what they may; the admin makes use of it."""
    after: int = 0
    """The row of the audit trail before its first call."""
    releases: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def play(self, length: int) -> None:
        """So many calls; what is refused is refused."""
        moves: list[Callable[[], object]] = [
            self.start, self.start_emergency, self.push_bad, self.push_good, self.push_other, self.push_nonsense,
            self.promote, self.promote, self.promote, self.sign, self.second, self.endorse, self.run_promotion,
            self.lift, self.halt, self.loosen, self.judge, self.work, self.work, self.abandon, self.name_versions,
            self.name_members, self.only_observe, self.roll_back, self.push_good, self.go, self.go,
        ]  # fmt: skip
        if self.friends:
            moves += [self.champion_signs, self.champion_takes_back, self.champion_signs, self.others_approve,
                      self.other_seconds, self.other_endorses, self.push_good, self.go, self.go, self.go]  # fmt: skip
        planned = [self.dice.choice(moves) for _ in range(length)]
        if self.friends:  # what a release that goes well is made of, in its order, with the rest anywhere between
            good = [self.start, self.push_good, self.go, self.champion_signs, self.go]
            for place, move in zip(sorted(self.dice.choices(range(length), k=len(good))), good, strict=True):
                planned.insert(place + good.index(move), move)
        for move in planned:
            self.calls.append(move.__name__)
            try:
                move()
            except AndonError as error:
                self.calls[-1] += f" ({type(error).__name__})"
        self.engine.work()

    def start(self) -> None:
        self._start()

    def start_emergency(self) -> None:
        self._start(kind="emergency")

    def _start(self, **more: Any) -> None:
        incumbent = self.dice.choice(["41", "evil", None])
        details = {"candidate": f"bad-{self.dice.randrange(9)}", **({"incumbent": incumbent} if incumbent else {})}
        receipt = self._order(Word.RELEASE_START, self.service, **details, **more)
        if not receipt.refused:
            self.releases.append(receipt.records[0])

    def push_bad(self) -> None:
        self._push({"metrics": {"f1": 0.5}})

    def push_good(self) -> None:
        self._push({"metrics": {"f1": 0.95}})

    def push_other(self) -> None:
        self._push({"metrics": {"f1": 0.99}}, version="another")

    def push_nonsense(self) -> None:
        self._push({"metrics": {"f1": "pass"}, "verdict": "pass", "override": True})

    def _push(self, document: dict[str, Any], **more: Any) -> None:
        pushed = Pushed(self._release(), "evaluation", "application/json", json.dumps(document).encode(), **more)
        self.engine.app.evidence.keep(pushed, ADMIN)

    def promote(self) -> None:
        self._order(Word.PROMOTE, self._release(), force=True, override="yes", stage="production")

    def sign(self) -> None:
        self._order(Word.SIGN, self._release(), item="runbook", role=self.dice.choice(["", "champion"]))

    def second(self) -> None:
        self._order(Word.SECOND, self._release())

    def endorse(self) -> None:
        self._order(Word.RELEASE_ENDORSE, self._release())

    def abandon(self) -> None:
        self._order(Word.ABANDON, self._release())

    def run_promotion(self) -> None:
        self._order(Word.ROLLBACK, self.service, playbook="shift_it", stage="production")

    def lift(self) -> None:
        self._order(Word.LIFT, self.service)

    def halt(self) -> None:
        self._order(Word.HALT, self.service)

    def loosen(self) -> None:
        """Edit the file; it holds for releases that start later, so it is put back for them."""
        protect(self.engine, self.service, stages=LOOSE)
        try:
            self._order(Word.PROMOTE, self._release())
            self.engine.work()
        finally:
            protect(self.engine, self.service)

    def name_versions(self) -> None:
        """Edit the file so that it names another pair; a policy with stages starts nothing by that."""
        protect(self.engine, self.service, release={"incumbent": "evil", "candidate": "worse"})
        self._order(Word.ROLLBACK, self.service)
        protect(self.engine, self.service)

    def name_members(self) -> None:
        """Edit the file so that the admin holds every role, sign, and put it back."""
        protect(self.engine, self.service, roles={name: ["ada"] for name in ROLES})
        try:
            self._order(Word.SIGN, self._release(), item="runbook", role="champion")
            self._order(Word.SECOND, self._release())
            self._order(Word.PROMOTE, self._release())
            self.engine.work()
        finally:
            protect(self.engine, self.service)

    def only_observe(self) -> None:
        """Edit the file so that nothing is touched, start or ask under it, and put it back."""
        protect(self.engine, self.service, mode="observe")
        try:
            if self.dice.random() < 0.5:
                self._start()
            self._order(Word.PROMOTE, self._release())
            self.engine.work()
        finally:
            protect(self.engine, self.service)

    def roll_back(self) -> None:
        self._order(Word.ROLLBACK, self.service)

    def go(self) -> None:
        """Ask, and let the workers work."""
        self._order(Word.PROMOTE, self._newest())
        self.engine.work()

    def champion_signs(self) -> None:
        self._by("nina", Word.SIGN, self._newest(), item="runbook")

    def champion_takes_back(self) -> None:
        self._by("nina", Word.UNSIGN, self._release(), item="runbook")

    def other_seconds(self) -> None:
        self._by("otto", Word.SECOND, self._newest())

    def other_endorses(self) -> None:
        self._by("olga", Word.RELEASE_ENDORSE, self._release())

    def others_approve(self) -> None:
        """Otto approves whatever asks him."""
        with self.engine.app.store.read() as tx:
            runs = [one for one in tx.runs(limit=100, service=self.service) if one.only_waits_for_approval]
        for run in runs:
            self._by("otto", Word.APPROVE, run.id, plan_hash=run.plan_hash)
        self.engine.work()

    def _newest(self) -> str:
        return self.releases[-1] if self.releases else "rel-none"

    def _by(self, name: str, word: Word, subject: str, **details: Any) -> None:
        self.engine.app.intake.order(Command(word, subject, ACTORS[name], reason="now!", details=details))

    def judge(self) -> None:
        self.engine.app.judge.judge(self._release(), by=ADMIN.name)

    def work(self) -> None:
        self.engine.work()

    def _release(self) -> str:
        return self.dice.choice(self.releases) if self.releases else "rel-none"

    def _order(self, word: Word, subject: str, **details: Any) -> Any:
        return self.engine.app.intake.order(Command(word, subject, ADMIN, reason="now!", details=details))

    def check(self) -> int:
        """How many stages were passed; AssertionError where one was that should not have been."""
        passed = Rules(self.engine, self.service, self.releases, self.after, self.calls).check()
        if not self.friends:
            with self.engine.app.store.read() as tx:
                self._check_alone(tx)
        return passed

    def _check_alone(self, tx: Transaction) -> None:
        """Without the others the admin passes no stage that needs them, and nothing that promotes ever runs."""
        for release_id in self.releases:
            release, walk = tx.release(release_id), tx.walk(release_id)
            assert release is not None
            assert walk is not None
            assert "production" not in walk.passed, f"nobody of the champions signed: {self.calls}"
            assert release.status not in (ReleaseStatus.LIVE, ReleaseStatus.WATCHED, ReleaseStatus.ENDORSED)
        promoted = [one for one in tx.runs(limit=100, service=self.service) if one.kind is PlaybookKind.PROMOTE]
        assert not promoted, f"a playbook that promotes ran: {self.calls}"
        assert {one.version for one in tx.known_versions(self.service)} <= {"41"}, self.calls


def protect(engine: Engine, service: str, **more: Any) -> None:
    """The policy of the service, which the admin may edit but not loosen for what was started."""
    settings = {"stages": STAGES, "emergency": EMERGENCY, "roles": ROLES, "baseline": "41", **more}
    engine.protect(service, **settings)


def passes_with_everybody(engine: Engine, service: str) -> bool:
    """The control: with good evidence and the signature of a champion the same stages are passed."""
    protect(engine, service)
    receipt = engine.app.intake.order(
        Command(Word.RELEASE_START, service, ADMIN, reason="now!", details={"candidate": "good"})
    )
    release = receipt.records[0]
    document = json.dumps({"metrics": {"f1": 0.95}}).encode()
    engine.app.evidence.keep(Pushed(release, "evaluation", "application/json", document), ADMIN)
    engine.work()
    engine.app.intake.order(Command(Word.PROMOTE, release, ADMIN))
    engine.work()
    engine.app.intake.order(Command(Word.SIGN, release, ACTORS["nina"], details={"item": "runbook"}))
    engine.work()
    engine.app.intake.order(Command(Word.PROMOTE, release, ADMIN))
    engine.work()
    with engine.app.store.read() as tx:
        found = tx.release(release)
    return found is not None and found.status is ReleaseStatus.LIVE
