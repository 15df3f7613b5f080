"""The words of `andon` for drills: starting, listing, skipping and moving them."""

from __future__ import annotations

from bot.cli.arguments import JSON, REASON, SERVICE, Word, arg, count, span

_DRILLS = "bot.cli.drills"
_DRILL = arg("drill", metavar="ID", help="id of the drill")

DRILL_WORDS: tuple[Word, ...] = (
    Word(
        "drill",
        "rehearse a way back now, away from production, and report the measured recovery",
        f"{_DRILLS}:drill",
        (
            SERVICE,
            arg("--environment", metavar="E", help="default: the drill's in the policy, else staging"),
            arg("--playbook", default="", metavar="P", help="default: the first drill's in the policy"),
            arg("--name", default="", metavar="NAME", help="the drill with this name in the policy"),
            arg("--surprise", action="store_true", help="let chance pick one of the policy's; on a game day only"),
            arg("--dry-run", action="store_true", help="print every call it would make; touch nothing"),
            arg(
                "--worker-within",
                type=span,
                default="15s",
                metavar="SPAN",
                help="give up waiting where no worker takes it within this (default: 15s)",
            ),
            arg("--no-wait", action="store_true", help="do not wait for its end"),
            REASON,
            JSON,
        ),
    ),
    Word(
        "drills list",
        "drills, newest first: planned, under way, over",
        f"{_DRILLS}:list_all",
        (
            arg("--service", metavar="S"),
            arg("--state", metavar="STATE", help="planned, passed, failed, aborted, missed, skipped, …"),
            arg("--limit", type=count, default=30, metavar="N"),
            JSON,
        ),
    ),
    Word("drills show", "one drill: every measured moment", f"{_DRILLS}:show_one", (_DRILL, JSON)),
    Word("drills run", "carry out a planned drill at once", f"{_DRILLS}:run", (_DRILL, REASON, JSON)),
    Word(
        "drills skip",
        "leave a planned drill out",
        f"{_DRILLS}:skip",
        (_DRILL, arg("--reason", required=True, metavar="TEXT"), JSON),
    ),
    Word(
        "drills move",
        "start a planned drill at another time, before the next one",
        f"{_DRILLS}:move",
        (
            _DRILL,
            arg("--to", required=True, metavar="TIME", help="`tomorrow 9:00`, `in 2 h`, or 2026-12-01T10:00:00Z"),
            arg("--zone", metavar="ZONE", help="of the words, such as Europe/Berlin (default: the engineers')"),
            REASON,
            JSON,
        ),
    ),
)
