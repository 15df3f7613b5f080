"""Reads the words of one command and carries it out; errors are one line on standard error that says what to do."""

from __future__ import annotations

import argparse
import difflib
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from bot.cli.arguments import Word
from bot.cli.grammar import SERVING, WORDS

USAGE = 2
_SHOWN_BY_ID = frozenset({"postmortem"})
"""Groups of commands that show a record where only its id follows."""
_CHOICE = re.compile(
    r"argument (?P<what>\S+): invalid choice: '(?P<word>.*?)' \(choose from (?P<known>.*)\)", re.DOTALL
)


class Parser(argparse.ArgumentParser):
    """Wrong usage is one line on standard error that names what was meant, or where to look."""

    def error(self, message: str) -> NoReturn:
        """Exit 2 with the line."""
        match = _CHOICE.fullmatch(message)
        if match:
            known = [one.strip(" '") for one in match["known"].split(",")]
            near = difflib.get_close_matches(match["word"], known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there is {', '.join(known)}."
            message = f"{match['word']!r} is no {match['what'].lower()}{hint}"
        self.exit(
            USAGE, f"andon: {message.rstrip('.?')}{'?' if message.endswith('?') else '.'} See `{self.prog} --help`.\n"
        )


def run(words: Sequence[str]) -> int:
    """Exit code: 0 done, 1 a problem said on standard error, 2 wrong usage."""
    args = _understood(words)
    if args is None:
        return USAGE
    module, _, function = args.target.partition(":")
    try:
        return int(getattr(import_module(module), function)(args) or 0)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read has enough; what is still buffered must not be tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _failed(error, is_process=module == SERVING)


def _understood(words: Sequence[str]) -> argparse.Namespace | None:
    """What is asked for; None where that is no command and the help was shown. Nothing of it refers to the grammar,
    which a process that runs for weeks need not hold."""
    parser = build_parser()
    args = parser.parse_args(_in_full(words))
    group = vars(args).pop("group", parser)
    if getattr(args, "target", None) is not None:
        return args
    group.print_help(sys.stderr)
    return None


def _in_full(words: Sequence[str]) -> Sequence[str]:
    """`andon postmortem ID` shows it: what follows a group and is none of its words is what it is about."""
    group, *rest = words or [""]
    known = {word.path.rpartition(" ")[2] for word in WORDS if word.path.startswith(f"{group} ")}
    if group in _SHOWN_BY_ID and rest and rest[0] not in known and not rest[0].startswith("-"):
        return [group, "show", *rest]
    return words


def _failed(error: Exception, *, is_process: bool) -> int:
    """One line for whatever went wrong; a process that others watch leaves its trace for what nobody foresaw."""
    from bot.domain.errors import AndonError, TryLater

    if isinstance(error, TryLater):
        said = f"{error} `andon doctor` says what does not answer."
    elif isinstance(error, AndonError):
        said = str(error)
    elif is_process or _is_traced():
        raise error
    else:
        what = str(error).strip().partition("\n")[0]
        said = f"{type(error).__name__}: {what}. Nobody foresaw this; ANDON_LOG_LEVEL=DEBUG shows where it happened."
    print(f"andon: {said}", file=sys.stderr)  # noqa: T201 - this is where the command line speaks
    return 1


def _is_traced() -> bool:
    from bot.domain.errors import ConfigError
    from bot.settings import Settings

    try:
        return Settings.from_environment().log_level.upper() == "DEBUG"
    except ConfigError:
        return False


def build_parser() -> Parser:
    """The whole grammar, without importing any of the work."""
    parser = Parser(
        prog="andon",
        description="Stops and rolls back bad releases, proves that it worked, and tells everybody.",
        epilog="Start with `andon demo`, then `andon init` and `andon up`. Settings come from ANDON_* variables.",
    )
    parser.add_argument(
        "--version",
        action="store_const",
        const="bot.cli.checking:version",
        dest="target",
        help="show the version and exit",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    groups: dict[str, argparse._SubParsersAction[Parser]] = {}
    for word in WORDS:
        group, _, leaf = word.path.rpartition(" ")
        where = commands
        if group:
            if group not in groups:
                folder = commands.add_parser(group, help=_group_help(group), allow_abbrev=False)
                folder.set_defaults(group=folder)
                groups[group] = folder.add_subparsers(title="commands", metavar="COMMAND")
            where = groups[group]
        _add(where, leaf, word)
    return parser


def _group_help(group: str) -> str:
    leaves = [word.path.rpartition(" ")[2] for word in WORDS if word.path.startswith(f"{group} ")]
    return f"{', '.join(leaves)}"


def _add(where: argparse._SubParsersAction[Parser], leaf: str, word: Word) -> None:
    parser = where.add_parser(
        leaf, help=word.help, description=word.help[0].upper() + word.help[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(target=word.target)
    for argument in word.arguments:
        parser.add_argument(*argument.names, **argument.options)
    if not any("dir" in argument.names for argument in word.arguments):
        parser.add_argument("--config", metavar="DIR", help="default: ANDON_CONFIG or ./config")
    parser.add_argument("--data", metavar="DIR", help="default: ANDON_DATA or ./var")
