"""The history of the schema; Alembic runs it from inside the program."""
