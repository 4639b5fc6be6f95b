"""SQL of DuckDB's dialect as Spark SQL of the same result: where types decide, they are worked out first."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from personas.engines.portable import parsed

DIALECT = "duckdb, normalization_strategy=case_sensitive"
LADDER = (
    exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT, exp.DType.INT128, exp.DType.DECIMAL,
    exp.DType.FLOAT, exp.DType.DOUBLE,
)  # fmt: skip
"""Of two numbers DuckDB computes with the later type."""
COERCED = {kind: set(LADDER[place + 1 :]) for place, kind in enumerate(LADDER)}
FLOATS, EXACT, INTEGERS = set(LADDER[6:]), set(LADDER[:6]), set(LADDER[:5])
TYPES = {
    "string": "VARCHAR", "boolean": "BOOLEAN", "tinyint": "TINYINT", "smallint": "SMALLINT", "int": "INTEGER",
    "bigint": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "date": "DATE", "timestamp": "TIMESTAMP",
    "timestamp_ntz": "TIMESTAMP", "binary": "BLOB", "void": "INTEGER",
}  # fmt: skip
"""Spark's names of types in DuckDB's words; what is not listed keeps its name (``decimal(18,4)``)."""


def spark_sql(sql: str, tables: Mapping[str, Mapping[str, str]], views: Mapping[str, str]) -> str:
    """One portable SELECT in Spark's dialect, every name quoted.

    Parameters
    ----------
    sql : str
        A SELECT in DuckDB's dialect that ``portable.parsed`` lets through.
    tables : mapping of str to mapping of str to str
        Columns and their types in DuckDB's words, per table.
    views : mapping of str to str
        What Spark calls each table.

    Raises
    ------
    NotPortable
        As ``portable.parsed``.

    >>> spark_sql("SELECT a / 2 AS half FROM t", {"t": {"a": "DECIMAL(18, 4)"}}, {"t": "v_t"})
    'SELECT CAST(`t`.`a` AS DOUBLE) / CAST(2 AS DOUBLE) AS `half` FROM `v_t` AS `t`'
    """
    kinds: dict[str, object] = {
        name: {column: _kind(words) for column, words in columns.items()} for name, columns in tables.items()
    }
    schema = MappingSchema(kinds, dialect=DIALECT, normalize=False)
    tree = qualify(parsed(sql), schema=schema, dialect=DIALECT, quote_identifiers=False, validate_qualify_columns=False)
    tree = _typed(tree, schema)
    made = {common.alias for common in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        if table.name in views and table.name not in made:
            table.this.set("this", views[table.name])
    # The innermost first, so that a rewritten part is inside the part that holds it.
    for node in reversed(list(tree.walk(bfs=False))):
        _rewrite(node)
    return tree.sql(dialect="spark", identify=True)


def _typed(tree: exp.Query, schema: MappingSchema) -> exp.Query:
    """The tree with types. Digits of DECIMAL are hidden meanwhile: with them, DECIMAL + DOUBLE would be a DECIMAL."""
    hidden = [(kind, kind.expressions) for kind in tree.find_all(exp.DataType) if kind.expressions]
    for kind, _ in hidden:
        kind.set("expressions", [])
    tree = annotate_types(tree, schema=schema, coerces_to=COERCED, dialect=DIALECT)
    for kind, digits in hidden:
        kind.set("expressions", digits)
    return tree


def _kind(words: str) -> exp.DataType:
    """A type without its digits."""
    kind = exp.DataType.build(words, dialect="duckdb")
    kind.set("expressions", [])
    return kind


def _rewrite(node: exp.Expr) -> None:
    """What the same words mean differently on Spark, in words that mean the same."""
    if isinstance(node, exp.Div):
        node.set("this", _as_double(node.this))
        node.set("expression", _as_double(node.expression))
    elif isinstance(node, exp.Cast):
        _rewrite_cast(node)
    elif isinstance(node, exp.Round) and _is(node.this, FLOATS) and node.args.get("decimals") is not None:
        # Spark rounds the shortest decimal text of a DOUBLE, DuckDB the product with the power of ten.
        power = _power(int(node.args["decimals"].name))
        node.replace(exp.Div(this=_round(exp.Mul(this=_paren(node.this), expression=power)), expression=power.copy()))
    elif isinstance(node, exp.WithinGroup):
        # sqlglot would make it an approximation.
        ordered = node.expression.expressions[0].this
        node.replace(exp.Anonymous(this="PERCENTILE", expressions=[ordered, node.this.this]))
    elif isinstance(node, exp.Log):
        node.replace(exp.Anonymous(this=f"LOG{node.this.name}", expressions=[node.expression]))
    elif isinstance(node, exp.CountIf):
        # NULL, not 0, where the condition is never known.
        known = exp.Case().when(node.this.copy(), "1").when(exp.not_(node.this.copy()), "0")
        node.replace(exp.Sum(this=known))
    elif isinstance(node, exp.Avg) and _is(node.this, EXACT):
        node.set("this", _as_double(node.this))


def _rewrite_cast(node: exp.Cast) -> None:
    """DuckDB rounds where Spark cuts off, and multiplies by the power of ten before it rounds to a DECIMAL."""
    inner, target = node.this, node.to
    if target.this == exp.DType.DECIMAL and _is(inner, FLOATS):
        digits = int(target.expressions[1].name) if len(target.expressions) > 1 else 0
        whole = _round(exp.Mul(this=_paren(inner), expression=_power(digits)))
        unit = exp.cast(exp.Literal.string(f"1E-{digits}"), f"DECIMAL({max(digits, 1)}, {digits})")
        scaled = exp.Mul(this=type(node)(this=whole, to=exp.DataType.build("DECIMAL(38, 0)")), expression=unit)
        node.set("this", scaled if digits else scaled.this)
    elif target.this in INTEGERS and _is(inner, FLOATS):
        node.set("this", exp.Anonymous(this="RINT", expressions=[inner]))
    elif target.this in INTEGERS and _is(inner, {exp.DType.DECIMAL}):
        node.set("this", _round(inner))


def _is(node: exp.Expr, kinds: set[exp.DType]) -> bool:
    return node.type is not None and node.type.this in kinds


def _as_double(node: exp.Expr) -> exp.Expr:
    return node if _is(node, {exp.DType.DOUBLE}) else exp.cast(_paren(node), "DOUBLE")


def _paren(node: exp.Expr) -> exp.Expr:
    return exp.paren(node) if isinstance(node, exp.Binary) else node


def _round(node: exp.Expr) -> exp.Round:
    return exp.Round(this=node)


def _power(digits: int) -> exp.Cast:
    return exp.cast(exp.Literal.string(f"1E{digits}"), "DOUBLE")


def duckdb_type(spark_type: str) -> str:
    """Spark's type in DuckDB's words.

    >>> duckdb_type("decimal(18,4)"), duckdb_type("string")
    ('DECIMAL(18,4)', 'VARCHAR')
    """
    return TYPES.get(spark_type, spark_type.upper())
