"""The words of `andon` for what people say, decide, promise and ask, and for the meeting of an incident."""

from __future__ import annotations

from bot.cli.arguments import JSON, REASON, Word, arg

PEOPLE = "bot.cli.people"

INCIDENT = arg("incident", metavar="ID", help="id of the incident")
MEETING_OF = arg("incident", metavar="INCIDENT", help="id of the incident")
ITEM = arg("item", metavar="ID", help="id of the decision, action item or question")
OWNER = arg("--owner", default="", metavar="X", help="a Slack id, a mail address, a name of the policy, or `me`")
DUE = arg(
    "--due", default="", metavar="WHEN", help="`by Friday`, `tomorrow noon`, `in 2 h`, or RFC 3339; said back exactly"
)
ZONE = arg("--zone", default="", metavar="ZONE", help="your time zone (default: that of the engineers in the policy)")
TEXT = arg("text", metavar="TEXT")
FILE = arg("file", metavar="FILE", help="`-` for standard input")

PEOPLE_WORDS: tuple[Word, ...] = (
    Word(
        "incident decide",
        "record a decision of the team",
        f"{PEOPLE}:decide",
        (
            INCIDENT,
            TEXT,
            arg("--option", action="append", default=[], metavar="TEXT", help="one considered; again for more"),
            arg("--choice", default="", metavar="TEXT", help="the option chosen, where TEXT is the question"),
            arg("--because", default="", metavar="TEXT", help="why"),
            arg("--decider", default="", metavar="X", help="who decided (default: you)"),
            arg("--evidence", metavar="URL"),
            JSON,
        ),
    ),
    Word(
        "incident action",
        "record an action item; its owner and the exact time are said back",
        f"{PEOPLE}:action",
        (INCIDENT, TEXT, OWNER, DUE, ZONE, arg("--evidence", metavar="URL"), JSON),
    ),
    Word(
        "incident question",
        "record an open question",
        f"{PEOPLE}:question",
        (INCIDENT, TEXT, OWNER, DUE, ZONE, JSON),
    ),
    Word(
        "incident update",
        "tell everybody how things stand",
        f"{PEOPLE}:update",
        (INCIDENT, TEXT, arg("--anyway", action="store_true", help="send words that are advised against"), JSON),
    ),
    Word(
        "incident notes",
        "record what notes or a transcript say (text, Markdown, WebVTT, SRT, Slack export)",
        f"{PEOPLE}:notes",
        (INCIDENT, FILE, ZONE, JSON),
    ),
    Word("incident take", "answer for an incident from now on", f"{PEOPLE}:take", (INCIDENT, REASON, JSON)),
    Word(
        "incident handover",
        "offer an incident to somebody else; it moves once they accept",
        f"{PEOPLE}:handover",
        (INCIDENT, arg("to", metavar="TO", help="a Slack id, a mail address or a name of the policy"), REASON, JSON),
    ),
    Word("incident accept", "say yes to an incident that was offered to you", f"{PEOPLE}:accept", (INCIDENT, JSON)),
    Word(
        "incident report",
        "say what is known: fields of the halt report",
        f"{PEOPLE}:report",
        (
            INCIDENT,
            arg(
                "--set",
                action="append",
                default=[],
                dest="fields",
                metavar="FIELD=VALUE",
                help="user_effect=TEXT; JSON where a field has parts; again for more",
            ),
            arg("--file", metavar="FILE", help="a JSON object of fields, `-` for standard input"),
            REASON,
            JSON,
        ),
    ),
    Word(
        "incident attach",
        "keep files as evidence, each under the SHA-256 of its content",
        f"{PEOPLE}:attach",
        (INCIDENT, arg("files", nargs="+", metavar="FILE", help="5 MiB each at most"), JSON),
    ),
    Word(
        "incident summary",
        "decisions, action items, questions and key points as Markdown",
        f"{PEOPLE}:summary",
        (INCIDENT, arg("--output", metavar="FILE", help="write it there instead"), JSON),
    ),
    Word(
        "meeting propose",
        "propose the meeting of an incident, or move it",
        f"{PEOPLE}:meeting_propose",
        (
            MEETING_OF,
            arg("--at", default="", metavar="WHEN", help="people's words or RFC 3339 (default: as the policy says)"),
            arg("--invite", action="append", default=[], metavar="X", help="besides the policy's; again for more"),
            arg("--link", metavar="URL", help="where it is held"),
            ZONE,
            JSON,
        ),
    ),
    Word(
        "meeting start",
        "start the meeting of an incident",
        f"{PEOPLE}:meeting_start",
        (MEETING_OF, arg("--link", metavar="URL", help="where it is held"), JSON),
    ),
    Word("meeting end", "end the meeting; the summary goes out", f"{PEOPLE}:meeting_end", (MEETING_OF, JSON)),
    Word("meeting cancel", "call a proposed meeting off", f"{PEOPLE}:meeting_cancel", (MEETING_OF, JSON)),
    Word("item show", "one decision, action item or question with its history", f"{PEOPLE}:item_show", (ITEM, JSON)),
    Word(
        "item done",
        "say that an action item is done",
        f"{PEOPLE}:item_done",
        (ITEM, arg("--text", default="", metavar="TEXT", help="what came of it"), JSON),
    ),
    Word("item answer", "answer a question", f"{PEOPLE}:item_answer", (ITEM, TEXT, JSON)),
    Word(
        "item snooze",
        "put the next reminder off",
        f"{PEOPLE}:item_snooze",
        (ITEM, arg("until", metavar="UNTIL", help="a span like 2h, people's words, or RFC 3339"), ZONE, JSON),
    ),
    Word(
        "item reassign",
        "give an action item or a question to somebody else",
        f"{PEOPLE}:item_reassign",
        (ITEM, arg("owner", metavar="OWNER", help="a Slack id, a mail address, a name of the policy, or `me`"), JSON),
    ),
    Word(
        "item amend",
        "correct what was recorded; the history keeps what it was",
        f"{PEOPLE}:item_amend",
        (
            ITEM,
            arg("--text", metavar="TEXT"),
            arg("--owner", metavar="X", help="empty: nobody"),
            arg("--due", metavar="WHEN", help="empty: no date"),
            arg("--because", metavar="TEXT", help="why it was decided"),
            ZONE,
            JSON,
        ),
    ),
    Word(
        "item withdraw", "take a record back; it stays in the history", f"{PEOPLE}:item_withdraw", (ITEM, REASON, JSON)
    ),
    Word(
        "item confirm",
        "what was heard, but not for certain, counts from now on",
        f"{PEOPLE}:item_confirm",
        (ITEM, JSON),
    ),
)
"""In the order in which they are shown."""
