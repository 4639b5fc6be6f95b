"""Only SQL that means the same on every engine gets through."""

from __future__ import annotations

import pytest

from personas.engines.portable import NotPortable, emit, quoted, text_literal


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(DISTINCT order_id) FILTER (WHERE is_sale) AS orders FROM orders GROUP BY customer_id",
        "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY amount) AS p25 FROM orders",
        "SELECT date_diff('day', max(ordered_on), DATE '2026-11-01') AS recency_days FROM orders",
        "SELECT sum(CASE WHEN channel = 'online' THEN 1 ELSE 0 END) / nullif(count(*), 0) AS online_share FROM orders",
        "SELECT log10(x) AS a, log2(x) AS b, ln(x) AS c, power(x, 2) AS e FROM t",
        "SELECT id, row_number() OVER (PARTITION BY id ORDER BY day NULLS LAST) AS place FROM t QUALIFY place = 1",
        "SELECT substr(md5(customer_id), 1, 8) AS bucket FROM customers",
        "SELECT try_cast(x AS DOUBLE) AS x, CAST(y AS DECIMAL(18, 4)) AS y FROM t",
    ],
)
def test_proven_functions_pass(sql: str) -> None:
    assert emit(sql, "duckdb").startswith("SELECT ")


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT mode(channel) FROM orders", "Mode"),  # ties: first seen or smallest, by engine
        ("SELECT skewness(x) FROM t", "kewness"),  # sample or population
        ("SELECT corr(x, y) FROM t", "Corr"),  # of one row: NaN or NULL
        ("SELECT regr_slope(x, y) FROM t", "RegrSlope"),
        ("SELECT dayofweek(d) FROM t", "DayOfWeek"),  # 0 or 1 is Sunday
        ("SELECT approx_count_distinct(x) FROM t", "Approx"),
        ("SELECT regexp_replace(x, 'a', 'b') FROM t", "RegexpReplace"),  # the first or all of them
        ("SELECT hash(x) FROM t", "hash"),
        ("SELECT log(x) FROM t", "log"),  # base 10 or e
        ("SELECT quantile_cont(x, 0.5) FROM t", "WITHIN GROUP"),
        ("SELECT x // 2 AS half FROM t", "IntDiv"),
        ("SELECT concat(a, b) AS c FROM t", "Concat"),  # NULL is skipped or wins
        ("SELECT extract(dow FROM d) AS d FROM t", "Extract"),
        ("SELECT t.*, u.x FROM t JOIN u ON t.id = u.id", "SELECT *"),
        ("SELECT count(* FROM t", "not SQL"),
        ("SELECT x * 1.5 FROM t", "1.5"),  # Spark reads it as DECIMAL(2,1)
        ("SELECT x, count(*) FROM t GROUP BY ALL", "GROUP BY ALL"),
        ("SELECT random() FROM t", "Rand"),
        ("SELECT now() FROM t", "now"),
        ("SELECT * FROM read_csv('secret.csv')", "ReadCSV"),
        ("SELECT getenv('HOME')", "getenv"),
    ],
)
def test_what_differs_between_engines_is_refused_by_name(sql: str, named: str) -> None:
    with pytest.raises(NotPortable) as refusal:
        emit(sql, "duckdb")
    assert named in str(refusal.value)
    assert refusal.value.exit_code == 6  # SQL of ours: a bug of ours, never the reader's fault


@pytest.mark.parametrize(
    "sql",
    ["DROP TABLE orders", "COPY orders TO 'x.csv'", "SELECT 1; SELECT 2", "INSERT INTO t VALUES (1)", "SET threads=1"],
)
def test_anything_but_one_select_is_refused(sql: str) -> None:
    with pytest.raises(NotPortable):
        emit(sql, "duckdb")


@pytest.mark.parametrize("name", ["customer_id", 'a"b', 'x"; DROP TABLE t; --', "Größe", "select", "a b", "a\nb", "%s"])
def test_a_quoted_name_is_one_identifier_whatever_it_contains(name: str) -> None:
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse(f"SELECT {quoted(name)} FROM t", read="duckdb")
    assert len(tree) == 1 and tree[0] is not None
    assert [column.name for column in tree[0].find_all(exp.Column)] == [name]


@pytest.mark.parametrize("value", ["plain", "O'Neill", "'; DROP TABLE t; --", "back\\slash", "a\nb", "日本", ""])
def test_a_text_literal_is_one_text_whatever_it_contains(value: str) -> None:
    import duckdb

    assert duckdb.sql(f"SELECT {text_literal(value)} AS x").fetchall() == [(value,)]
