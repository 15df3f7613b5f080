"""The methods of Slack's Web API that Andon calls, the events it hears, and the scopes that they need."""

from __future__ import annotations

from collections.abc import Mapping

METHODS: Mapping[str, tuple[str, ...]] = {
    "auth.test": (),
    "apps.connections.open": (),  # the app token's own scope, connections:write
    "chat.postMessage": ("chat:write",),
    "chat.postEphemeral": ("chat:write",),
    "chat.update": ("chat:write",),
    "chat.getPermalink": (),
    "conversations.history": ("channels:history", "groups:history", "im:history"),
    "conversations.replies": ("channels:history", "groups:history", "im:history"),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.open": ("im:write",),
    "files.info": ("files:read",),
    "usergroups.users.list": ("usergroups:read",),
    "users.info": ("users:read",),
    "users.lookupByEmail": ("users:read.email",),
    "views.open": (),
    "views.update": (),
}
"""The closed list of methods, with the scopes of the bot token that each needs."""

EVENTS: Mapping[str, str] = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}
"""The events that Andon subscribes to, with the scope that each needs."""

COMMANDS = "commands"
"""What slash commands and shortcuts need."""

WITHOUT: Mapping[str, str] = {
    "channels:history": "decisions and action items in threads are not heard, and a lost answer may post twice",
    "channels:read": "channels cannot be checked",
    "chat:write": "nothing can be sent",
    "commands": "/halt-release and /andon do not exist",
    "files:read": "notes and transcripts cannot be read",
    "groups:history": "private channels are not heard, and a lost answer may post twice there",
    "groups:read": "private channels cannot be checked",
    "im:history": "a lost answer may post a message to a person twice",
    "im:write": "people cannot be written to",
    "reactions:read": "reactions record nothing",
    "usergroups:read": "roles that are user groups have no members",
    "users:read": "nobody is recognised, so nobody may give orders",
    "users:read.email": "people cannot be found by their mail address",
}
"""Every scope of the bot token, with what does not work without it."""


def needed_scopes() -> frozenset[str]:
    """Every scope that the bot token must have."""
    return frozenset({COMMANDS, *EVENTS.values(), *(scope for scopes in METHODS.values() for scope in scopes)})
