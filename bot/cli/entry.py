"""Reads the words of one command and carries it out; errors are one line on standard error that says what to do."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from bot.cli.grammar import WORDS, Word

USAGE = 2


def run(words: Sequence[str]) -> int:
    """Exit code: 0 done, 1 a problem said on standard error, 2 wrong usage."""
    parser = build_parser()
    args = parser.parse_args(words)
    target = getattr(args, "target", None)
    if target is None:
        getattr(args, "group", parser).print_help()
        return USAGE
    module, _, function = target.partition(":")
    from bot.domain.errors import AndonError

    try:
        return int(getattr(import_module(module), function)(args) or 0)
    except AndonError as error:
        print(f"andon: {error}", file=sys.stderr)  # noqa: T201 - this is where the command line speaks
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def build_parser() -> argparse.ArgumentParser:
    """The whole grammar, without importing any of the work."""
    parser = argparse.ArgumentParser(
        prog="andon",
        description="Stops and rolls back bad releases, proves that it worked, and tells everybody.",
        epilog="Start with `andon demo`, then `andon init` and `andon up`. Settings come from ANDON_* variables.",
    )
    parser.add_argument("--version", action="store_const", const="bot.cli.checking:version", dest="target")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    groups: dict[str, argparse._SubParsersAction[argparse.ArgumentParser]] = {}
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


def _add(where: argparse._SubParsersAction[argparse.ArgumentParser], leaf: str, word: Word) -> None:
    parser = where.add_parser(
        leaf, help=word.help, description=word.help[0].upper() + word.help[1:] + ".", allow_abbrev=False
    )
    parser.set_defaults(target=word.target)
    for argument in word.arguments:
        parser.add_argument(*argument.names, **argument.options)
    if not any("dir" in argument.names for argument in word.arguments):
        parser.add_argument("--config", metavar="DIR", help="default: ANDON_CONFIG or ./config")
    parser.add_argument("--data", metavar="DIR", help="default: ANDON_DATA or ./var")
