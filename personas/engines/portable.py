"""The SQL that means the same on every engine, as data; anything else is refused before it runs.

Feature and profile SQL is written once, in DuckDB's dialect. ``parsed`` refuses what is not on the list; ``emit``
writes the rest for DuckDB and ``sparksql.spark_sql`` for Spark, where types decide over the words. Adding a function to
the list is a claim that it is equal on every engine: the parity tests prove each entry.
"""

from __future__ import annotations

import sqlglot
from sqlglot import exp

from personas.errors import PersonasError

ALLOWED: dict[str, str] = {
    # aggregates
    "Count": "count", "Sum": "sum", "Avg": "avg", "Min": "min", "Max": "max",
    "Stddev": "stddev_samp", "StddevSamp": "stddev_samp", "Variance": "var_samp", "Median": "median",
    "PercentileCont": "percentile_cont", "WithinGroup": "WITHIN GROUP", "CovarSamp": "covar_samp",
    "ArgMax": "max_by", "CountIf": "count_if", "LogicalOr": "bool_or", "Filter": "FILTER",
    # scalars
    "Case": "CASE", "If": "CASE WHEN", "Coalesce": "coalesce", "Nullif": "nullif", "Greatest": "greatest",
    "Least": "least", "Ln": "ln", "Exp": "exp", "Sqrt": "sqrt", "Pow": "power", "Sign": "sign", "Floor": "floor",
    "Ceil": "ceil", "Round": "round", "Abs": "abs", "Cast": "CAST", "TryCast": "try_cast",
    # days
    "Month": "month", "Year": "year", "WeekOfYear": "weekofyear", "TimestampTrunc": "date_trunc",
    "DateTrunc": "date_trunc", "DateDiff": "date_diff", "DateStrToDate": "date literal",
    # text
    "MD5": "md5", "Substring": "substr", "Lower": "lower", "Upper": "upper", "Trim": "trim", "Length": "length",
    "BitLength": "bit_length", "SplitPart": "split_part", "StrPosition": "position", "DPipe": "||",
    # windows
    "Lag": "lag", "RowNumber": "row_number",
    # logic that sqlglot counts among the functions
    "And": "AND", "Or": "OR", "Xor": "XOR", "Exists": "EXISTS",
}  # fmt: skip
ALLOWED_NAMED = {"log10", "log2"}
"""Functions that sqlglot does not know by a class of their own, by name."""


class NotPortable(PersonasError):
    """SQL of ours uses something that is not proven equal on every engine: a bug of ours."""


def emit(sql: str, dialect: str = "duckdb") -> str:
    """The same SELECT in the engine's dialect.

    Parameters
    ----------
    sql : str
        One SELECT in DuckDB's dialect.
    dialect : str
        Of sqlglot. Only ``"duckdb"`` keeps every meaning; for Spark see ``sparksql.spark_sql``.

    Raises
    ------
    NotPortable
        For anything but one SELECT, a function outside the list, a decimal literal (engines keep different digits),
        ``SELECT *`` over a join, or ``GROUP BY ALL``.

    >>> emit("SELECT customer_id, count(*) AS orders FROM orders GROUP BY customer_id", "duckdb")
    'SELECT customer_id, COUNT(*) AS orders FROM orders GROUP BY customer_id'
    """
    return parsed(sql).sql(dialect=dialect)


def parsed(sql: str) -> exp.Query:
    """One SELECT in DuckDB's dialect as a tree. Raises NotPortable as ``emit``."""
    try:
        trees = sqlglot.parse(sql, read="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise NotPortable(f"this is not SQL ({str(error).splitlines()[0]}), in: {sql[:200]}") from error
    if len(trees) != 1 or not isinstance(trees[0], exp.Query):
        raise NotPortable(f"only one SELECT passes, in: {sql[:200]}")
    refuse_unproven(trees[0], sql)
    return trees[0]


def refuse_unproven(tree: exp.Expr, sql: str) -> None:
    """Raise NotPortable for the first thing that is not proven equal on every engine."""
    for node in tree.walk():
        if isinstance(node, exp.Anonymous):
            if node.name.lower() not in ALLOWED_NAMED:
                raise NotPortable(f"function {node.name!r} is not proven equal on every engine, in: {sql[:200]}")
        elif isinstance(node, exp.Log):
            base = node.args.get("this")
            if not (node.expression and isinstance(base, exp.Literal) and base.name in {"2", "10"}):
                raise NotPortable(f"log() has another base on another engine: write ln, log10 or log2, in: {sql[:200]}")
        elif isinstance(node, exp.IntDiv) or (isinstance(node, exp.Func) and type(node).__name__ not in ALLOWED):
            raise NotPortable(f"{type(node).__name__} is not proven equal on every engine, in: {sql[:200]}")
        elif isinstance(node, exp.PercentileCont) and not isinstance(node.parent, exp.WithinGroup):
            raise NotPortable(f"write percentile_cont(p) WITHIN GROUP (ORDER BY x), in: {sql[:200]}")
        elif isinstance(node, exp.Literal) and not (node.is_string or node.name.isdigit() or is_percentile(node)):
            raise NotPortable(f"the literal {node.name} may lose digits: CAST a text or use integers, in: {sql[:200]}")
        elif isinstance(node, exp.Group) and node.args.get("all"):
            raise NotPortable(f"GROUP BY ALL passes through unchanged and fails elsewhere, in: {sql[:200]}")
        elif isinstance(node, exp.Select) and node.args.get("joins") and any(star.is_star for star in node.expressions):
            raise NotPortable(f"SELECT * over a join gives other names elsewhere: name the columns, in: {sql[:200]}")


def is_percentile(literal: exp.Literal) -> bool:
    """Whether the literal is the p of ``percentile_cont(p)``, the one place where engines agree on short decimals."""
    return isinstance(literal.parent, exp.PercentileCont) and len(literal.name) <= 5


def quoted(name: str) -> str:
    """A name as a quoted identifier, whatever it contains.

    >>> print(quoted('a"b; drop table t'))
    "a""b; drop table t"
    """
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def text_literal(value: str) -> str:
    """A text as a quoted SQL literal.

    >>> print(text_literal("O'Neill"))
    'O''Neill'
    """
    return exp.Literal.string(value).sql(dialect="duckdb")
