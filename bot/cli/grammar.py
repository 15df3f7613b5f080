"""Every word of `andon` with its arguments and where it is carried out; people's words are in `people_grammar`."""

from __future__ import annotations

from bot.cli.account_grammar import ACCOUNT_WORDS
from bot.cli.arguments import (
    ENVIRONMENT,
    HEADER,
    JSON,
    PLAN,
    REASON,
    RECORDED,
    RUN,
    SERVICE,
    SOURCE,
    YES,
    Word,
    arg,
    count,
    port,
)  # fmt: skip
from bot.cli.audit_grammar import AUDIT_WORDS
from bot.cli.bundle_grammar import BUNDLE_WORDS
from bot.cli.canary_grammar import CANARY_WORDS
from bot.cli.discipline_grammar import DISCIPLINE_WORDS
from bot.cli.drill_grammar import DRILL_WORDS
from bot.cli.keeping_grammar import KEEPING_WORDS
from bot.cli.live_grammar import LIVE_WORDS
from bot.cli.measures_grammar import MEASURES_WORDS
from bot.cli.people_grammar import PEOPLE_WORDS
from bot.cli.policy_grammar import POLICY_WORDS
from bot.cli.postmortem_grammar import POSTMORTEM_WORDS
from bot.cli.release_grammar import RELEASE_WORDS

ACTING = "bot.cli.acting"
SHOWING = "bot.cli.showing"
CHECKING = "bot.cli.checking"
SERVING = "bot.cli.serving"

WORDS: tuple[Word, ...] = (
    Word(
        "init",
        "write a commented policy, playbook and secrets example that pass the check",
        f"{CHECKING}:init",
        (arg("dir", nargs="?", default="config", metavar="DIR"),),
    ),
    Word(
        "up",
        "run web, workers and clock here, in the foreground",
        f"{SERVING}:up",
        (arg("--port", type=port, metavar="N", help="default: ANDON_PORT or 8080; 0 picks a free one"),),
    ),
    Word(
        "web",
        "run one web process",
        f"{SERVING}:web",
        (arg("--port", type=port, metavar="N", help="default: ANDON_PORT or 8080"),),
    ),
    Word(
        "worker",
        "run one worker for one queue",
        f"{SERVING}:worker",
        (
            arg(
                "--queue",
                choices=("rollbacks", "notices", "other"),
                default="rollbacks",
                help="the one queue that it serves (default: rollbacks)",
            ),
        ),
    ),
    Word("clock", "run one clock: waits, sweeps, deadlines, the seal of the audit trail", f"{SERVING}:clock"),
    Word("chat", "listen to Slack by Socket Mode, without an address that Slack can reach", f"{SERVING}:chat"),
    Word(
        "demo",
        "show a rollback of a real model server, from alert to proof",
        "bot.cli.demonstrating:demo",
        (
            arg("--keep", action="store_true", help="leave everything up until Ctrl-C"),
            arg("--kill-worker", action="store_true", help="kill the worker half-way and see another go on"),
            arg("--canary", action="store_true", help="instead: a candidate that diverges from its incumbent"),
            arg("--port", type=port, metavar="N", default=0, help="of the page; default: a free one"),
        ),
    ),
    Word(
        "check",
        "validate policies, playbooks and templates",
        f"{CHECKING}:check",
        (
            arg("dir", nargs="?", metavar="DIR", help="default: ANDON_CONFIG or ./config"),
            arg("--config", metavar="DIR", help="the same"),
            arg("--strict", action="store_true", help="also refuse what nobody but its author has read"),
            JSON,
        ),
    ),
    Word(
        "decide",
        "what would be decided for a recorded request; touches nothing",
        f"{CHECKING}:decide",
        (
            SOURCE,
            HEADER,
            RECORDED,
            JSON,
        ),
    ),
    Word(
        "parse",
        "the normalised events of a recorded request, as JSON",
        f"{CHECKING}:parse",
        (
            SOURCE,
            HEADER,
            RECORDED,
            JSON,
        ),
    ),
    Word(
        "event list",
        "events, newest first",
        f"{SHOWING}:event_list",
        (
            arg("--dead", action="store_true", help="only those that were not understood"),
            arg("--limit", type=count, default=50, metavar="N"),
            JSON,
        ),
    ),
    Word(
        "event replay",
        "take a dead letter once more, after a fix",
        f"{ACTING}:replay",
        (arg("event", metavar="ID"), JSON),
    ),
    Word(
        "halt",
        "stop every promotion of a service at once (`all` for every service)",
        f"{ACTING}:halt",
        (SERVICE, arg("--reason", required=True, metavar="TEXT"), ENVIRONMENT, YES, JSON),
    ),
    Word("lift", "end a halt", f"{ACTING}:lift", (SERVICE, REASON, JSON)),
    Word(
        "hands-off",
        "pause automation for one service for a while (0s: on again)",
        f"{ACTING}:hands_off",
        (SERVICE, arg("span", metavar="2h"), REASON, JSON),
    ),
    Word(
        "automation",
        "automatic rollbacks everywhere: off or on",
        f"{ACTING}:automation",
        (arg("switch", choices=("off", "on")), REASON, JSON),
    ),
    Word(
        "run",
        "start a run of a playbook, or show what it would do",
        f"{ACTING}:run",
        (
            arg("playbook", metavar="PLAYBOOK"),
            arg("--service", required=True, metavar="S"),
            ENVIRONMENT,
            REASON,
            arg("--dry-run", action="store_true", help="print every call it would make; touch nothing"),
            JSON,
        ),
    ),
    Word("approve", "say yes to what a run waits for", f"{ACTING}:approve", (RUN, PLAN, JSON)),
    Word("reject", "say no to what a run waits for", f"{ACTING}:reject", (RUN, PLAN, JSON)),
    Word("cancel", "end a run before its next step", f"{ACTING}:cancel", (RUN, REASON, JSON)),
    Word("retry", "perform the step that stopped once more", f"{ACTING}:retry", (RUN, JSON)),
    Word("done", "say that the step that stopped is done; its check must agree", f"{ACTING}:done", (RUN, JSON)),
    Word("undo", "take back the steps that acted and declare an undo", f"{ACTING}:undo", (RUN, YES, JSON)),
    Word("take-over", "Andon stops touching the run; you finish by hand", f"{ACTING}:take_over", (RUN, JSON)),
    Word(
        "service",
        "state of one service, or of all",
        f"{SHOWING}:service",
        (arg("service", nargs="?", metavar="SERVICE"), JSON),
    ),
    Word(
        "incident list",
        "incidents, newest first",
        f"{SHOWING}:incident_list",
        (arg("--service", metavar="S"), arg("--limit", type=count, default=30, metavar="N"), JSON),
    ),
    Word(
        "incident show",
        "one incident: state, timeline, runs, decisions, notices",
        f"{SHOWING}:incident_show",
        (arg("incident", metavar="ID"), arg("--notices", action="store_true", help="with the notices' words"), JSON),
    ),
    Word(
        "incident resolve",
        "close an incident",
        f"{ACTING}:resolve",
        (arg("incident", metavar="ID"), arg("--reason", required=True, metavar="TEXT"), JSON),
    ),
    Word(
        "incident endorse",
        "accept the restored state as stable",
        f"{ACTING}:endorse",
        (arg("incident", metavar="ID"), arg("--reason", required=True, metavar="TEXT"), JSON),
    ),
    *RELEASE_WORDS,
    *LIVE_WORDS,
    *PEOPLE_WORDS,
    *POLICY_WORDS,
    *CANARY_WORDS,
    *DRILL_WORDS,
    *DISCIPLINE_WORDS,
    *POSTMORTEM_WORDS,
    *MEASURES_WORDS,
    *BUNDLE_WORDS,
    *ACCOUNT_WORDS,
    *KEEPING_WORDS,
    *AUDIT_WORDS,
    Word(
        "doctor", "try every configured connection and say how to mend what is wrong", "bot.cli.doctor:doctor", (JSON,)
    ),
    Word("login", "print a one-time link to the pages", f"{ACTING}:login", (JSON,)),
    Word("db upgrade", "bring the database to this version's tables", f"{SERVING}:db_upgrade"),
)
