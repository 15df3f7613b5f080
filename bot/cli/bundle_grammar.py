"""The words of `andon` for bundles: exporting, verifying and replaying them."""

from __future__ import annotations

from bot.cli.arguments import JSON, YES, Word, arg

BUNDLES = "bot.cli.bundles"
_OUTPUT = arg("--output", metavar="FILE", help="default: a name made of its id, here; `-` for standard output")
_FILE = arg("file", metavar="FILE", help="a bundle")
_KEY = arg("--key", metavar="FILE", help="the public key as PEM text, and no other (default: those trusted here)")

BUNDLE_WORDS: tuple[Word, ...] = (
    Word(
        "incident export",
        "write a signed bundle of everything that is recorded of an incident",
        f"{BUNDLES}:incident_export",
        (arg("subject", metavar="ID"), _OUTPUT, JSON),
    ),
    Word(
        "release export",
        "write a signed bundle of everything that is recorded of a release",
        f"{BUNDLES}:release_export",
        (arg("subject", metavar="ID"), _OUTPUT, JSON),
    ),
    Word(
        "bundle verify",
        "check a bundle offline, by the public key; exit 1 naming what was altered, 3 if its signer is not known",
        f"{BUNDLES}:verify",
        (_FILE, _KEY, JSON),
    ),
    Word(
        "bundle show",
        "what is in a bundle: what it is about, its files, who signed it",
        f"{BUNDLES}:show_bundle",
        (_FILE, _KEY, JSON),
    ),
    Word(
        "bundle replay",
        "run its playbook where it is not production, judge its gates and decisions again, and say what differs",
        "bot.cli.bundle_replays:replay",
        (
            _FILE,
            arg("--environment", metavar="E", help="such as staging; production is refused"),
            arg("--run", metavar="ID", help="which of its runs (default: its last rollback)"),
            arg("--dry-run", action="store_true", help="show the calls, judge again, run nothing"),
            arg("--decisions-only", action="store_true", help="judge again, and nothing else"),
            _KEY,
            YES,
            JSON,
        ),
    ),
    Word(
        "key show", "the public key that bundles and audit heads are verified by, and its id", f"{BUNDLES}:key", (JSON,)
    ),
)
