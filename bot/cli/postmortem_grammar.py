"""The words of `andon` for postmortems."""

from __future__ import annotations

from bot.cli.arguments import JSON, Word, arg, count

POSTMORTEM = "bot.cli.postmortem"

INCIDENT = arg("incident", metavar="ID", help="id of the incident")
SECTION = arg(
    "section",
    metavar="SECTION",
    help="summary, impact, timeline, response, conditions, well, luck, lessons, actions or glossary",
)

POSTMORTEM_WORDS: tuple[Word, ...] = (
    Word(
        "postmortem show",
        "the blameless account of an incident as Markdown or HTML (`andon postmortem ID` for short)",
        f"{POSTMORTEM}:show_one",
        (
            INCIDENT,
            arg("--html", action="store_true", help="as a page of its own"),
            arg("--output", metavar="FILE", help="write it there instead"),
            JSON,
        ),
    ),
    Word(
        "postmortem list",
        "postmortems that are due, being written, or reviewed",
        f"{POSTMORTEM}:show_all",
        (
            arg("--service", metavar="S"),
            arg("--state", choices=("due", "draft", "reviewed"), metavar="STATE", help="due, draft or reviewed"),
            arg("--limit", type=count, default=30, metavar="N"),
            JSON,
        ),
    ),
    Word(
        "postmortem edit",
        "write into a section; the record stays around it",
        f"{POSTMORTEM}:edit",
        (
            INCIDENT,
            SECTION,
            arg("text", nargs="?", metavar="TEXT", help="empty takes away what was there"),
            arg("--file", metavar="FILE", help="the text, `-` for standard input"),
            JSON,
        ),
    ),
    Word(
        "postmortem comment",
        "say something about a postmortem",
        f"{POSTMORTEM}:comment",
        (INCIDENT, arg("text", metavar="TEXT"), arg("--section", metavar="SECTION", help="about one section"), JSON),
    ),
    Word(
        "postmortem lesson",
        "say what was learned, with the change of a policy or playbook that follows",
        f"{POSTMORTEM}:lesson",
        (
            INCIDENT,
            arg("--text", default="", metavar="TEXT", help="what was learned"),
            arg("--diff", metavar="FILE", help="a unified diff, `-` for standard input; it is checked at once"),
            arg("--withdraw", metavar="LESSON", help="take this one back instead"),
            JSON,
        ),
    ),
    Word(
        "postmortem sign-off",
        "sign a postmortem off for a role of the policy",
        f"{POSTMORTEM}:sign_off",
        (INCIDENT, arg("--role", metavar="ROLE", help="default: the first that you hold"), JSON),
    ),
    Word(
        "postmortem reopen",
        "go on writing into what was reviewed",
        f"{POSTMORTEM}:reopen",
        (INCIDENT, arg("--reason", required=True, metavar="TEXT"), JSON),
    ),
)
"""In the order in which they are shown."""
