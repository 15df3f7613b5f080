"""The words of `andon` for reports of controls, rights, and the runbook for the day when it is down."""

from __future__ import annotations

from bot.cli.arguments import JSON, SERVICE, Word, arg

OUTPUT = arg("--output", metavar="FILE", help="write it there instead")

ACCOUNT_WORDS: tuple[Word, ...] = (
    Word(
        "report controls",
        "who approved, ordered, changed and entered what, from one day to another, as Markdown or signed JSON",
        "bot.cli.account:controls",
        (
            arg("--from", required=True, dest="since", metavar="DATE", help="the first day, UTC, or an RFC 3339 time"),
            arg("--to", required=True, dest="until", metavar="DATE", help="the last day, included, or a time"),
            arg("--service", metavar="S", help="only this one (default: all)"),
            OUTPUT,
            arg("--json", action="store_true", help="the signed envelope instead of Markdown"),
        ),
    ),
    Word(
        "report verify",
        "whether a signed report is as it was signed; exit 1 where it is not",
        "bot.cli.account:verify",
        (
            arg("file", metavar="FILE"),
            arg("--key", metavar="FILE", help="the signer's public key, PEM (default: that of this data folder)"),
            arg("--json", action="store_true", help="print what it says"),
        ),
    ),
    Word(
        "rights",
        "who may halt, roll back, approve, endorse, lift and the like, asked of the rules that judge orders",
        "bot.cli.account:rights",
        (
            arg("service", nargs="?", metavar="SERVICE"),
            arg("--markdown", action="store_true", help="print Markdown"),
            JSON,
        ),
    ),
    Word(
        "runbook",
        "what to do by hand on the day when Andon or Slack is down, as Markdown",
        "bot.cli.account:runbook",
        (
            SERVICE,
            arg("--environment", metavar="E", help="only this one (default: all)"),
            arg("--html", action="store_true", help="as one HTML page"),
            OUTPUT,
        ),
    ),
)
