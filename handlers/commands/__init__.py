"""Chat words, one file each; a word that is not named in `COMMANDS` does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from bot.domain.errors import ConfigError
from bot.plugins import ChatCommand

COMMANDS = (
    "handlers.commands.status:Status",
    "handlers.commands.rollback:Rollback",
    "handlers.commands.approve:Approve",
    "handlers.commands.reject:Reject",
    "handlers.commands.take:Take",
    "handlers.commands.handover:Handover",
    "handlers.commands.accept:Accept",
    "handlers.commands.lift:Lift",
    "handlers.commands.promote:Promote",
    "handlers.commands.gate:Gate",
    "handlers.commands.hands_off:HandsOff",
    "handlers.commands.decide:Decide",
    "handlers.commands.action:Action",
    "handlers.commands.question:Question",
    "handlers.commands.update:Update",
    "handlers.commands.meeting:Meeting",
    "handlers.commands.notes:Notes",
    "handlers.commands.attach:Attach",
    "handlers.commands.timeline:Timeline",
    "handlers.commands.postmortem:Postmortem",
    "handlers.commands.drill:Drill",
    "handlers.commands.endorse:Endorse",
    "handlers.commands.resolve:Resolve",
    "handlers.commands.help:Help",
)


def load_commands(places: Sequence[str] = COMMANDS) -> dict[str, ChatCommand]:
    """Every word by its name, in the order of the list; ConfigError where two have one name."""
    commands: dict[str, ChatCommand] = {}
    for place in places:
        module, _, attribute = place.partition(":")
        command: ChatCommand = getattr(import_module(module), attribute)()
        if command.name in commands:
            raise ConfigError(f"Two chat words are called {command.name}", why=f"{place} is the second")
        commands[command.name] = command
    return commands
