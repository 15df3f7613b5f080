"""The gates: one file per kind, each an executable check with one objective; `GATES` lists them by name."""
