"""Commands that read files and touch nothing else: init, check, parse, decide, version."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.cli.session import complain, settings_of, show
from bot.domain.configuration import Configuration
from bot.domain.errors import BadInput, ConfigError, NotFound
from bot.plugins import AlertSource

_HEADER_LINE = re.compile(r"([A-Za-z][A-Za-z0-9-]*): *(.*)")


def version(_: argparse.Namespace) -> int:
    """The version installed."""
    from importlib.metadata import version as installed

    show(f"andon {installed('andon')}")
    return 0


def init(args: argparse.Namespace) -> int:
    """Write the example."""
    from bot.adapters.configuration.example import write_example

    folder = Path(args.dir)
    for path in write_example(folder):
        show(f"wrote {path}")
    show(f"Next: `andon check {folder}`, then `andon up --config {folder}`.")
    return 0


def check(args: argparse.Namespace) -> int:
    """Exit 0, or 1 with one `file:line: message` per fault."""
    named = args.dir or args.config
    folder = Path(named) if named else settings_of(args).config
    try:
        configuration = _load(folder)
        if args.strict:
            _refuse_unreviewed(args, folder)
    except ConfigError as error:
        if args.json:
            show({"faults": [asdict(fault) for fault in error.faults] or [{"message": str(error)}], "warnings": []})
        else:
            show(str(error))
            complain(_how_many(len(error.faults), folder))
        return 1
    if args.json:
        show({"faults": [], "warnings": [asdict(fault) for fault in configuration.warnings]})
        return 0
    for warning in configuration.warnings:
        show(f"{warning} (warning)")
    counts = f"policies: {len(configuration.policies)}, playbooks: {len(configuration.playbooks)}"
    show(f"{folder}: no faults ({counts})")
    return 0


def _refuse_unreviewed(args: argparse.Namespace, folder: Path) -> None:
    """ConfigError for what strict mode would not take, by what git or the environment says alone."""
    from bot.adapters.configuration.opening import origins_of
    from bot.adapters.configuration.provenance import config_files, unreviewed

    files = config_files(folder)
    found = origins_of(settings_of(args).model_copy(update={"config": folder.absolute()})).of(files)
    if faults := tuple(unreviewed(file, found[file.key]) for file in files if not found[file.key].is_reviewed):
        raise ConfigError(f"The configuration in {folder} is not reviewed", faults=faults)


def _how_many(faults: int, folder: Path) -> str:
    if faults == 0:
        return f"{folder} cannot be read; nothing was checked"
    return f"{faults} fault{'s' if faults > 1 else ''} in {folder}; nothing of it comes into force until all is right"


def parse(args: argparse.Namespace) -> int:
    """The normalised events of a recorded request."""
    from bot.domain.alert_json import alert_json

    source, (raw, headers) = _source(args.source), _recorded(args)
    show([alert_json(alert) for alert in source.parse(raw, headers)])
    return 0


def decide(args: argparse.Namespace) -> int:
    """What would be decided for each alert, on a service that nothing is known of yet."""
    from bot.cli.rehearsal import decisions

    configuration = _load(Path(args.config) if args.config else settings_of(args).config)
    source, (raw, headers) = _source(args.source), _recorded(args)
    alerts = source.parse(raw, headers)
    show({"decisions": decisions(alerts, configuration)})
    return 0


def _load(folder: Path) -> Configuration:
    from bot.adapters.configuration import load_configuration
    from bot.adapters.shipped import shipped_folder
    from bot.gates import load_gates
    from playbooks.steps import load_steps

    return load_configuration(folder, steps=load_steps(), gates=load_gates(), shipped=shipped_folder("playbooks"))


def _source(name: str) -> AlertSource:
    from handlers.alerts import load_sources

    sources: Mapping[str, Any] = load_sources()
    if name not in sources:
        raise NotFound(f"No alert source {name!r}", next=f"known: {', '.join(sorted(sources))}")
    source: AlertSource = sources[name]
    return source


def _recorded(args: argparse.Namespace) -> tuple[bytes, dict[str, str]]:
    """Body and headers. Header lines before the body, as HTTP writes them, are read too; `--header` wins."""
    text = _read(args.file)
    head, gap, body = text.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = head.decode("latin-1").splitlines()
    matches = [_HEADER_LINE.fullmatch(line) for line in lines]
    if not gap or not lines or not all(matches):
        return text, dict(args.header)
    found = {match[1].lower(): match[2].strip() for match in matches if match}
    return body, {**found, **dict(args.header)}


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"{name} cannot be read", why=error.strerror or str(error)) from error
