"""The sandbox in which notices are written: every loop, call and character is counted, every fact is made plain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from jinja2 import BaseLoader, StrictUndefined, Template, TemplateSyntaxError, nodes, pass_context
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from bot.adapters import notice_words
from bot.adapters.filters import FILTERS, MAX_CHARACTERS, TESTS, Unfillable
from bot.adapters.sandbox import NarrowSandbox

MAX_TURNS = 10_000
"""Turns of loops, calls of macros and inclusions in one notice."""

MAX_WRITTEN = 100_000
"""Characters written in one notice, those that only a macro or a variable sees included."""

_LOOP_FACTS = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})
_REFUSED = (
    nodes.Pow, nodes.ScopedEvalContextModifier, nodes.EvalContextModifier, nodes.ExtensionAttribute,
    nodes.EnvironmentAttribute, nodes.ImportedName, nodes.InternalName, nodes.Continue, nodes.Break,
)  # fmt: skip


@dataclass
class Rendering:
    """What one rendering knows and has used up."""

    reader: notice_words.Reader
    scale: int = 1
    """How many times the limits of a notice: a report is longer."""
    turns: int = 0
    written: int = 0

    def turn(self) -> None:
        """One more turn; Unfillable where it is one too many."""
        self.turns += 1
        if self.turns > MAX_TURNS * self.scale:
            raise Unfillable(f"it loops or calls more than {MAX_TURNS * self.scale:,} times")

    def write(self, characters: int) -> None:
        """So many more characters; Unfillable where they are too many."""
        self.written += characters
        if self.written > MAX_WRITTEN * self.scale:
            raise Unfillable(f"it writes more than {MAX_WRITTEN * self.scale:,} characters")


_RENDERING: ContextVar[Rendering | None] = ContextVar("rendering", default=None)


class NoticeSandbox(NarrowSandbox):
    """`NarrowSandbox` with statements, for templates of this loader. Nothing can be called but macros."""

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            autoescape=True,  # so that Jinja marks what templates wrote themselves; `finalize` escapes the rest
            finalize=_finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,
        )
        self.globals.clear()
        self.filters = {**_filters(), "counted": _counted, "joined": _joined}
        self.tests = {name: test for name, test in self.tests.items() if name in TESTS}

    def render(self, name: str, facts: Mapping[str, Any], reader: notice_words.Reader, *, scale: int = 1) -> str:
        """The text of the template; raises Jinja's errors and Unfillable."""
        token = _RENDERING.set(Rendering(reader, scale))
        try:
            return self.get_template(name).render(facts)
        finally:
            _RENDERING.reset(token)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """As in the narrow sandbox, and where a loop stands and the macros of an imported template."""
        if isinstance(obj, TemplateModule) and isinstance(macro := vars(obj).get(attribute), Macro):
            return macro
        if isinstance(obj, LoopContext) and attribute in _LOOP_FACTS:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """A macro's call, counted."""
        _rendering().turn()
        return super().call(__context, __obj, *args, **kwargs)

    def get_template(
        self, name: str | Template, parent: str | None = None, globals: Any = None  # noqa: A002
    ) -> Template:  # fmt: skip
        """Included and imported templates count as turns, so that one cannot include itself for ever."""
        if (rendering := _RENDERING.get()) is not None:
            rendering.turn()
        return super().get_template(name, parent, globals)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """As in the narrow sandbox; texts that are joined lose the mark of being written by a template."""
        both = isinstance(left, str) and isinstance(right, str)
        return super().call_binop(context, operator, *((str(left), str(right)) if both else (left, right)))

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        return super()._generate(_Metered(name, filename).visit(source), name, filename, defer_init)


class _Metered(NodeTransformer):
    """Rewrites a template so that what it loops over and writes is counted, and refuses what cannot be."""

    def __init__(self, name: str | None, filename: str | None) -> None:
        self._name = name
        self._filename = filename

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        if isinstance(node, _REFUSED) or (isinstance(node, nodes.For) and node.recursive):
            what = "a recursive loop" if isinstance(node, nodes.For) else type(node).__name__.lower()
            raise TemplateSyntaxError(f"{what} is not allowed in a notice", node.lineno, self._name, self._filename)
        return super().visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - the visitor's naming
        self.generic_visit(node)
        node.iter = _filter(cast("nodes.Expr", node.iter), "counted")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "joined")

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.MarkSafe:  # noqa: N802
        return nodes.MarkSafe(nodes.Const(node.data, lineno=node.lineno), lineno=node.lineno)


def _filter(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _rendering() -> Rendering:
    rendering = _RENDERING.get()
    if rendering is None:
        raise Unfillable("a macro is called outside of a notice")
    return rendering


@pass_context  # keeps Jinja from evaluating constants while it compiles
def _finalize(_context: Context, value: Any) -> Markup:
    text = notice_words.plain(value)
    _rendering().write(len(text))
    return text


def _counted(values: Iterable[Any]) -> Iterator[Any]:
    if not isinstance(values, list | tuple):
        raise Unfillable("a loop runs over a list; use `| items` for a map")
    for value in values:
        _rendering().turn()
        yield value


def _joined(values: list[Any]) -> str:
    texts = [str(notice_words.plain(value, MAX_CHARACTERS)) for value in values]
    if sum(map(len, texts)) > MAX_CHARACTERS:
        raise Unfillable(f"a text grows beyond {MAX_CHARACTERS // 1024} Ki")
    return "".join(texts)


def _for_reader(filter_: Callable[[Any, notice_words.Reader], Any]) -> Callable[[Any], Any]:
    """A filter that knows when and where a notice is read, and by which names people go."""
    return lambda value: filter_(value, _rendering().reader)


def _filters() -> dict[str, Callable[..., Any]]:
    shared = {name: filter_ for name, filter_ in FILTERS.items() if name != "tojson"}
    return shared | {
        "brief": notice_words.brief,
        "capital": notice_words.capital,
        "code": notice_words.code,
        "date": notice_words.date_of,
        "figure": notice_words.figure,
        "fits": notice_words.fits,
        "gist": notice_words.gist,
        "items": notice_words.items,
        "known": notice_words.known,
        "left": _for_reader(notice_words.left),
        "local": _for_reader(notice_words.local),
        "past": _for_reader(notice_words.is_past),
        "person": _for_reader(notice_words.person),
        "plain": notice_words.plain,
        "seconds": notice_words.seconds,
        "sentence": notice_words.sentence,
        "span": notice_words.span,
        "spoken": notice_words.spoken,
        "stamp": _for_reader(notice_words.stamp),
        "when": _for_reader(notice_words.when),
    }
