"""What Spark is asked, without Spark: the words that mean something else there are replaced."""

from __future__ import annotations

import pytest

from personas.engines.portable import NotPortable
from personas.engines.sparksql import spark_sql

TABLES = {"t": {"x": "DOUBLE", "m": "DECIMAL(18,4)", "i": "BIGINT", "s": "VARCHAR", "h": "HUGEINT"}}


def spark(columns: str, rest: str = "") -> str:
    """The columns of a SELECT as Spark gets them, without the name of the table."""
    sql = spark_sql(f"SELECT {columns} AS c FROM t{rest}", TABLES, {"t": "v"})
    return sql.removeprefix("SELECT ").split(" AS `c` FROM ")[0].replace("`t`.", "").replace("`", "")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        # DECIMAL / DECIMAL is a DECIMAL on Spark
        ("m / i", "CAST(m AS DOUBLE) / CAST(i AS DOUBLE)"),
        ("x / (m - 1)", "x / CAST((m - 1) AS DOUBLE)"),
        # Spark cuts off where DuckDB rounds: a DOUBLE to the even neighbour, a DECIMAL away from 0
        ("CAST(x AS BIGINT)", "CAST(RINT(x) AS BIGINT)"),
        ("CAST(m AS BIGINT)", "CAST(ROUND(m) AS BIGINT)"),
        ("CAST(i AS BIGINT)", "CAST(i AS BIGINT)"),
        ("CAST(h + x AS BIGINT)", "CAST(RINT(h + x) AS BIGINT)"),  # a sum of integers is a HUGEINT
        # Spark rounds the shortest text of a DOUBLE, DuckDB its product with the power of ten
        ("round(x, 2)", "ROUND(x * CAST('1E2' AS DOUBLE)) / CAST('1E2' AS DOUBLE)"),
        ("round(m, 2)", "ROUND(m, 2)"),
        (
            "CAST(m + x AS DECIMAL(18, 2))",
            "CAST(CAST(ROUND((m + x) * CAST('1E2' AS DOUBLE)) AS DECIMAL(38, 0)) * CAST('1E-2' AS DECIMAL(2, 2))"
            " AS DECIMAL(18, 2))",
        ),
        ("CAST(m + i AS DECIMAL(18, 2))", "CAST(m + i AS DECIMAL(18, 2))"),
        # sqlglot's own words would be an approximation, and a quotient of two logarithms
        ("percentile_cont(0.25) WITHIN GROUP (ORDER BY x)", "PERCENTILE(x, 0.25)"),
        ("log10(x)", "LOG10(x)"),
        ("avg(m)", "AVG(CAST(m AS DOUBLE))"),
        ("count_if(x > 1)", "SUM(CASE WHEN x > 1 THEN 1 WHEN NOT x > 1 THEN 0 END)"),
        ("'back\\slash'", "'back\\\\slash'"),
    ],
)
def test_what_means_something_else_on_spark_is_said_in_other_words(ours: str, theirs: str) -> None:
    assert spark(ours) == theirs


def test_the_type_of_a_column_of_an_inner_select_is_known() -> None:
    sql = "SELECT CAST(u.y AS BIGINT) AS c FROM (SELECT CASE WHEN i > 1 THEN m ELSE x END AS y FROM t) AS u"
    assert "RINT(`u`.`y`)" in spark_sql(sql, TABLES, {"t": "v"})


def test_nulls_come_last_and_a_name_of_an_inner_select_hides_a_table() -> None:
    sql = "WITH u AS (SELECT i FROM t) SELECT i FROM u ORDER BY i"
    written = spark_sql(sql, {**TABLES, "u": {"i": "BIGINT"}}, {"t": "v", "u": "w"})
    assert "NULLS LAST" in written and "FROM `v`" in written and "`w`" not in written


def test_every_name_is_quoted_and_keeps_its_letters() -> None:
    tables = {'a"b': {"Größe`": "BIGINT"}}
    written = spark_sql('SELECT "Größe`" AS "order" FROM "a""b"', tables, {'a"b': "v_0"})
    assert written == 'SELECT `a"b`.`Größe``` AS `order` FROM `v_0` AS `a"b`'


def test_what_is_not_on_the_list_does_not_reach_spark() -> None:
    with pytest.raises(NotPortable):
        spark_sql("SELECT skewness(x) FROM t", TABLES, {"t": "v"})
