"""What the measurements ran on: processor, cores, kernel, Python, and the versions that matter."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

LIBRARIES = (
    "fastapi", "httptools", "httpx", "hiredis", "psycopg", "pydantic", "redis", "rq", "sqlalchemy", "starlette",
    "uvicorn", "uvloop", "common-expression-language", "numpy", "scipy",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """Rows for the end of a report."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
