"""The grammar of `{{ expressions }}`: what may be written, what it reads, and how it is evaluated in the sandbox."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, Undefined, UndefinedError, nodes
from jinja2.environment import TemplateExpression
from jinja2.parser import Parser

from bot.adapters.filters import FILTERS, TESTS, Unfillable
from bot.adapters.sandbox import NarrowSandbox
from bot.domain.errors import ConfigError

__all__ = ["Part", "Unfillable", "parts", "shown"]

MAX_TEXT = 16_000

_ALLOWED = (
    nodes.Name, nodes.Const, nodes.List, nodes.Dict, nodes.Pair, nodes.Tuple, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Filter, nodes.Test, nodes.Keyword, nodes.Call, nodes.CondExpr, nodes.Compare, nodes.Operand,
    nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv,
    nodes.Mod, nodes.Concat,
)  # fmt: skip
_RESERVED = frozenset({"self", "super", "loop", "caller", "varargs", "kwargs"})
"""Names by which Jinja would hand out its own objects."""


@dataclass(frozen=True)
class Part:
    """A piece of a text: plain, or one expression with what it reads."""

    text: str
    """As written, with its braces where it is an expression."""
    expression: TemplateExpression | None = None
    variables: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The value over these names as plain JSON values; Unfillable with the reason, which quotes no value."""
        if self.expression is None:
            return self.text
        try:
            return _plain(self.expression(dict(names)))
        except (Unfillable, ConfigError) as error:
            raise Unfillable(str(error)) from None
        except UndefinedError as error:
            raise Unfillable(error.message or "a name is not there") from None
        except TemplateError:  # SecurityError too
            raise Unfillable("it does something that is not allowed") from None
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError):
            raise Unfillable("its values do not fit together") from None


def parts(text: str) -> tuple[Part, ...]:
    """The pieces of a text; ValueError with one line where an expression is not allowed or not understood."""
    if len(text) > MAX_TEXT:
        raise ValueError(f"a text with expressions has at most {MAX_TEXT:,} characters, this one {len(text):,}")
    return tuple(_expression(piece) if inside else Part(piece) for piece, inside in _pieces(text))


def shown(text: str) -> str:
    """The text as an error names it: one line, cut."""
    line = " ".join(text.split())
    return line if len(line) <= 120 else f"{line[:117]}…"


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Plain text and the insides of `{{ … }}` in turn."""
    inside: list[str] | None = None
    try:
        for _, kind, token in _environment().lex(text):
            if kind.startswith(("block", "comment", "raw", "linestatement", "linecomment")):
                raise ValueError("only {{ expressions }} may stand here, no {% statements %} and no {# comments #}")
            if kind == "variable_begin":
                inside = []
            elif kind == "variable_end" and inside is not None:
                yield "".join(inside), True
                inside = None
            elif inside is not None:
                inside.append(token)
            elif token:
                yield token, False
    except TemplateError as error:
        raise ValueError(f"{shown(text)}: {_reason(error)}") from None
    if inside is not None:
        raise ValueError(f"{shown(text)}: '{{{{' is never closed")


def _expression(source: str) -> Part:
    written = f"{{{{ {source.strip()} }}}}"
    if not source.strip():
        raise ValueError("'{{ }}' holds no expression")
    environment = _environment()
    try:
        parser = Parser(environment, source, state="variable")
        node = parser.parse_expression()
        if not parser.stream.eos:
            raise ValueError(f"{shown(written)}: one expression was expected")
        node.set_environment(environment)
        reads = _Reads()
        reads.visit(node, written)
        body: list[nodes.Node] = [nodes.Assign(nodes.Name("result", "store"), node, lineno=1)]
        compiled = TemplateExpression(environment.from_string(nodes.Template(body, lineno=1)), undefined_to_none=False)
    except TemplateError as error:
        raise ValueError(f"{shown(written)}: {_reason(error)}") from None
    except (RecursionError, SyntaxError, MemoryError):
        raise ValueError(f"{shown(written)}: it is too complicated") from None
    return Part(written, compiled, *(frozenset(names) for names in reads.found))


def _reason(error: TemplateError) -> str:
    return f"it is not an expression: {(error.message or 'it cannot be understood').splitlines()[0][:120]}"


class _Reads:
    """Walks an expression, refuses what is not on the list, and notes what is read."""

    def __init__(self) -> None:
        self.found: tuple[set[str], set[str], set[str], set[str]] = (set(), set(), set(), set())

    def visit(self, node: nodes.Node, written: str) -> None:
        """Note what `node` and all below it read; ValueError where something is not allowed."""
        if not isinstance(node, _ALLOWED):
            raise _refusal(written, f"{type(node).__name__.lower()} is not allowed in an expression")
        _refuse_private(node, written)
        if isinstance(node, nodes.Call):
            self.found[2].add(_secret_name(node, written))
            return
        if isinstance(node, nodes.Filter | nodes.Test):
            _refuse_unlisted(node, written)
        if isinstance(node, nodes.Name):
            self._name(node, written)
        elif not self._member(node):
            for child in node.iter_child_nodes():
                self.visit(child, written)

    def _name(self, node: nodes.Name, written: str) -> None:
        if node.name == "secret":
            raise _refusal(written, "a secret is read as secret('NAME')")
        if node.name == "steps":
            raise _refusal(written, "an earlier step is read as steps.<id>.output")
        self.found[0].add(node.name)

    def _member(self, node: nodes.Node) -> bool:
        """Whether this is `steps.<id>`, which is noted here and whose inside needs no further look."""
        inner, key = _access(node)
        if not isinstance(inner, nodes.Name) or key is None:
            return False
        if inner.name == "target":
            self.found[3].add(key)
        if inner.name != "steps":
            return False
        self.found[0].add("steps")
        self.found[1].add(key)
        return True


def _access(node: nodes.Node) -> tuple[nodes.Node | None, str | None]:
    """What is looked into and by which written name, for `a.b` and `a['b']`."""
    if isinstance(node, nodes.Getattr):
        return node.node, node.attr
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        return node.node, node.arg.value
    return None, None


def _refuse_private(node: nodes.Node, written: str) -> None:
    name = node.name if isinstance(node, nodes.Name) else _access(node)[1]
    if name is not None and (name.startswith("_") or (isinstance(node, nodes.Name) and name in _RESERVED)):
        raise _refusal(written, f"the name {name!r} is not allowed")


def _refuse_unlisted(node: nodes.Filter | nodes.Test, written: str) -> None:
    listed = FILTERS if isinstance(node, nodes.Filter) else TESTS
    what = "filter" if isinstance(node, nodes.Filter) else "test"
    if node.name not in listed:
        raise _refusal(written, f"there is no {what} {node.name!r}; there are: {', '.join(sorted(listed))}")
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise _refusal(written, f"the {what} {node.name!r} takes its arguments one by one")


def _secret_name(node: nodes.Call, written: str) -> str:
    """The name in `secret('NAME')`, the only call there is: written out, so that a check can see it."""
    if not isinstance(node.node, nodes.Name) or node.node.name != "secret":
        raise _refusal(written, "nothing can be called but secret('NAME'); use a filter: " + ", ".join(sorted(FILTERS)))
    plain = len(node.args) == 1 and not node.kwargs and node.dyn_args is None and node.dyn_kwargs is None
    name = node.args[0] if plain else None
    if not isinstance(name, nodes.Const) or not isinstance(name.value, str):
        raise _refusal(written, "a secret is read as secret('NAME') with its name written out")
    return name.value


def _refusal(written: str, why: str) -> ValueError:
    return ValueError(f"{shown(written)}: {why}")


@lru_cache(maxsize=1)
def _environment() -> NarrowSandbox:
    environment = NarrowSandbox(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True, optimized=False, cache_size=0
    )
    environment.globals.clear()
    filters: Mapping[str, Callable[..., Any]] = FILTERS
    environment.filters = dict(filters)
    environment.tests = {name: test for name, test in environment.tests.items() if name in TESTS}
    return environment


def _plain(value: Any) -> Any:
    """Plain JSON values; Unfillable for anything else."""
    if isinstance(value, Undefined):
        value._fail_with_undefined_error()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise Unfillable("it gives something that is no plain value")
