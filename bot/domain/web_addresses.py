"""Web addresses as files name them: what is accepted as one, and how it is shown without its secrets."""

from __future__ import annotations

from urllib.parse import urlsplit


def checked_url(value: str) -> str:
    """The address as it is. ValueError where it is not http or https, or carries a user name or password."""
    if not value.lower().startswith(("http://", "https://")):
        raise ValueError("an address starts with http:// or https://")
    if "@" in value.split("//", 1)[1].split("/", 1)[0]:
        raise ValueError("an address holds no user name and no password: put credentials into a header")
    return value


def shown_url(url: str) -> str:
    """Scheme, host, port and path: a user name, a query (presigned addresses keep their key there) and a fragment
    are left out, and so is everything of what cannot be read as an address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that cannot be read"
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{place}{'' if port is None else f':{port}'}{parts.path}"
