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
)
