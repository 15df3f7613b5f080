"""What matters of a page to a test: links, forms, ids, labels, tags and attributes."""

from __future__ import annotations

from html.parser import HTMLParser

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class PageReader(HTMLParser):
    """A page as it was read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what it is."""
        given = {key: value or "" for key, value in attrs}
        self.tags.add(tag)
        self.attributes |= set(given)
        self.ids += [given["id"]] if "id" in given else []
        if tag == "a":
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append((given["action"], {}))
        elif tag == "label":
            self.labelled.add(given["for"])
        elif tag in ("input", "select", "textarea"):
            self.inputs += [given.get("id", "")] if given.get("type") != "hidden" else []
            self.forms[-1][1][given["name"]] = given.get("value", "")

    @property
    def actions(self) -> set[str]:
        """Where its forms go."""
        return {where for where, _ in self.forms}

    def form(self, action: str, **wanted: str) -> dict[str, str]:
        """The fields of the first form with this address that holds these values."""
        forms = [fields for where, fields in self.forms if where == action]
        return dict(next(fields for fields in forms if wanted.items() <= fields.items()))

    def check_strict(self) -> None:
        """No scripts, no styles of its own, unique ids, every input labelled, links within the page lead somewhere."""
        assert not self.tags & {"script", "style", "iframe", "object", "img"}
        assert not {name for name in self.attributes if name.startswith("on") or name == "style"}
        assert len(self.ids) == len(set(self.ids)), "an id occurs twice"
        assert not [one for one in self.inputs if one not in self.labelled]
        assert not [link for link in self.links if link.lower().startswith(("javascript", "data"))]
        assert {link[1:] for link in self.links if link.startswith("#")} <= set(self.ids)
