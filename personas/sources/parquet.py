"""Parquet files before anybody relies on them: a short file may hold twenty gigabytes, whatever its footer says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from personas.errors import InputError, LimitError
from personas.sources.containers import MAX_UNPACKED

if TYPE_CHECKING:
    import pyarrow as pa

FREE = 1024**3
"""Up to here any ratio is allowed: columns that repeat themselves shrink to almost nothing."""
MAX_RATIO = 1_000
WHOLE = 256 * 1024**2
"""Files up to here are decoded once from end to end, larger ones in samples."""
BATCH = 16_384
"""Rows that are decoded at a time."""
CELL = 8
"""Bytes that a cell takes at least once it is read."""


def probe(path: Path) -> None:
    """Decode the file in small steps and keep nothing of it.

    Raises
    ------
    InputError
        For pages that cannot be decoded.
    LimitError
        When it holds more than is read: 20 GiB, or over 1 GiB more than 1,000 times its size.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    packed = path.stat().st_size
    try:
        with pq.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, len(file.schema_arrow)
            _refuse(path, packed, rows * columns * CELL if packed > WHOLE else 0)
            size = seen = 0
            for batch in file.iter_batches(batch_size=BATCH, use_threads=False):
                size += sum(_spread(column).nbytes for column in batch.columns)
                seen += batch.num_rows
                # Of a short file all is read, but what it would come to is known long before its end.
                _refuse(path, packed, max(size, int(size / seen * rows)))
                if packed > WHOLE and seen >= 8 * BATCH:
                    return
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise InputError(f"{path.name} is a damaged Parquet file ({type(error).__name__}). Write it again") from error


def _spread(column: pa.Array) -> pa.Array:
    """A column as it is once it is read: a dictionary is written out."""
    import pyarrow as pa

    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column


def _refuse(path: Path, packed: int, size: int) -> None:
    if size > MAX_UNPACKED or (size > FREE and size > MAX_RATIO * packed):
        raise LimitError(
            f"{path.name} unpacks to about {size:,} bytes from {packed:,}: at most {MAX_RATIO} times its size is read. "
            "If that is right, write it again without a dictionary, or leave its long texts out"
        )
