"""The verbs that playbooks are made of: their list, and how they are loaded. Listing them imports none of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from bot.domain.errors import ConfigError
from bot.plugins import Step, StepParams

STEPS: Mapping[str, str] = {
    "ask_approval": "playbooks.steps.ask_approval:AskApproval",
    "check_incumbent": "playbooks.steps.check_incumbent:CheckIncumbent",
    "freeze_release": "playbooks.steps.freeze_release:FreezeRelease",
    "http_request": "playbooks.steps.http_request:HttpRequest",
    "pause": "playbooks.steps.pause:Pause",
    "post_notice": "playbooks.steps.post_notice:PostNotice",
    "run_script": "playbooks.steps.run_script:RunScript",
    "wait_for_http": "playbooks.steps.wait_for_http:WaitForHttp",
    "wait_for_metric": "playbooks.steps.wait_for_metric:WaitForMetric",
}

GROUP = "andon.steps"
"""The entry point group of steps that other packages bring."""


def load_steps(names: Collection[str] | None = None) -> dict[str, Step]:
    """The steps by name: all, or only these. ConfigError for an unknown or doubled name and for one that breaks."""
    places = list_steps()
    for name in names or ():
        if name not in places:
            raise ConfigError(f"There is no step {name!r}", next=f"known: {', '.join(sorted(places))}")
    return {name: _loaded(name, place) for name, place in places.items() if names is None or name in names}


def list_steps() -> dict[str, str]:
    """`module:attribute` of every step there is, by name, those of other packages included. Imports none."""
    places = dict(STEPS)
    for point in _foreign():
        if point.name in places:
            raise ConfigError(
                f"Two steps are called {point.name!r}: {places[point.name]} and {point.value}",
                next="uninstall one of the packages, or rename its entry point",
            )
        places[point.name] = point.value
    return places


def _foreign() -> list[EntryPoint]:
    # One package seen twice (an editable install beside a wheel) is still one.
    return sorted(set(entry_points(group=GROUP)), key=lambda point: (point.name, point.value))


def _loaded(name: str, place: str) -> Step:
    module, _, attribute = place.partition(":")
    try:
        step: Step = getattr(import_module(module), attribute)()
    except Exception as error:
        # Whatever a foreign package raises while it loads, the answer names the package.
        raise ConfigError(
            f"Step {name!r} cannot be loaded from {place}", why=f"{type(error).__name__}: {error}"
        ) from error
    missing = [one for one in ("summary", "acts", "plan", "perform") if not hasattr(step, one)]
    params = getattr(step, "Params", None)
    if missing or not (isinstance(params, type) and issubclass(params, StepParams)):
        raise ConfigError(f"Step {name!r} from {place} is no step", why=f"it lacks {', '.join([*missing, 'Params'])}")
    if getattr(step, "name", None) != name:
        raise ConfigError(f"Step {name!r} from {place} calls itself {getattr(step, 'name', None)!r}")
    return step
