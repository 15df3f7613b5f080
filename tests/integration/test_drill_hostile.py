"""Whatever a policy says, and whatever becomes of its rows: no call of a drill reaches production."""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from support.drills import Rehearsals, rehearsals
from support.driven_engine import fresh_name
from support.hostile_drills import Attempt, Hosts, attempt, spellings
from support.scripted_server import Answer, scripted_server
from support.written_config import acting, playbook, policy, write_config

from bot.adapters.conditions import compile_condition
from bot.domain.configuration import Configuration
from bot.domain.drills import Drill, DrillState
from bot.domain.errors import ConfigError
from bot.domain.events import Word
from bot.domain.playbooks import Playbook, plan_hash
from bot.domain.policies import DrillRule, Policy
from bot.flow.planning import bound_facts

FEW, MANY = 40, 200
OURS = ("is a host of production too", "a drill never touches production", "which the target")
"""What loading says of a drill that could reach production, or of an address that its environment does not allow."""
SCRIPT = """#!{python}
import sys, urllib.request
call = urllib.request.Request(sys.argv[1] + "/effects/hostile", headers={{"User-Agent": "andon-script"}})
urllib.request.urlopen(call, timeout=3).read()
"""


@dataclass
class Range:
    """Two ledgers, a server that redirects to production, and the ways to go past what loading checks."""

    house: Rehearsals
    hosts: Hosts
    calm: Configuration
    """Without any of the policies of this test."""

    def let_in(self, made: Attempt, tree: dict[str, object]) -> None:
        """Bring a policy into force that was checked by nobody."""
        holder = self.house.engine.app.configuration
        parsed = [
            Policy.model_validate(one, context={"compile": compile_condition}) for one in (tree, made.others) if one
        ]
        book = Playbook.model_validate(made.playbook)
        holder.current = replace(
            self.calm,
            policies={**self.calm.policies, **{one.service: one for one in parsed}},
            playbooks={**self.calm.playbooks, book.name: book},
        )

    def is_refused(self, made: Attempt) -> bool:
        """Whether loading says no to it as it was written first."""
        written = [one for one in (made.policy, made.others) if one]
        config = self.house.engine.config
        write_config(config, written, [made.playbook])
        try:
            self.house.engine.app.configuration.reload()
        except ConfigError as error:
            return any(part in str(fault) for fault in error.faults for part in OURS)
        finally:
            # The next one, and the control, are loaded without it: some of these playbooks are no playbook at all.
            for one in written:
                (config / "policies" / f"{one['service']}.yaml").unlink()
            (config / "playbooks" / f"{made.playbook['playbook']}.yaml").unlink()
        return False

    def plan(self, made: Attempt) -> Drill:
        """Its row, as a clock would have it."""
        rule = DrillRule.model_validate(made.policy["drills"][0])
        return self.house.plan(made.service, rule=rule)

    def production(self) -> int:
        """How many calls and reads have come to production."""
        return len(self.house.production.calls()) + len(self.house.production.reads())

    def edit(self, made: Attempt, drill: Drill) -> None:
        """Change what is stored of a drill that goes on, as somebody may who can write the database."""
        with self.house.engine.app.store.engine.begin() as rows:
            if made.trick == "moved":
                rows.execute(text("UPDATE runs SET environment = 'production' WHERE drill"))
                rows.execute(text("UPDATE drills SET environment = 'production' WHERE id = :id"), {"id": drill.id})
                return
            triggers = rows.execute(
                text("SELECT name FROM sqlite_master WHERE type='trigger' AND tbl_name='run_plans'")
            )
            for (name,) in triggers.all():
                rows.execute(text(f'DROP TRIGGER "{name}"'))
            for run_id in (drill.inject_run_id, drill.run_id, drill.cleanup_run_id):
                if run_id:
                    self._edit_run(made, rows, run_id)

    def _edit_run(self, made: Attempt, rows: object, run_id: str) -> None:
        values = {"id": run_id}
        found = rows.execute(text("SELECT playbook, facts FROM run_plans WHERE run_id = :id"), values).one()  # type: ignore[attr-defined]
        there = f"127.0.0.1:{self.hosts.production}"
        book, facts = (json.loads(one.replace(self.hosts.staging, there)) for one in found)
        facts["target"]["allow_hosts"] = [there, made.spelling, self.hosts.staging]
        facts.pop("production_hosts", None)
        new = {"id": run_id, "book": json.dumps(book), "facts": json.dumps(facts)}
        rows.execute(text("UPDATE run_plans SET playbook = :book, facts = :facts WHERE run_id = :id"), new)  # type: ignore[attr-defined]
        if made.trick == "plan forged":
            digest = plan_hash(Playbook.model_validate(book), bound_facts(facts))
            rows.execute(text("UPDATE runs SET plan_hash = :hash WHERE id = :id"), {"id": run_id, "hash": digest})  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    folder = tmp_path_factory.mktemp("hostile")
    scripts = folder / "config" / "scripts"
    scripts.mkdir(parents=True)
    (scripts / "call").write_text(SCRIPT.format(python=sys.executable), "utf-8")
    (scripts / "call").chmod(0o755)
    with rehearsals(folder) as house, scripted_server() as redirect:
        port = urlsplit(house.production.url).port
        assert port is not None
        redirect.will(Answer(307, "", {"Location": f"{house.production.url}/effects/hostile"}))
        hosts = Hosts(port, house.staging.host, redirect.url.removeprefix("http://"))
        house.staging.control(models={f"hostile-{n}": {"serving": "41", "versions": ["41", "42"]} for n in range(MANY)})
        yield Range(house, hosts, house.engine.app.configuration.current)


@pytest.mark.parametrize(
    "count", [pytest.param(FEW, id="a few"), pytest.param(MANY, id="all of them", marks=pytest.mark.e2e)]
)
def test_no_drill_calls_production(field: Range, seed: int, count: int) -> None:
    before, ended, refused = field.production(), Counter[str](), 0
    for number in range(count):
        made = attempt(random.Random(f"{seed}:{number}"), number, field.hosts)
        refused += field.is_refused(made)
        field.let_in(made, made.policy)
        drill = field.plan(made)
        field.house.engine.app.drilling.advance(drill.id)
        field.let_in(made, made.later)
        if made.trick in ("plan edited", "plan forged", "moved"):
            field.edit(made, field.house.found(drill.id))
        drill = field.house.carry_out(drill)
        ended[str(drill.state)] += 1
        assert field.production() == before, str(made)
    print(f"{count} hostile policies: {refused} refused when they were loaded; ended {dict(ended)}")
    assert refused > count / 4
    assert ended[DrillState.ABORTED] + ended[DrillState.FAILED] > count / 4, "some were carried out past the checks"
    assert all(call["drill"] for call in field.house.staging.calls() if call["what"].startswith("model:hostile"))


def test_the_same_addresses_lead_to_production_where_nothing_keeps_a_run_from_it(field: Range) -> None:
    """The control: an ordinary run of the same kind reaches production by every one of these spellings."""
    house = field.house
    for spelling in spellings(field.hosts.production):
        service = fresh_name("control")
        call = {"method": "POST", "url": f"http://{spelling}/effects/{service}"}
        book = playbook(f"direct-{service}", acting("repeat", **{"with": call}))
        made = policy(service, house.production.url, playbook=book["playbook"])
        made["targets"] = {"staging": {"allow_hosts": [spelling]}}
        write_config(house.engine.config, [made], [book])
        house.engine.app.configuration.reload()
        receipt = house.engine.order(Word.ROLLBACK, service, environment="staging")
        house.engine.order(Word.APPROVE, receipt.runs[0], by="otto")
        house.engine.drive(receipt.runs[0])
        assert [one["what"] for one in house.production.calls(service)] == [service], spelling
