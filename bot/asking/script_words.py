"""What is handed to a reviewed script: arguments that cannot become options, and variables that are not ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, StrictStr

_ARGUMENT = re.compile(r"[A-Za-z0-9_.,:=@/+%-]{1,1000}")
OURS = "ANDON_"
"""How the names of variables start that tell a script what it is run for."""


def _checked_argument(value: str) -> str:
    if value.startswith("-"):
        raise ValueError('an argument does not start with "-": write options as `options: {"--to": "41"}`')
    if not _ARGUMENT.fullmatch(value):
        raise ValueError("an argument has letters, digits and _.,:=@/+%- only, 1 to 1000 of them")
    return value


Argument = Annotated[StrictStr, AfterValidator(_checked_argument)]
Option = Annotated[StrictStr, Field(pattern=r"^--?[A-Za-z][A-Za-z0-9_-]*$", max_length=100)]
Variable = Annotated[StrictStr, Field(pattern=r"^[A-Z_][A-Z0-9_]*$", max_length=64)]
ScriptName = Annotated[StrictStr, Field(pattern=r"^[a-z0-9_][a-z0-9_.-]*$", max_length=64)]


def refuse_our_variables(names: Iterable[str]) -> None:
    """ValueError where one of them would hide what Andon tells the script."""
    for name in names:
        if name.startswith(OURS):
            raise ValueError(f"{name} cannot be set: names that start with {OURS} tell the script about its run")


def command_words(options: Mapping[str, str | bool], args: Iterable[str]) -> list[str]:
    """Options, then arguments, as they are handed over."""
    words: list[str] = []
    for name, value in options.items():
        if value is not False:
            words += [name] if value is True else [name, str(value)]
    return [*words, *args]
