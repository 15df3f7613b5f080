"""Cuts what was said into sentences and clauses, and leaves out what nobody asserts: code, quotations, emoji."""

from __future__ import annotations

import re

from handlers.hearing.directory import HANDLE, MENTION, WORD

_BLOCK = re.compile(r"```.*?(?:```|$)", re.DOTALL)
_CODE = re.compile(r"`[^`\n]{0,1000}`")
_QUOTED_LINE = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_QUOTED = re.compile(r"\"[^\"\n]{1,1000}\"|“[^”\n]{1,1000}”|«[^»\n]{1,1000}»|„[^“”\n]{1,1000}[“”]")
_SHORT_CODE = re.compile(r":(?!(?:\+1|thumbsup|white_check_mark|ok_hand|joy):)[a-z0-9_+-]{2,40}:")
_STUTTER = re.compile(r"\b(I(?:['’]\w+)?),?\s+(?:(?:um+|uh+|er+),?\s+)?(?=\1\b)", re.IGNORECASE)
_FILLER = re.compile(r"(?:,\s*)?\b(?:um+|uh+m?|er|erm|you know|like I said),\s*", re.IGNORECASE)

_ABBREVIATIONS = re.compile(
    r"\b(?:mr|mrs|ms|dr|prof|e\.g|i\.e|etc|vs|approx|no|a\.m|p\.m|ca|st|dec|nov|oct|sept?|aug|jan|feb|mar|apr|mon|tue|wed|thu|fri)\.$",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\n+|\s*;\s+|(?<=[👍✅🙏])\s*")
_CLAUSE = re.compile(
    r"(?:\s*,\s*(?:(?:and|but|then|so|while)\s+)?|\s+(?:and|but|then|so|while)\s+)"
    r"(?=(?:also\s+|then\s+)?(?:i(?:['’]ll|['’]m)?\s|let['’]?s\s|we\s"
    rf"|(?:{MENTION}|{HANDLE}|{WORD})\s+(?:will|shall|is\s+going\s+to|is\s+to|needs\s+to|should|must|has\s+to)\s))",
    re.IGNORECASE,
)


def own_words(text: str) -> str:
    """The text without blocks of code, quoted lines and emoji codes."""
    return _SHORT_CODE.sub(" ", _QUOTED_LINE.sub(" ", _BLOCK.sub(" ", text))).strip()


def asserted(text: str) -> str:
    """Own words without quotations and code inside the line, and without stammering: what is said and meant."""
    text = _QUOTED.sub('""', _CODE.sub(" ", own_words(text)))
    return _FILLER.sub(" ", _STUTTER.sub("", text.replace("’", "'"))).strip()


def split_sentences(text: str) -> list[str]:
    """Sentences, with their final mark; a dot after an abbreviation ends none."""
    sentences: list[str] = []
    held = ""
    for part in _END.split(text):
        piece = f"{held} {part}".strip() if held else (part or "").strip()
        if _ABBREVIATIONS.search(piece):
            held = piece
            continue
        held = ""
        if piece:
            sentences.append(piece)
    return [*sentences, held] if held else sentences


def split_clauses(sentence: str) -> list[str]:
    """The parts of a sentence in which somebody begins anew: "…, and I will …", "…, Tom will …"."""
    clauses, start = [], 0
    for cut in _CLAUSE.finditer(sentence):
        # "Priya and Tom will …" is one clause.
        if len(sentence[start : cut.start()].split()) > 1:
            clauses.append(sentence[start : cut.start()].strip())
            start = cut.end()
    clauses.append(sentence[start:].strip())
    return [one for one in clauses if one]
