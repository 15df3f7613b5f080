"""The sandbox that expressions and notices share: look-ups reach into data only, and little never becomes much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Undefined
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bot.adapters.filters import MAX_CHARACTERS, Unfillable

MAX_NUMBER = 10**30


class NarrowSandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, narrowed: look-ups reach into maps and lists only, operators keep numbers and texts small."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: the item `b` of a map, never an attribute."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`a[b]`: an item of a map, a list or a text."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Mapping):
            return obj[argument] if isinstance(argument, str) and argument in obj else self._absent(argument, obj)
        if isinstance(obj, list | tuple | str) and isinstance(argument, int | slice):
            try:
                return obj[argument]
            except IndexError:
                return self.undefined(hint=f"there is no item {argument}", name=str(argument))
        return self.undefined(hint=f"{str(argument)[:80]!r} is not there: this is no map", name=str(argument))

    def _absent(self, argument: Any, obj: Mapping[str, Any]) -> Undefined:
        known = ", ".join(str(key)[:40] for key in list(obj)[:12]) or "nothing"
        hint = f"{str(argument)[:80]!r} is not there; there is: {known}"
        return self.undefined(hint=hint, name=str(argument))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002
        """Numbers with numbers, and `+` for two texts or two lists; nothing may grow huge."""
        if isinstance(left, Undefined) or isinstance(right, Undefined):
            return self.binop_table[operator](left, right)
        if operator == "+" and _are_both_of_a_kind(left, right):
            if len(left) + len(right) > MAX_CHARACTERS:
                raise Unfillable(f"a text or a list grows beyond {MAX_CHARACTERS // 1024} Ki")
            return left + right
        if not (_is_number(left) and _is_number(right)):
            raise Unfillable(f"'{operator}' works on numbers{', texts or lists' if operator == '+' else ''} only")
        if operator == "**" and abs(right) > 100:
            raise Unfillable("a number grows too large")
        result = self.binop_table[operator](left, right)
        if _is_number(result) and abs(result) > MAX_NUMBER:
            raise Unfillable("a number grows too large")
        return result


def _are_both_of_a_kind(left: Any, right: Any) -> bool:
    return any(isinstance(left, kind) and isinstance(right, kind) for kind in (str, list))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
