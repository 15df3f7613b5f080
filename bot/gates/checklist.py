"""The gate `checklist`: items of readiness, each signed by somebody in its role."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, StrictBool, model_validator

from bot.domain.conditions import Compile
from bot.domain.fields import Name
from bot.domain.gates import Figure, GateVerdict, Judgement, Signature
from bot.evidence.kept import listing, mapping
from bot.gate_plugins import GateContext, GateParams, Measured
from bot.plugins import RoleField

SUBJECT = "item:"
_MOST_SIGNATURES = 20


class Item(GateParams):
    """One item: its name, the role whose signature counts, and whether the author's own counts for nothing."""

    name: Name
    role: Annotated[Name, RoleField()]
    not_author: StrictBool = False


class ChecklistParams(GateParams):
    """`items`."""

    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _names_are_clear(self) -> Self:
        names = [one.name for one in self.items]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two items are called {twice!r}")
        return self


class Checklist:
    """Every item needs the signature of a holder of its role. One that is not signed yet is unknown, never failed."""

    name: ClassVar[str] = "checklist"
    summary: ClassVar[str] = "Every item of readiness is signed by somebody in its role"
    Params: ClassVar[type[GateParams]] = ChecklistParams

    def title(self, params: ChecklistParams) -> str:
        """`3 items signed`."""
        count = len(params.items)
        return f"{params.items[0].name} signed by {params.items[0].role}" if count == 1 else f"{count} items signed"

    def collect(self, params: ChecklistParams, ctx: GateContext) -> Measured:
        """Who signed what, whether the role is held now, and whether it was the candidate's author."""
        author = ctx.manifest.get("author")
        facts = {
            "author_known": bool(author),
            "items": {item.name: _signatures(item, ctx, author) for item in params.items},
        }
        return Measured(facts)

    def judge(self, params: ChecklistParams, measured: Measured, compile: Compile) -> Judgement:  # noqa: A002, ARG002
        """Passes where each item has a signature that counts."""
        items = mapping(measured.facts.get("items"))
        is_author_known = measured.facts.get("author_known") is True
        open_ = {item.name: _missing(item, items.get(item.name), is_author_known) for item in params.items}
        reasons = {name: why for name, why in open_.items() if why}
        signed = len(params.items) - len(reasons)
        wanted = f"at least {len(params.items)}"
        figure = Figure("items signed", float(signed), wanted, n=len(params.items), unit="items")
        details = {"open": reasons, "signed": [name for name, why in open_.items() if not why]}
        if not reasons:
            return Judgement(GateVerdict.PASS, f"all {signed} items are signed", (figure,), details)
        words = "; ".join(list(reasons.values())[:4])
        more = f"; and {len(reasons) - 4} more" if len(reasons) > 4 else ""
        return Judgement(GateVerdict.UNKNOWN, f"{words}{more}", (figure,), details)


def _signatures(item: Item, ctx: GateContext, author: object) -> list[dict[str, Any]]:
    """Twenty at most; those that count come first, so that others cannot crowd them out."""
    found = [_signature(one, item, ctx, author) for one in ctx.signatures if one.subject == f"{SUBJECT}{item.name}"]
    return sorted(found, key=lambda one: (not one["holds"], one["is_author"]))[:_MOST_SIGNATURES]


def _signature(one: Signature, item: Item, ctx: GateContext, author: object) -> dict[str, Any]:
    is_author = isinstance(author, str) and bool(author) and ctx.same_person(one.by, author)
    return {
        "id": one.id,
        "by": one.by,
        "at": one.at.isoformat(),
        "role": item.role,
        "holds": ctx.holds_role(one.by, item.role),
        "is_author": is_author,
    }


def _missing(item: Item, kept: object, is_author_known: bool) -> str:
    """Why this item is open, empty where a signature counts."""
    signatures = [one for one in listing(kept) if isinstance(one, Mapping)]
    in_role = [one for one in signatures if one.get("holds") is True and one.get("role") == item.role]
    whose = f"{item.name} is not signed by anybody in the role {item.role}"
    if not in_role:
        strangers = sorted({str(one.get("by")) for one in signatures})
        return f"{whose}; {', '.join(strangers[:5])} signed it without that role" if strangers else f"{whose} yet"
    if not item.not_author:
        return ""
    if not is_author_known:
        return f"{item.name} may not be signed by the author alone, and the manifest names no author"
    if all(one.get("is_author") is not False for one in in_role):
        return f"{item.name} is signed by the candidate's author only; somebody else in the role {item.role} has to"
    return ""
