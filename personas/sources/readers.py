"""A source as it is: text columns from a text file, typed ones from Parquet, Arrow or a DataFrame."""

from __future__ import annotations

import hashlib
import io
from array import array
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personas.config import SourceConfig
from personas.errors import InputError, PersonasError
from personas.sources.child import read_apart, read_parquets
from personas.sources.containers import unpacked
from personas.sources.databases import read_database
from personas.sources.dialect import clean_header
from personas.sources.gate import content_hash, kind_of, locate, sha256_of
from personas.sources.parquet import probe
from personas.sources.postgres import Snapshots, read_postgres
from personas.sources.raw import Raw, in_backticks
from personas.sources.textfile import read_content

__all__ = ["Raw", "Snapshots", "read_source", "read_together"]

if TYPE_CHECKING:
    import pyarrow as pa


APART = frozenset({"gzip", "zip", "sqlite", "duckdb", "parquet"})
"""Kinds whose readers are not written in Python, or which may hold far more than they weigh: read by a child."""
LARGE = 32 * 1024**2
"""Files of text from this size on are read by a child too; below it a child would cost more than the reading."""


def read_source(name: str, source: SourceConfig, folder: Path, snapshots: Snapshots | None = None) -> Raw:
    """The source ``name`` as it is; files that could crash a reader or swell are read by a child with limits.

    Tables of a database server come from ``snapshots``, those that share it all of one moment.

    Raises
    ------
    InputError
        When it is missing, unreadable, ambiguous or uneven; always with what to do.
    LimitError
        When it is larger than what is read.
    """
    if source.data is not None:
        return _from_memory(name, source.data)
    if source.postgres is not None:
        with nullcontext(snapshots) if snapshots else Snapshots() as opened:
            return read_postgres(name, source, opened)
    paths = locate(name, source, folder)
    foreign = source.package is None and any(kind_of(path) in APART for path in paths)
    if foreign or sum(path.stat().st_size for path in paths) >= LARGE:
        return read_apart(name, source, folder)
    return read_here(name, source, folder)


def read_together(sources: Mapping[str, SourceConfig], folder: Path) -> dict[str, Raw]:
    """Those of the sources that one child read at once: Parquet files that are sound."""
    several = {name: source for name, source in sources.items() if _is_foreign_parquet(name, source, folder)}
    return read_parquets(several, folder) if len(several) > 1 else {}


def _is_foreign_parquet(name: str, source: SourceConfig, folder: Path) -> bool:
    if source.data is not None or source.postgres is not None or source.package is not None:
        return False
    try:
        return all(kind_of(path) == "parquet" for path in locate(name, source, folder))
    except PersonasError:  # said when the source is read alone
        return False


def read_here(name: str, source: SourceConfig, folder: Path) -> Raw:
    """The files of a source, read in this process; raises as ``read_source``."""
    paths = locate(name, source, folder)
    kinds = [kind_of(path) for path in paths]
    if "parquet" in kinds and len(set(kinds)) > 1:
        raise InputError(f"sources.{name}.file mixes Parquet and other files. Name files of one kind")
    if source.format not in ("auto", *kinds) and not {"zip", "gzip"} & set(kinds):
        raise InputError(f"{paths[0].name} is {kinds[0]} by its first bytes, not {source.format}. Write format: auto")
    if kinds[0] == "parquet":
        raw = _from_parquet(name, paths)
        if source.package is None:
            for path in paths:
                probe(path)
        return raw
    return _joined(name, [_one_file(name, path, kind, source) for path, kind in zip(paths, kinds, strict=True)])


def _one_file(name: str, path: Path, kind: str, source: SourceConfig) -> Raw:
    """One file of text, JSON or a workbook, packed or not, or a table of a database file."""
    if kind in ("sqlite", "duckdb"):
        return read_database(name, path, kind, source)
    return read_content(name, path, unpacked(path, kind), source)


def _from_memory(name: str, data: Any) -> Raw:
    """A DataFrame of pandas or Spark, or an Arrow table; a DataFrame's index is ignored."""
    import pyarrow as pa

    label = f"the {name} given"
    if hasattr(data, "toArrow") and hasattr(data, "selectExpr"):
        return _from_spark(name, label, data)
    if not isinstance(data, pa.Table):
        try:
            data = pa.Table.from_pandas(data, preserve_index=False)
        except (AttributeError, TypeError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
            said = " ".join(map(str, error.args))
            raise InputError(
                f"{label} are neither an Arrow table nor a DataFrame (pandas, Spark) of plain columns: {said}"
            ) from error
    data = data.replace_schema_metadata(None)
    columns = clean_header([str(column) for column in data.column_names], label)
    data = data.rename_columns(columns)
    if data.num_rows == 0:
        raise InputError(f"{label} have no rows")
    types = tuple(str(field.type) for field in data.schema)
    facts: dict[str, object] = {"file": label, "format": "memory"}
    return Raw(name, label, data, tuple(columns), types, False, data.num_rows, 0, 0, None, facts, _hash_of_table(data))


def _from_spark(name: str, label: str, frame: Any) -> Raw:
    """A DataFrame of Spark stays where it is. Moments are taken as its session shows them."""
    import pyarrow as pa

    columns = clean_header(list(frame.columns), label)
    if columns != list(frame.columns):
        raise InputError(f"{label}: a column name begins or ends with a blank. Rename it")
    shown, types, hashed = [], [], []
    for field in frame.limit(0).toArrow().schema:
        name_there, kind = in_backticks(field.name), field.type
        moment = pa.types.is_timestamp(kind) and kind.tz
        shown.append(f"CAST({name_there} AS TIMESTAMP_NTZ) AS {name_there}" if moment else name_there)
        types.append(str(pa.timestamp(kind.unit) if moment else kind))
        hashed += [] if pa.types.is_map(kind) else [name_there]
    frame = frame.selectExpr(*shown)
    # The order of the rows does not count, how often a row is there does.
    found = frame.selectExpr(f"xxhash64({', '.join(hashed)}) AS h").selectExpr(
        "count(*) AS n", "bit_xor(h) AS x", "CAST(sum(CAST(h AS DECIMAL(38, 0))) AS STRING) AS s"
    )
    records, *content = found.toArrow().to_pylist()[0].values()
    if records == 0:
        raise InputError(f"{label} have no rows")
    facts: dict[str, object] = {"file": label, "format": "spark"}
    sha = hashlib.sha256(repr((columns, tuple(types), records, content)).encode()).hexdigest()
    return Raw(name, label, (frame,), tuple(columns), tuple(types), False, records, 0, 0, None, facts, sha)


def _hash_of_table(table: pa.Table) -> str:
    """The content hash of the table as CSV; nested values as their text."""
    import pyarrow as pa
    import pyarrow.csv as csv

    for position, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = pa.array([str(value) for value in table.column(position).to_pylist()])
            table = table.set_column(position, field.name, texts)
    sink = io.BytesIO()
    csv.write_csv(table, sink)
    return content_hash(sink.getvalue())


def _from_parquet(name: str, paths: list[Path]) -> Raw:
    """Parquet files with the same columns; only the footers are read here."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    records, schema = 0, None
    label = ", ".join(path.name for path in paths)
    for path in paths:
        try:
            footer = pq.ParquetFile(path)
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"{path.name} is a damaged Parquet file ({error}). Write it again") from error
        records += footer.metadata.num_rows
        found = footer.schema_arrow.remove_metadata()
        if schema is not None and not found.equals(schema):
            raise InputError(f"{path.name} has other columns than {paths[0].name}. Give all files the same columns")
        schema = found
    if schema is None or records == 0:
        raise InputError(f"{label} has no rows")
    columns = clean_header([str(column) for column in schema.names], label)
    if columns != list(schema.names):
        raise InputError(f"{label}: a column name begins or ends with a blank. Rename it")
    shas = [sha256_of(path) for path in paths]
    facts: dict[str, object] = {"file": label, "format": "parquet"}
    types = tuple(str(field.type) for field in schema)
    return Raw(name, label, tuple(paths), tuple(columns), types, False, records, 0, 0, None, facts, _one_hash(shas))


def _one_hash(hashes: Sequence[str]) -> str:
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def _added(parts: Sequence[tuple[tuple[str, int], ...]]) -> tuple[tuple[str, int], ...]:
    total: dict[str, int] = {}
    for reason, count in (pair for part in parts for pair in part):
        total[reason] = total.get(reason, 0) + count
    return tuple(total.items())


def _joined(name: str, parts: list[Raw]) -> Raw:
    """Several text files of the same columns as one; the order of the columns may differ."""
    import pyarrow as pa

    first = parts[0]
    if len(parts) == 1:
        return first
    for part in parts[1:]:
        if odd := sorted(set(part.columns) ^ set(first.columns)):
            raise InputError(f"{part.label} and {first.label} differ in the columns {', '.join(odd)}. Make them equal")
    if len({part.sha256 for part in parts}) < len(parts):
        raise InputError(f"two files of sources.{name} have the same content. Name each once")
    tables = [part.data.select(list(first.columns)) for part in parts if not isinstance(part.data, tuple)]
    lines, starts = array("q"), []
    for part in parts:
        starts.append((len(lines), part.label))
        lines.extend(part.lines or ())
    return Raw(
        name, ", ".join(part.label for part in parts),
        pa.concat_tables(tables), first.columns, first.types, True,
        sum(part.records for part in parts), sum(part.ragged for part in parts), sum(part.blank for part in parts),
        lines, {**first.facts, "file": ", ".join(str(part.facts["file"]) for part in parts)},
        _one_hash([part.sha256 for part in parts]), tuple(starts), _added([part.dropped for part in parts]),
    )  # fmt: skip
