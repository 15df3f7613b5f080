"""The words of `andon` for how long records are kept, and for what is taken out of them."""

from __future__ import annotations

from bot.cli.arguments import JSON, YES, Word, arg

_REASON = arg("--reason", required=True, metavar="TEXT", help="why; kept with the record")

KEEPING_WORDS: tuple[Word, ...] = (
    Word(
        "erase",
        "take a person out of every record; the audit trail still verifies",
        "bot.cli.erasing:erase",
        (
            arg(
                "person", metavar="PERSON", help="a name of `persons` in a policy, a Slack id, a mail address, a token"
            ),
            arg("--also", action="append", default=[], metavar="TEXT", help="another spelling, such as the full name"),
            _REASON,
            arg("--dry-run", action="store_true", help="show what would be changed; change nothing"),
            YES,
            JSON,
        ),
    ),
    Word(
        "hold add",
        "keep everything of a service, an incident or a release, whatever its time",
        "bot.cli.keeping:hold_add",
        (
            arg("kind", choices=("service", "incident", "release"), metavar="KIND", help="service, incident, release"),
            arg("subject", metavar="NAME", help="its name or id"),
            _REASON,
            JSON,
        ),
    ),
    Word(
        "hold list",
        "legal holds",
        "bot.cli.keeping:hold_list",
        (arg("--all", action="store_true", help="those that were released too"), JSON),
    ),
    Word(
        "hold release",
        "end a hold: what is past its time may go",
        "bot.cli.keeping:hold_release",
        (arg("hold", metavar="ID"), _REASON, JSON),
    ),
    Word(
        "prune",
        "remove what is past its time and not held",
        "bot.cli.keeping:prune",
        (arg("--dry-run", action="store_true", help="show how much would go; remove nothing"), YES, JSON),
    ),
    Word(
        "export",
        "write every record as JSON Lines, with digests",
        "bot.cli.keeping:export",
        (arg("--output", required=True, metavar="DIR", help="a new folder, or an empty one"), JSON),
    ),
)
