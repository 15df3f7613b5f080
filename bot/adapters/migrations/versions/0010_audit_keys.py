"""The audit trail: signed heads, anchors, and the only way past what the database itself refuses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True).with_variant(sa.Text(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# A row may be emptied of a person, and nothing else of it may change: once for each row of `audit_erasures`, each of
# which names an entry of the trail that says so.
MAY_CHANGE = (
    "NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.action = OLD.action AND NEW.erased = OLD.erased + 1 "
    "AND NEW.erased = (SELECT count(*) FROM audit_erasures WHERE audit_id = OLD.id)"
)
# A program of before digests were kept may still run beside a new one: what it chained behind a signed head would
# never verify, and nothing could make it good.
IS_DIGESTED = "NEW.row_digest IS NOT NULL OR NOT EXISTS (SELECT 1 FROM audit_heads)"
IS_NAMED = (
    "EXISTS (SELECT 1 FROM audit WHERE id = NEW.entry_id AND action = 'audit.erased') "
    "AND EXISTS (SELECT 1 FROM audit WHERE id = NEW.audit_id)"
)


def upgrade() -> None:
    op.add_column("audit", sa.Column("erased", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("audit_seals", sa.Column("row_digest", KEY))
    op.create_index("audit_by_subject", "audit", ["subject"])
    _audit_heads()
    _audit_erasures()
    _audit_anchors()
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _audit_heads() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("previous", KEY, nullable=False),
        sa.Column("signature", KEY, nullable=False),
        sa.PrimaryKeyConstraint("position", name="audit_heads_pkey"),
    )


def _audit_erasures() -> None:
    op.create_table(
        "audit_erasures",
        sa.Column("number", NUMBER, sa.Identity(), nullable=False),
        sa.Column("audit_id", NUMBER, nullable=False),
        sa.Column("entry_id", NUMBER, nullable=False),
        sa.Column("before", KEY, nullable=False),
        sa.Column("after", KEY, nullable=False),
        sa.PrimaryKeyConstraint("number", name="audit_erasures_pkey"),
        sa.UniqueConstraint("audit_id", "entry_id", name="audit_erasures_audit_id_entry_id_key"),
    )
    op.create_index("audit_erasures_by_entry_id_audit_id", "audit_erasures", ["entry_id", "audit_id"])


def _audit_anchors() -> None:
    op.create_table(
        "audit_anchors",
        sa.Column("target", KEY, nullable=False),
        sa.Column("slot", MOMENT, nullable=False),
        sa.Column("position", NUMBER, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("notice_id", KEY),
        sa.PrimaryKeyConstraint("target", "slot", name="audit_anchors_pkey"),
    )


def _guard_sqlite() -> None:
    op.execute("DROP TRIGGER audit_no_update")
    _refuse_on_sqlite("audit", "UPDATE", f"coalesce({MAY_CHANGE}, 0) = 0", "no_update")
    for table in ("audit_heads", "audit_erasures"):
        for word in ("UPDATE", "DELETE"):
            _refuse_on_sqlite(table, word, "1", f"no_{word.lower()}")
    _refuse_on_sqlite("audit_erasures", "INSERT", f"NOT ({IS_NAMED})", "named")
    _refuse_on_sqlite("audit_seals", "INSERT", f"NOT ({IS_DIGESTED})", "digested")
    # INSERT OR REPLACE takes the old row away without asking the triggers about deletion.
    for table, key in (("audit", "id"), ("audit_seals", "position"), ("audit_heads", "position")):
        exists = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608 - names of our own
        _refuse_on_sqlite(table, "INSERT", f"NEW.{key} > 0 AND {exists}", "no_replace")
    exists = "EXISTS (SELECT 1 FROM audit_seals WHERE audit_id = NEW.audit_id)"
    _refuse_on_sqlite("audit_seals", "INSERT", exists, "no_replace_of_row")
    exists = "EXISTS (SELECT 1 FROM audit_erasures WHERE audit_id = NEW.audit_id AND entry_id = NEW.entry_id)"
    _refuse_on_sqlite("audit_erasures", "INSERT", exists, "no_replace")


def _refuse_on_sqlite(table: str, word: str, when: str, name: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_{name} BEFORE {word} ON {table} WHEN {when} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _guard_postgresql() -> None:
    for name, when in (
        ("refuse_unless_erased", MAY_CHANGE),
        ("refuse_unless_named", IS_NAMED),
        ("refuse_unless_digested", IS_DIGESTED),
    ):
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {when} THEN RETURN NEW; END IF; "
            f"RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
    op.execute("DROP TRIGGER audit_no_update ON audit")
    _ask_on_postgresql("audit", "UPDATE", "ROW", "no_update", "refuse_unless_erased")
    _ask_on_postgresql("audit_erasures", "INSERT", "ROW", "named", "refuse_unless_named")
    _ask_on_postgresql("audit_seals", "INSERT", "ROW", "digested", "refuse_unless_digested")
    for table in ("audit_heads", "audit_erasures"):
        for word, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            _ask_on_postgresql(table, word, each, f"no_{word.lower()}", "refuse_change")


def _ask_on_postgresql(table: str, word: str, each: str, name: str, function: str) -> None:
    op.execute(f"CREATE TRIGGER {table}_{name} BEFORE {word} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()")
