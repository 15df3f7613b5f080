"""Policies, and edits of what is stored, that try to lead a drill to production; each knows how it tries."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from support.drills import MODEL, served
from support.written_config import Tree, playbook, policy

PLACES = (*["staging"] * 16, "production", "Production", "PROD", "prod", "live", "eu-west")
TRICKS = ("none", "none", "other service", "policy changed", "policy changed", "plan edited", "plan forged", "moved")
"""How it gets past what is checked when a policy is loaded."""
FORMS = ("absolute", "target", "release", "label", "redirect", "script", "output")
"""How the address of production comes into a call."""
WHERE = ("inject", "undo", "restore", "prove", "check")


def spellings(port: int) -> list[str]:
    """One host, in every way in which it can be written and still be reached."""
    hosts = (
        "127.0.0.1", "localhost", "LOCALHOST", "LocalHost.", "127.1", "0.0.0.0", "0x7f000001", "2130706433",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    )  # fmt: skip
    return [f"{host}:{port}" for host in hosts]


@dataclass(frozen=True)
class Attempt:
    """One policy with its playbook, and what is done besides while its drill goes on."""

    service: str
    environment: str
    spelling: str
    form: str
    where: str
    trick: str
    policy: Tree
    playbook: Tree
    later: Tree
    """The policy as it is once the drill has begun."""
    others: Tree | None = None

    def __str__(self) -> str:
        return f"{self.service}: {self.form} in {self.where}, {self.spelling} in {self.environment}, {self.trick}"


@dataclass(frozen=True)
class Hosts:
    """Where things are: `host:port` each."""

    production: int
    staging: str
    redirect: str


def attempt(rng: random.Random, number: int, hosts: Hosts) -> Attempt:
    """One of very many."""
    service, environment = f"hostile-{number}", rng.choice(PLACES)
    spelling, form = rng.choice(spellings(hosts.production)), rng.choice(FORMS)
    where, trick = rng.choice(WHERE), rng.choice(TRICKS)
    release = spelling if form == "release" else "41"
    calls = _calls(form, spelling, hosts)
    book = playbook(f"way-{number}", *_steps(where, calls))
    labels = {"alertname": "Divergence", "place": spelling, "environment": "production", "service": "another"}
    entry = {
        "playbook": book["playbook"],
        "environment": environment,
        "objective": "30s",
        "alert": labels if form == "label" or rng.random() < 0.7 else {},
        "inject": [_inject(where, calls)],
    }
    made = policy(
        service,
        "http://unused.example",
        playbook=book["playbook"],
        release={"incumbent": release, "candidate": "42"},
        drills=[entry],
        **_stages(environment),
    )
    innocent = "production.example:443" if trick in ("other service", "policy changed") else None
    targets = _targets(rng, environment, spelling, hosts, innocent)
    later = {**made, "targets": _targets(rng, environment, spelling, hosts, None)}
    others = None
    if trick == "other service":
        others = policy(f"owner-{number}", "http://unused.example")
        others["targets"] = {"production": {"allow_hosts": [f"127.0.0.1:{hosts.production}"]}}
    return Attempt(
        service, environment, spelling, form, where, trick, {**made, "targets": targets}, book,
        later if trick == "policy changed" else {**made, "targets": targets}, others,
    )  # fmt: skip


def _targets(rng: random.Random, environment: str, spelling: str, hosts: Hosts, innocent: str | None) -> Tree:
    own = rng.choice([f"127.0.0.1:{hosts.production}", spelling])
    own = innocent or own
    production = {"allow_hosts": [own], "ledger": f"http://{own}", "elsewhere": f"http://{own}"}
    place = {
        "allow_hosts": [hosts.staging, hosts.redirect, spelling],
        "ledger": f"http://{hosts.staging}",
        "elsewhere": f"http://{spelling}",
    }
    return {"production": production, environment: place}


def _stages(environment: str) -> dict[str, Any]:
    """Where `eu-west` is what releases go live in."""
    if environment != "eu-west":
        return {}
    return {"stages": [{"name": "canary"}, {"name": "production", "environment": "eu-west", "gates": []}]}


def _calls(form: str, spelling: str, hosts: Hosts) -> dict[str, Tree]:
    base = {
        "absolute": f"http://{spelling}",
        "target": "{{ target.elsewhere }}",
        "release": "http://{{ release.incumbent }}",
        "label": "http://{{ alert.labels.place }}",
        "redirect": f"http://{hosts.redirect}/to",
        "script": f"http://{spelling}",
        "output": "http://{{ steps.look.output.body.place }}",
    }[form]
    act = {"use": "http_request", "with": {"method": "POST", "url": f"{base}/effects/hostile", "json": {"x": 1}}}
    if form == "script":
        act = {"use": "run_script", "with": {"script": "call", "args": [base]}}
    return {
        "act": act,
        "read": {"use": "http_request", "with": {"url": f"{base}/effects/hostile"}},
        "base": {"url": base},
    }


def _steps(where: str, calls: dict[str, Tree]) -> list[Tree]:
    look = {"id": "look", "use": "http_request", "with": {"url": f"{MODEL}"}, "tries": 1}
    restore = {"use": "http_request", "with": {"method": "POST", "url": f"{MODEL}/rollback", "json": {"to": "41"}}}
    restore = calls["act"] if where == "restore" else restore
    step: Tree = {"id": "restore", **restore, "timeout": "4s", "if_interrupted": "repeat", "tries": 1}
    if where == "check":
        step |= {"if_interrupted": "check", "check": calls["read"]}
    prove = {"url": f"{calls['base']['url']}/models/x"} if where == "prove" else served("41")
    return [
        look,
        step,
        {"id": "prove", "use": "wait_for_http", "with": {**prove, "timeout": "600ms", "every": "200ms"}},
    ]


def _inject(where: str, calls: dict[str, Tree]) -> Tree:
    bad = {"use": "http_request", "with": {"method": "POST", "url": f"{MODEL}/rollback", "json": {"to": "42"}}}
    good = {"use": "http_request", "with": {"method": "POST", "url": f"{MODEL}/rollback", "json": {"to": "41"}}}
    step = calls["act"] if where == "inject" else bad
    undo = calls["act"] if where == "undo" else good
    return {"id": "break", **step, "undo": undo, "timeout": "4s", "if_interrupted": "repeat", "tries": 1}
