"""The services that wake people, each behind `bot.ports.Pager`."""
