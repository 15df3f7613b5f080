"""Configuration: strict YAML files of policies and playbooks, checked against each other and against the steps."""

from bot.adapters.configuration.loader import load_configuration

__all__ = ["load_configuration"]
