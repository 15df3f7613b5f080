"""Rows out of Parquet, by pyarrow: flat columns of numbers, booleans and text, looked at before they are spread out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.domain.errors import BadInput
from bot.evidence.kinds import Limits
from bot.evidence.rows import Rows, refuse_many

_LONGEST_FOOTER = 8 * 2**20
_MOST_PARTS = 100_000
_AT_ONCE = 65_536


def parquet_rows(body: bytes, limits: Limits) -> Rows:
    """The flat columns; those of other types are named in `left_out`.

    Sizes are checked by what the footer says, then batch by batch by what is really there. Text stays coded by its
    dictionary, so that a short file of one long text in every row stays short.
    """
    import pyarrow as pa

    try:
        file, names, left_out = _opened(body, limits)
        columns: dict[str, list[Any]] = {name: [] for name in names}
        rows = 0
        for batch in file.iter_batches(batch_size=_AT_ONCE, columns=names, use_threads=False):
            rows += batch.num_rows
            refuse_many(rows, len(names), limits)
            for name in names:
                columns[name].extend(_cells(batch.column(batch.schema.get_field_index(name)), name, rows, limits))
    except BadInput:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise BadInput(
            "The evidence is not a Parquet file that can be read",
            why=type(error).__name__,
            next="write it again with pyarrow or another current library",
        ) from error
    return Rows(columns, rows if names else file.metadata.num_rows, tuple(left_out))


def parquet_schema(body: bytes, limits: Limits) -> Any:
    """The Arrow schema of a Parquet file; nothing but its footer is read. BadInput as above."""
    import pyarrow as pa

    try:
        return _opened(body, limits)[0].schema_arrow
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput("The evidence is not a Parquet file that can be read", why=type(error).__name__) from error


def _opened(body: bytes, limits: Limits) -> tuple[Any, list[str], list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def open_file(coded: list[str]) -> Any:
        return pq.ParquetFile(
            pa.BufferReader(body),
            read_dictionary=coded,
            thrift_string_size_limit=_LONGEST_FOOTER,
            thrift_container_size_limit=_MOST_PARTS,
        )

    file = open_file([])
    schema, metadata = file.schema_arrow, file.metadata
    refuse_many(metadata.num_rows, len(schema), limits)
    if len(set(schema.names)) != len(schema):
        raise BadInput("The Parquet file names a column twice", next="name each once")
    said = sum(metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups))
    if metadata.num_rows < 0 or said < 0:
        raise BadInput("The Parquet file is damaged", why="its footer counts below zero")
    if said > limits.unpacked_bytes:
        raise BadInput(
            "The Parquet file is too large", why=f"it says {said} bytes; {limits.unpacked_bytes} are allowed"
        )
    names = [field.name for field in schema if _is_flat(field.type)]
    left_out = [field.name for field in schema if not _is_flat(field.type)]
    coded = [field.name for field in schema if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
    return (open_file(coded) if coded else file), names, left_out


def _is_flat(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string,
             types.is_decimal, types.is_null)  # fmt: skip
    return any(test(kind) for test in tests)


def _cells(array: Any, name: str, upto: int, limits: Limits) -> Sequence[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import types

    if types.is_dictionary(array.type):
        values = _cells(array.dictionary, name, upto, limits)
        return [None if place is None else values[place] for place in array.indices.to_pylist()]
    if types.is_decimal(array.type):
        array = array.cast(pa.float64())
    if types.is_floating(array.type):
        if not pc.all(pc.is_finite(array.cast(pa.float64())), skip_nulls=True, min_count=0).as_py():
            first = pc.index(pc.is_finite(array.cast(pa.float64())), pa.scalar(False)).as_py()
            raise BadInput(
                f"Row {upto - len(array) + first + 1} of the evidence holds NaN or an infinite number",
                why=f"in the column {name[:60]!r}",
                next="write a null where there is no value",
            )
    elif types.is_string(array.type) or types.is_large_string(array.type):
        longest = pc.max(pc.binary_length(array)).as_py() or 0
        if longest > limits.text * 4:
            raise BadInput(f"The column {name[:60]!r} holds too long a text", why=f"{limits.text} characters")
    cells: list[Any] = array.to_pylist()
    return cells
