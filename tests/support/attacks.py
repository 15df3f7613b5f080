"""Releases under attack: services to release, a gate that does what a test wants, and looks at what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, cast

from bot.domain.conditions import Compile
from bot.domain.events import Receipt, Word
from bot.domain.gates import Judgement
from bot.domain.playbooks import PlaybookKind
from bot.domain.releases import Release
from bot.domain.runs import Run
from bot.domain.walks import Walk
from bot.flow.evidence_desk import Pushed
from bot.gate_plugins import GateContext, GateParams, Measured
from support.driven_engine import DrivenEngine, fresh_name
from support.engine import ACTORS
from support.written_config import acting, playbook

SHIFT = playbook("shift_it", acting("repeat"), kind="promote")
OTHER = playbook("other_shift", acting("repeat"), kind="other")
F1 = {"use": "metric", "metric": "f1", "at_least": 0.9}
STAGES = [
    {"name": "evaluation", "gates": [F1]},
    {"name": "production", "gates": [F1], "do": "shift_it"},
    {"name": "watch"},
]
ROLES = {"champion": ["olga"], "rollback_authority": ["olga", "otto"], "endorser": ["otto", "nina"]}
GOOD = {"metrics": {"f1": 0.95}}
BAD = {"metrics": {"f1": 0.71}}


class ProbeParams(GateParams):
    """None."""


@dataclass
class Probe:
    """A gate of somebody else's package. `meddle` is called while it collects, `answer` makes what it concludes."""

    meddle: Callable[[GateContext], object] = lambda _ctx: None
    answer: Callable[[Measured], Any] = lambda _measured: Judgement.passed("it is well")
    looked: list[GateContext] = field(default_factory=list)
    name: ClassVar[str] = "probe"
    summary: ClassVar[str] = "Does what a test wants"
    Params: ClassVar[type[GateParams]] = ProbeParams

    def title(self, params: Any) -> str:
        """`probe`."""
        return "probe"

    def collect(self, params: Any, ctx: GateContext) -> Measured:
        """Meddle."""
        self.looked.append(ctx)
        self.meddle(ctx)
        return Measured({"looked": len(self.looked)})

    def judge(self, params: Any, measured: Measured, compile: Compile) -> Any:  # noqa: A002
        """Whatever the test says."""
        return self.answer(measured)


@dataclass
class Attacked:
    """One service of an engine, and orders about its releases."""

    engine: DrivenEngine
    service: str

    def start(self, candidate: str = "42", **more: Any) -> str:
        """A release, judged once."""
        receipt = self.engine.order(Word.RELEASE_START, self.service, candidate=candidate, **more)
        assert not receipt.refused, receipt.message
        self.engine.work()
        return receipt.records[0]

    def push(self, document: dict[str, Any], *, work: bool = True) -> None:
        """Evidence about the newest release."""
        content = json.dumps(document).encode()
        self.engine.app.evidence.keep(Pushed(self.service, "evaluation", "application/json", content), ACTORS["olga"])
        if work:
            self.engine.work()

    def promote(self, release: str, *, work: bool = True, by: str = "olga") -> Receipt:
        """Ask to go on."""
        receipt = self.engine.order(Word.PROMOTE, release, by=by)
        if work:
            self.engine.work()
        return receipt

    def in_production(self) -> str:
        """A release in its stage `production`, with good evidence."""
        release = self.start()
        self.push(GOOD)
        self.promote(release)
        assert self.seen(release)[0].stage == "production"
        return release

    def seen(self, release: str) -> tuple[Release, Walk]:
        """The release and its way as they are stored."""
        with self.engine.app.store.read() as tx:
            found, walk = tx.release(release), tx.walk(release)
        assert found is not None
        assert walk is not None
        return found, walk

    def promotions(self) -> list[Run]:
        """Runs of stages' playbooks, oldest first."""
        return [one for one in self.engine.runs(self.service) if one.kind is PlaybookKind.PROMOTE]

    def halts(self) -> int:
        """How many halts were carried out, as the audit trail has them."""
        halts = [data for action, subject, data in self.engine.audit() if (action, subject) == self._halted]
        return len([one for one in halts if one["verdict"] == "order"])

    @property
    def _halted(self) -> tuple[str, str]:
        return "order.halt", f"order:{self.service}"

    def sql(self, statement: str, **values: Any) -> None:
        """Somebody edits the database."""
        from sqlalchemy import text

        with self.engine.app.store.engine.begin() as connection:
            assert connection.execute(text(statement), values).rowcount


def attacked(engine: DrivenEngine, **more: Any) -> Attacked:
    """A service with three stages, of which no version was released yet."""
    service = fresh_name("attack")
    settings: dict[str, Any] = {"stages": STAGES, "roles": ROLES, "release": None, "baseline": "41", **more}
    engine.protect(service, **{name: one for name, one in settings.items() if one is not None})
    return Attacked(engine, service)


def installed(engine: DrivenEngine, probe: Probe) -> Probe:
    """The gate `probe` is this one from now on, as if its package had been installed."""
    cast("dict[str, Any]", engine.app.gates)["probe"] = probe
    return probe
