"""The only folder that touches the outside: SQL, Redis, HTTP, processes, files, templates."""
