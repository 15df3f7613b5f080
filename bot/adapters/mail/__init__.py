"""Mail as a medium: a letter becomes a message, the message goes to one server under one deadline."""
