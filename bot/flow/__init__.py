"""The path of an event, one file per leg."""
