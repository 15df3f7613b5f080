"""Renders notices: finds the template for a notice and an audience, and gives it the facts in a known shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from traceback import walk_tb

from jinja2 import BaseLoader, Environment, TemplateError, TemplateNotFound, TemplateSyntaxError

from bot.adapters.filters import Unfillable
from bot.adapters.notice_facts import facts_of
from bot.adapters.notice_sandbox import NoticeSandbox
from bot.adapters.notice_words import Reader, plain, zone_of
from bot.domain.errors import BadInput, Fault, StepFailed
from bot.domain.letters import marked_as_drill
from bot.domain.records import Notice, is_of_drill
from bot.domain.times import parse_time

MAX_OUTPUT = 10_000
MAX_SUBJECT = 200
MAX_TEMPLATE = 32 * 1024
FOLDER = "notices"
FALLBACK = "message"

_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_FILE = re.compile(rf"{FOLDER}/[a-z0-9_-]{{1,64}}(?:\.[a-z0-9_-]{{1,64}})?\.j2")
_BROKEN = (
    TemplateError, Unfillable, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError,
    MemoryError, OSError, SyntaxError,
)  # fmt: skip
"""All that a template can run into; the flow then sends the bare facts."""


class NoticeTemplates:
    """`bot.ports.Renderer` over folders that hold `notices/`; the first folder that has a file wins.

    The template of a notice is the first that exists of `<name>.<audience>.j2`, `<name>.j2`, `message.<audience>.j2`
    and `message.j2`. Its first line is `Subject: …`. Changed files are noticed at the next notice.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)
        self._sandbox = NoticeSandbox(_Folders(self._folders))

    def render(self, notice: Notice) -> tuple[str, str]:
        """Subject (one line, 200 characters at most) and body (10,000 at most). StepFailed says which file and line."""
        if not _NAME.fullmatch(notice.name):
            raise StepFailed(f"{str(plain(notice.name, 64))!r} is no name for a notice", why="a-z, 0-9, _ and - only")
        try:
            facts = facts_of(notice)
            reader = Reader(parse_time(facts["as_of"]), zone_of(facts["zone"]), facts["people"])
            text = self._sandbox.render(self._file(notice), facts, reader)
            return _subject_and_body(text, is_drill=is_of_drill(notice))
        except (*_BROKEN, BadInput) as error:
            what = f"The template of {notice.name} for {plain(notice.audience, 64)} cannot be used"
            raise StepFailed(what, why=f"{_place(error)}{_said(error)}") from None

    def faults(self, folder: Path) -> list[Fault]:
        """What is wrong with the templates in one folder, as far as it shows without facts."""
        return [fault for path in sorted((folder / FOLDER).glob("*.j2")) for fault in self._faults_of(path)]

    def _faults_of(self, path: Path) -> Iterator[Fault]:
        name = f"{FOLDER}/{path.name}"
        try:
            if not _FILE.fullmatch(name):
                raise Unfillable("the name is not <notice>.j2 or <notice>.<audience>.j2 in a-z, 0-9, _ and -")
            self._sandbox.compile(_read(path), name, str(path))
        except _BROKEN as error:
            yield Fault(str(path), getattr(error, "lineno", None) or 0, _said(error))

    def _file(self, notice: Notice) -> str:
        # An audience of a policy may be called what no file is: it reads the words that are for everybody.
        audience = f".{notice.audience}" if _NAME.fullmatch(notice.audience) else ""
        for name in (notice.name, FALLBACK):
            for file in (f"{FOLDER}/{name}{audience}.j2", f"{FOLDER}/{name}.j2"):
                if any((folder / file).is_file() for folder in self._folders):
                    return file
        raise TemplateNotFound(f"{FOLDER}/{FALLBACK}.j2")


class _Folders(BaseLoader):
    """Reads `notices/*.j2` and nothing else; small files, strict UTF-8."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = tuple(folders)

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:  # noqa: ARG002
        path = self._find(template)
        if path is None:
            raise TemplateNotFound(template)
        stamp = _stamp(path)
        return _read(path), str(path), lambda: self._find(template) == path and _stamp(path) == stamp

    def _find(self, template: str) -> Path | None:
        if not _FILE.fullmatch(template):
            return None
        return next((path for folder in self._folders if (path := folder / template).is_file()), None)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path) -> str:
    with path.open("rb") as file:
        raw = file.read(MAX_TEMPLATE + 1)
    if len(raw) > MAX_TEMPLATE:
        raise Unfillable(f"the file is larger than {MAX_TEMPLATE // 1024} KiB")
    return raw.decode("utf-8")


def _subject_and_body(text: str, *, is_drill: bool) -> tuple[str, str]:
    first, _, rest = text.strip().partition("\n")
    subject = " ".join(first.removeprefix("Subject:").split())
    if not first.startswith("Subject:") or not subject:
        raise Unfillable("the first line of a notice is `Subject: …`")
    body = re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in rest.splitlines())).strip("\n")
    if not body:
        raise Unfillable("nothing follows the subject")
    if is_drill:
        subject, body = marked_as_drill(subject, body)
    if len(body) > MAX_OUTPUT:
        raise Unfillable(f"it is longer than {MAX_OUTPUT:,} characters")
    return subject if len(subject) <= MAX_SUBJECT else f"{subject[: MAX_SUBJECT - 1]}…", body


def _place(error: BaseException) -> str:
    """`file:line: ` of the template where it broke, as far as it is known."""
    if isinstance(error, TemplateSyntaxError) and error.name:
        return f"{error.name}:{error.lineno}: "
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    found = next(((name, line) for name, line in reversed(frames) if name.endswith(".j2")), None)
    return f"{FOLDER}/{Path(found[0]).name}:{found[1]}: " if found else ""


def _said(error: BaseException) -> str:
    """One line; names of facts may come from outside, so it is made plain as well."""
    if isinstance(error, TemplateNotFound):  # an OSError too
        return f"there is no template {plain(error.name or '')}"
    if isinstance(error, OSError):
        return f"a file cannot be read ({error.strerror})"
    if isinstance(error, TemplateError):
        return str(plain(error.message or type(error).__name__))
    if isinstance(error, Unfillable | BadInput):
        return str(plain(str(error)))
    said = {RecursionError: "it calls or includes itself too deeply", UnicodeDecodeError: "the file is not UTF-8"}
    return said.get(type(error), f"its facts do not fit together ({type(error).__name__})")
