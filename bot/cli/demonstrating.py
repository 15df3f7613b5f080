"""The command `andon demo`: the stories are told by `bot.demo`, with the drawings that the terminal has."""

from __future__ import annotations

import argparse


def demo(args: argparse.Namespace) -> int:
    """Exit 0 when the incumbent was restored and measured to serve well, else 1."""
    from bot.cli.canary_chart import described
    from bot.demo.story import main

    return main(args, described)
