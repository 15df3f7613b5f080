"""Formats of notes and transcripts, one file each; a format that is not named in `NOTES` does not exist."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from bot.domain.errors import BadInput, ConfigError
from bot.domain.heard import KnownPerson, Utterance
from bot.domain.strict_json import storable
from bot.plugins import NamesPeople, NoteFormat

NOTES = (
    "handlers.notes.webvtt:WebVtt",
    "handlers.notes.srt:Srt",
    "handlers.notes.slack:SlackExport",
    "handlers.notes.markdown:Markdown",
    "handlers.notes.plain:Plain",
)
"""In the order in which a text without a telling name is tried; `plain` takes whatever is left."""

MAX_BYTES = 2 * 1024 * 1024
MAX_UTTERANCES = 20_000


def load_notes(places: Sequence[str] = NOTES) -> dict[str, NoteFormat]:
    """Every format by its name, in the order of the list; ConfigError where two have one name."""
    formats: dict[str, NoteFormat] = {}
    for place in places:
        module, _, attribute = place.partition(":")
        one: NoteFormat = getattr(import_module(module), attribute)()
        if one.name in formats:
            raise ConfigError(f"Two formats of notes are called {one.name}", why=f"{place} is the second")
        formats[one.name] = one
    return formats


def read_notes(raw: bytes, file_name: str = "") -> list[Utterance]:
    """What was said in a file, in its order. BadInput says what is wrong with one that cannot be read."""
    text = decoded(raw)
    utterances = detect_format(file_name, text).read(text)
    if len(utterances) > MAX_UTTERANCES:
        raise BadInput(
            "The notes are too long", why=f"more than {MAX_UTTERANCES} lines were said", next="send them in parts"
        )
    if not utterances:
        raise BadInput("Nothing was said in the notes", next="send a file with text in it")
    return utterances


def read_people(raw: bytes, file_name: str = "") -> list[KnownPerson]:
    """Whom a file itself makes known, as a Slack export does; [] for formats that do not. BadInput as `read_notes`."""
    text = decoded(raw)
    found = detect_format(file_name, text)
    return found.people(text) if isinstance(found, NamesPeople) else []


def detect_format(file_name: str, text: str) -> NoteFormat:
    """By the ending of the name where only one format has it, else by what the text looks like."""
    formats = list(load_notes().values())
    ending = file_name.rpartition(".")[2].lower()
    named = next((one for one in formats if f".{ending}" in one.endings), formats[-1])
    if named is not formats[-1]:
        return named
    return next((one for one in formats if one.recognises(text)), named)


def decoded(raw: bytes) -> str:
    """The file as text with "\\n" at the ends of its lines: UTF-8, or UTF-16 with a byte order mark. BadInput else."""
    if len(raw) > MAX_BYTES:
        raise BadInput("The notes are too large", why=f"{MAX_BYTES} bytes are allowed", next="send them in parts")
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(
            "The notes are not UTF-8", why=f"byte {error.start} cannot be read", next="save the file as UTF-8"
        ) from error
    return storable(text).replace("\r\n", "\n").replace("\r", "\n")
