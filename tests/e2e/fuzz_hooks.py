"""Read by the fuzzer: how a body of NDJSON, which it does not know, is written."""

from __future__ import annotations

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")  # type: ignore[untyped-decorator]
def as_lines(_context: Any, value: Any) -> bytes:
    """Text stands for itself, so whatever was made up is sent; anything else is one line of JSON."""
    if isinstance(value, bytes):
        return value
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")
