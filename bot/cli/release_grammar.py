"""The words of `andon` for releases, their gates and evidence."""

from __future__ import annotations

from bot.cli.arguments import JSON, REASON, SERVICE, Word, arg, count

RELEASES = "bot.cli.releases"

RELEASE = arg("release", metavar="ID", help="id of the release")
WHY = arg("--reason", required=True, metavar="TEXT")
ITEM = arg("--item", metavar="NAME", help="an item of the readiness checklist")
BRIEF = arg("--brief", metavar="AUDIENCE", help="the brief of an audience: it was read")

RELEASE_WORDS: tuple[Word, ...] = (
    Word(
        "release start",
        "start a release: the stages and gates of the policy in force hold until its end",
        f"{RELEASES}:start",
        (
            SERVICE,
            arg("--candidate", required=True, metavar="V"),
            arg("--incumbent", metavar="V", help="the version to go back to (default: the one endorsed last)"),
            arg("--manifest", metavar="FILE", help="YAML or JSON: objective, risks, plans, digests, schema"),
            arg("--author", metavar="X", help="who made the candidate"),
            arg("--emergency", action="store_true", help="of the emergency class that the policy declares"),
            REASON,
            JSON,
        ),
    ),
    Word(
        "release list",
        "releases, newest first",
        f"{RELEASES}:list_all",
        (arg("--service", metavar="S"), arg("--limit", type=count, default=30, metavar="N"), JSON),
    ),
    Word(
        "release show",
        "one release: stages, gates with their figures, evidence",
        f"{RELEASES}:show_one",
        (RELEASE, JSON),
    ),
    Word(
        "release promote",
        "ask to go on to the next stage; the gates run now and decide (exit 0 pass, 1 fail or refused, 3 unknown)",
        f"{RELEASES}:promote",
        (RELEASE, REASON, JSON),
    ),
    Word(
        "release sign",
        "sign an item of the readiness checklist, or acknowledge a brief",
        f"{RELEASES}:sign",
        (RELEASE, ITEM, BRIEF, arg("--role", metavar="ROLE", help="the role in which you sign"), REASON, JSON),
    ),
    Word("release unsign", "take a signature of yours back", f"{RELEASES}:unsign", (RELEASE, ITEM, BRIEF, JSON)),
    Word(
        "release second", "stand for an emergency as its second person", f"{RELEASES}:second", (RELEASE, REASON, JSON)
    ),
    Word("release abandon", "give up a release that is not live yet", f"{RELEASES}:abandon", (RELEASE, WHY, JSON)),
    Word(
        "release endorse",
        "accept a candidate that is live and was watched: a rollback may restore it from now on",
        f"{RELEASES}:endorse",
        (RELEASE, WHY, JSON),
    ),
    Word(
        "release retrospective",
        "record the retrospective of an emergency, or a link to it",
        f"{RELEASES}:retrospective",
        (RELEASE, WHY, JSON),
    ),
    Word(
        "gate",
        "run the gates of the present stage: exit 0 pass, 1 fail, 3 unknown",
        f"{RELEASES}:gate",
        (SERVICE, JSON),
    ),
    Word(
        "evidence push",
        "push evidence about a release (its id, or its service)",
        f"{RELEASES}:push",
        (
            arg("release", metavar="RELEASE", help="id of the release, or the name of its service"),
            arg("file", metavar="FILE", help="JSON, NDJSON, CSV or Parquet, also .gz; `-` for standard input (JSON)"),
            arg("--name", required=True, metavar="NAME", help="what gates call it, such as evaluation"),
            arg("--about", choices=("candidate", "incumbent"), default="candidate", help="default: candidate"),
            arg("--version", default="", metavar="V", help="the version that it is about"),
            arg("--media", metavar="TYPE", help="its media type (default: by the ending of its name)"),
            JSON,
        ),
    ),
)
"""In the order in which they are shown."""
