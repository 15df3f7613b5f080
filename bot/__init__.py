"""The head: understands, decides, runs, remembers."""
