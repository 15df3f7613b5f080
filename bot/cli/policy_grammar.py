"""The words of `andon` for policies: what is in force, what it says, and what a change of it would have meant."""

from __future__ import annotations

from bot.cli.arguments import JSON, SERVICE, Word, arg

POLICIES = "bot.cli.policies"

POLICY_WORDS: tuple[Word, ...] = (
    Word(
        "policy list",
        "policies and playbooks in force, with who wrote and who read them",
        f"{POLICIES}:listed",
        (JSON,),
    ),
    Word(
        "policy show",
        "the text and the last change of a policy, also of one that decided before",
        f"{POLICIES}:shown",
        (
            SERVICE,
            arg("--version", metavar="DIGEST", help="as it stands with a decision (default: the one in force)"),
            arg("--playbook", action="store_true", help="SERVICE is the name of a playbook instead"),
            JSON,
        ),
    ),
    Word(
        "policy backtest",
        "rollbacks, questions and halts that a change would have gained and lost on what was recorded",
        f"{POLICIES}:backtest",
        (
            arg("--from", dest="before", required=True, metavar="REV", help="a git revision, a folder or a digest"),
            arg("--to", dest="after", required=True, metavar="REV", help="the same, of the changed policies"),
            arg("--service", metavar="S", help="only this one"),
            arg("--since", default="30d", metavar="30d", help="how far back (default: 30d)"),
            arg("--markdown", action="store_true", help="print a comment for a pull request"),
            JSON,
        ),
    ),
)
"""In the order in which they are shown."""
