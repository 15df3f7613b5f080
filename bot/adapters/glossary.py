"""The glossary: technical words in a text, each with its plain explanation in one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import StrictStr, ValidationError

from bot.adapters.configuration.reader import Document, read_document
from bot.domain.errors import ConfigError, Fault
from bot.domain.fields import Strict

FILE = "glossary.yaml"
MOST_WORDS = 12
"""In an explanation."""

_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 /.+-]{0,39}")
_LINE = re.compile(r"[^\x00-\x1f<>`|*_\[\]]{3,120}")
_ADDRESS = re.compile(r"\b\w+://\S+")


class _Entry(Strict):
    term: StrictStr
    line: StrictStr
    also: tuple[StrictStr, ...] = ()


class _File(Strict):
    terms: tuple[_Entry, ...]


@dataclass(frozen=True)
class Term:
    """A word of the trade, other ways to write it, and what it means to everybody else."""

    term: str
    line: str
    also: tuple[str, ...] = ()

    @property
    def forms(self) -> tuple[str, ...]:
        """Every way to write it."""
        return (self.term, *self.also)


class Glossary:
    """Finds terms in texts, each once, where it is first used. Immutable; safe to share."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self._terms = {form.casefold(): term for term in terms for form in term.forms}
        # The longest form wins, so that `false positive` is not read as something shorter.
        forms = sorted({form for term in terms for form in term.forms}, key=lambda form: (-len(form), form))
        self._any = re.compile("|".join(map(_found, forms)) or r"(?!)")

    def explanations(self, text: str, most: int = 3, words: int | None = None) -> tuple[tuple[str, str], ...]:
        """(term, explanation) of at most `most` terms in the order of their first use.

        With `words` they have room for that many words together, as `sentence` writes them: one that does not fit is
        left out, and a shorter one behind it may still go in. Addresses in the text are not read.
        """
        left = words
        found: list[tuple[str, str]] = []
        for term in self._used(text):
            cost = word_count(sentence(term.term, term.line))
            if len(found) < most and (left is None or cost <= left):
                found.append((term.term, term.line))
                left = None if left is None else left - cost
        return tuple(found)

    def _used(self, text: str) -> Iterator[Term]:
        seen: set[str] = set()
        for match in self._any.finditer(_ADDRESS.sub(lambda address: " " * len(address[0]), text)):
            term = next(self._terms[form] for form in _singulars(match[0].casefold()) if form in self._terms)
            if term.term not in seen:
                seen.add(term.term)
                yield term


def sentence(term: str, line: str) -> str:
    """`Canary: a small share of users tries the new version first.`"""
    return f"{term[0].upper()}{term[1:]}: {line.rstrip('.')}."


def word_count(text: str) -> int:
    """Words as the limit of an executive notice counts them: what spaces part."""
    return len(text.split())


def load_glossary(folders: Sequence[Path]) -> Glossary:
    """The glossary out of `glossary.yaml` in each folder; an earlier folder's entry replaces a later one's.

    ConfigError lists every fault with file and line. A folder without the file adds nothing.
    """
    terms: dict[str, Term] = {}
    faults: list[Fault] = []
    for folder in reversed(folders):
        found, told = read_glossary(folder / FILE)
        faults += told
        for term in found:
            # A form belongs to the last that claims it, so the term it was the name of goes.
            claimed = {form.casefold() for form in term.forms}
            terms = {key: _without(other, claimed) for key, other in terms.items() if key not in claimed}
            terms[term.term.casefold()] = term
    if faults:
        raise ConfigError("The glossary cannot be used", faults=tuple(faults))
    return Glossary(tuple(terms.values()))


def read_glossary(path: Path) -> tuple[list[Term], list[Fault]]:
    """The entries of one file, and what is wrong with it; nothing of both where there is no file."""
    if not path.is_file():
        return [], []
    document, faults = read_document(path, str(path))
    if document is None:
        return [], faults
    try:
        entries = _File.model_validate(document.value).terms
    except ValidationError as error:
        return [], [
            document.fault(one["loc"], f"{_dotted(one['loc']) or 'terms'}: {one['msg']}") for one in error.errors()
        ]
    return [Term(one.term, one.line, one.also) for one in entries], list(_faults(document, entries))


def _faults(document: Document, entries: Sequence[_Entry]) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for number, entry in enumerate(entries):
        for form in (entry.term, *entry.also):
            where: tuple[Any, ...] = ("terms", number, "term" if form == entry.term else "also")
            if not _SHAPE.fullmatch(form):
                yield document.fault(where, f"{form[:40]!r} is no term: letters, digits and - / . + inside, 40 at most")
            if form.casefold() in seen:
                yield document.fault(
                    where, f"{form!r} stands here twice; it belongs to {seen[form.casefold()]!r} already"
                )
            seen[form.casefold()] = entry.term
        if not _LINE.fullmatch(entry.line):
            yield document.fault(
                ("terms", number, "line"), "an explanation is plain text of one line, 120 characters at most"
            )
        if word_count(entry.line) > MOST_WORDS:
            yield document.fault(("terms", number, "line"), f"an explanation has at most {MOST_WORDS} words")


def _without(term: Term, claimed: set[str]) -> Term:
    return Term(term.term, term.line, tuple(form for form in term.also if form.casefold() not in claimed))


def _dotted(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc))


def _found(form: str) -> str:
    """A pattern for one form: letters of both cases, unless it is an abbreviation, which is read as it is written."""
    is_word = (form[1:].islower() and not any(map(str.isdigit, form))) or form.lower() == form
    stem = re.escape(form).replace(r"\ ", r"[ \u00a0]") if is_word else re.escape(form)
    plural = rf"(?:{stem[:-1]}(?:y|ies))" if is_word and form.endswith("y") else rf"{stem}(?:s|es)?"
    plural = rf"(?i:{plural})" if is_word else plural
    # `-` and `_` make another word of it: `pre-canary`, `canary_weight`, `schema-less`.
    return rf"(?<![\w-])(?<!\w\.){plural}(?![\w-])(?!\.\w)"


def _singulars(form: str) -> Iterator[str]:
    form = form.replace("\u00a0", " ")
    yield form
    for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
        if form.endswith(ending):
            yield form.removesuffix(ending) + instead
