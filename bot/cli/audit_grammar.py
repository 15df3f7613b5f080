"""The words of `andon` for the audit trail."""

from __future__ import annotations

from bot.cli.arguments import JSON, Word, arg, count
from bot.cli.bundle_grammar import BUNDLES

_AUDITING = "bot.cli.auditing"

AUDIT_WORDS: tuple[Word, ...] = (
    Word(
        "audit verify",
        "walk the audit trail; exit 1 naming the first bad row",
        f"{_AUDITING}:verify",
        (
            arg(
                "--head",
                action="append",
                default=[],
                metavar="POSITION:HASH",
                help="an anchor kept elsewhere, which must lie on the trail; again for more",
            ),
            arg(
                "--heads",
                action="append",
                default=[],
                metavar="FILE",
                help="a file of anchors, or messages pasted into one; again for more",
            ),
            JSON,
        ),
    ),
    Word("audit head", "the newest signed head of the audit trail", f"{_AUDITING}:head", (JSON,)),
    Word("audit key", "the same as `andon key show`", f"{BUNDLES}:key", (JSON,)),
    Word(
        "audit show",
        "entries of the audit trail, oldest first",
        f"{_AUDITING}:entries",
        (
            arg("--subject", metavar="K", help="of one subject, as KIND:ID or its id alone"),
            arg("--from", dest="since", metavar="TIME", help="not before this moment, such as 2026-01-31T00:00:00Z"),
            arg("--to", dest="until", metavar="TIME", help="before this moment"),
            arg("--limit", type=count, default=1000, metavar="N"),
            JSON,
        ),
    ),
)
