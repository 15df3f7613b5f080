"""The verbs that playbooks are made of: their list, and how they are loaded. Listing them imports none of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.domain.errors import ConfigError
from bot.plugin_lists import PluginList, Plugins
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
_LIST = PluginList("step", STEPS, GROUP, ("summary", "acts", "plan", "perform"), StepParams)


def open_steps() -> Mapping[str, Step]:
    """The steps by name, each imported when it is first asked for. ConfigError for a doubled name, and then for one
    that breaks."""
    return Plugins(_LIST)


def load_steps(names: Collection[str] | None = None) -> dict[str, Step]:
    """The steps by name: all, or only these. ConfigError for an unknown or doubled name and for one that breaks."""
    places = list_steps()
    for name in names or ():
        if name not in places:
            raise ConfigError(f"There is no step {name!r}", next=f"known: {', '.join(sorted(places))}")
    return {name: _LIST.load(name, place) for name, place in places.items() if names is None or name in names}


def list_steps() -> dict[str, str]:
    """`module:attribute` of every step there is, by name, those of other packages included. Imports none."""
    return _LIST.places()
