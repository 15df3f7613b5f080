"""The command line: one declarative table of words, and one module per kind of work, loaded on need."""
