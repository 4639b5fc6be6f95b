"""Simulated tables as CSV files: exact cents, ISO dates, an empty cell for what is not known, always the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.simulate.rhythm import FIRST_DAY
from personas.simulate.traits import Flags, Integers


def numbered(prefix: str, number: Integers, width: int) -> NDArray[np.bytes_]:
    """Text ids such as ``S0000001``: a prefix and a number filled up with zeros, (m,) fixed-width bytes."""
    text = np.empty((len(number), len(prefix) + width), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode("ascii"), dtype=np.uint8)
    rest = number.astype(np.int64)
    for place in range(width - 1, -1, -1):
        text[:, len(prefix) + place] = 48 + rest % 10
        rest = rest // 10
    return text.reshape(-1).view(f"S{len(prefix) + width}")


def ids(text: NDArray[np.bytes_], unknown: Flags | None = None) -> Any:
    """Arrow text of fixed-width ids, without a loop over the rows; ``unknown`` cells are empty."""
    import pyarrow as pa

    width = text.dtype.itemsize
    offsets = np.arange(0, (len(text) + 1) * width, width, dtype=np.int64)
    column = pa.Array.from_buffers(
        pa.large_string(), len(text), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))]
    )
    return column if unknown is None else blanked(column, unknown)


def words(names: NDArray[np.str_] | tuple[str, ...], code: Integers, unknown: Flags | None = None) -> Any:
    """Arrow text from codes into a short list of names."""
    import pyarrow as pa

    return pa.array(list(names), pa.large_string()).take(pa.array(code, mask=unknown))


def money(cents: Integers) -> Any:
    """Arrow DECIMAL(18,2) from whole cents: no binary fraction ever touches the amounts."""
    import pyarrow as pa

    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0] = cents
    wide[:, 1] = np.where(cents < 0, -1, 0)
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(wide)])


def days(offset: Integers) -> Any:
    """Arrow dates from days since the start of the history."""
    import pyarrow as pa

    epoch = np.datetime64(FIRST_DAY, "D").astype(np.int64)
    return pa.array((offset + epoch).astype(np.int32), pa.int32()).cast(pa.date32())


def whole(numbers: Integers, unknown: Flags | None = None) -> Any:
    """Arrow integers; ``unknown`` cells are empty."""
    import pyarrow as pa

    return pa.array(numbers, pa.int64(), mask=unknown)


def blanked(column: Any, unknown: Flags) -> Any:
    """The column with some cells emptied."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pa.array(unknown), pa.scalar(None, column.type), column)


def write_csv(path: Path, columns: Mapping[str, Any], rows: Integers | None = None) -> int:
    """Rows written. ``rows`` picks (and may repeat) rows in the order of the file."""
    import pyarrow as pa
    import pyarrow.csv as pacsv

    table = pa.table(dict(columns))
    if rows is not None:
        table = table.take(pa.array(rows))
    with path.open("wb") as file:
        file.write((",".join(columns) + "\n").encode("utf-8"))
        pacsv.write_csv(table, file, pacsv.WriteOptions(include_header=False))
    return int(table.num_rows)
