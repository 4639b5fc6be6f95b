"""Margins by category: every line of an order at the rate of its own category, and what the table does not say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from personas.config import Config, load_config
from personas.engines import Engine, open_engine
from personas.errors import ConfigError
from personas.narrative.formatting import assumed
from personas.profiles.affinity import pairs, read_baskets
from personas.profiles.goods import margin_notices
from personas.profiles.ledger import Ledger, build_ledger
from personas.sources.canonical import Tables
from tests.profiles.fixture import LINES, arrow, config, labelled, order, shop

RATES = {"Tea": 0.6, "books": 0.25, "others": 0.4}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with open_engine(threads=1) as opened:
        yield opened


Line = tuple[str, str, str | None, str, str | None]
"""Order, customer, category, amount, unit cost."""


def shop_of(engine: Engine, orders: Sequence[Sequence[Any]], lines: Sequence[Line], **more: Any) -> Tables:
    """A shop whose order lines have categories."""
    tables = shop(engine, ["a", "b"], orders, [], **more)
    rows = [(number, who, True, amount, "1", cost) for number, who, _, amount, cost in lines]
    data = arrow(LINES, rows).append_column("category", pa.array([line[2] for line in lines], pa.string()))
    return Tables(**{name: getattr(tables, name) for name in tables.__slots__ if name != "order_lines"},
                  order_lines=engine.read("order_lines", data))  # fmt: skip


def ledger_of(engine: Engine, tables: Tables, **economics: Any) -> Ledger:
    return build_ledger(
        engine, tables.customers, labelled(engine, ["a", "b"], [0, 1]), tables, config(**economics)
    )


def margins(engine: Engine) -> dict[str, Decimal]:
    rows = engine.fetch("SELECT customer_id, gross_margin FROM ledger", 10).to_pylist()
    return {row["customer_id"]: row["gross_margin"] for row in rows}


def test_every_line_leaves_the_margin_of_its_own_category(engine: Engine) -> None:
    # a: tea 33.33 leaves 60% = 19.998, books 10.01 leave 25% = 2.5025, a hat 7 leaves 40% = 2.8: 25.3005.
    # b: a cap without a category at 40% of 10 = 4; an order without lines at 40% of 5 = 2.
    lines: list[Line] = [("o1", "a", "tea", "33.33", None), ("o1", "a", "Books", "10.01", None),
                         ("o1", "a", "hats", "7", None), ("o2", "b", None, "10", None)]  # fmt: skip
    orders = [order("o1", "a", "50.34"), order("o2", "b", "10"), order("o3", "b", "5")]
    ledger_of(engine, shop_of(engine, orders, lines), margin_rate=RATES)
    assert margins(engine) == {"a": Decimal("25.3005"), "b": Decimal("6")}


def test_a_known_cost_wins_over_the_margin_of_its_category(engine: Engine) -> None:
    # tea of 20 cost 15, books of 40 leave 25% of 40: 5 + 10
    lines: list[Line] = [("o1", "a", "tea", "20", "15"), ("o1", "a", "books", "40", None)]
    ledger_of(engine, shop_of(engine, [order("o1", "a", "60")], lines), margin_rate=RATES)
    assert margins(engine)["a"] == Decimal("15")


def test_what_was_paid_for_an_order_and_not_its_price_list_is_its_revenue(engine: Engine) -> None:
    # lines of 100 (tea 50, books 50), of which 80 were paid: tea leaves 60% of 40, books 25% of 40: 34.
    # b sends tea of 30 back: the row has lines of its own, 60% of 30 are lost again: 60 - 18 = 42 of 70.
    lines: list[Line] = [("o1", "a", "tea", "50", None), ("o1", "a", "books", "50", None),
                         ("o2", "b", "tea", "100", None), ("r2", "b", "tea", "-30", None)]  # fmt: skip
    orders = [order("o1", "a", "80"), order("o2", "b", "100"), order("r2", "b", "-30")]
    ledger_of(engine, shop_of(engine, orders, lines), margin_rate=RATES)
    assert margins(engine) == {"a": Decimal("34"), "b": Decimal("42")}


def test_a_negative_margin_stays_one_and_a_hundred_percent_costs_nothing(engine: Engine) -> None:
    lines: list[Line] = [("o1", "a", "tea", "50", None), ("o2", "b", "gift cards", "50", None)]
    orders = [order("o1", "a", "50"), order("o2", "b", "50")]
    rates = {"tea": -0.2, "gift cards": 1, "others": 0}
    ledger_of(engine, shop_of(engine, orders, lines), margin_rate=rates)
    assert margins(engine) == {"a": Decimal("-10"), "b": Decimal("50")}


def test_every_rate_is_an_assumption_that_is_told(engine: Engine) -> None:
    lines: list[Line] = [("o1", "a", "tea", "20", "15"), ("o1", "a", "books", "40", None)]
    ledger = ledger_of(engine, shop_of(engine, [order("o1", "a", "60")], lines), margin_rate=RATES)
    assert [(a.what, assumed(a)) for a in ledger.assumptions] == [
        ("gross margin", "product costs, known for 33.3% of order value; by category where they are not known"),
        ("gross margin of Tea", "60% of revenue (economics.margin_rate)"),
        ("gross margin of books", "25% of revenue (economics.margin_rate)"),
        ("gross margin of every other category", "40% of revenue (economics.margin_rate)"),
    ]


def test_names_that_nobody_sold_and_categories_without_a_rate_are_said(engine: Engine) -> None:
    # of 100 without a cost 30 are hats and 10 have no category; the pens have a cost and need no rate
    lines: list[Line] = [("o1", "a", "tea", "60", None), ("o1", "a", "hats", "30", None),
                         ("o1", "a", None, "10", None), ("o1", "a", "pens", "7", "2")]  # fmt: skip
    tables = shop_of(engine, [order("o1", "a", "107")], lines)
    rates = {"tea": 0.6, "hatts": 0.5, "others": 0.4}
    found = margin_notices(engine, tables, config(margin_rate=rates).economics)
    assert [(n.code, n.count) for n in found] == [("margin-not-sold", 1), ("margin-others", 2)]
    assert found[0].text == (
        "economics.margin_rate names 'hatts' (Did you mean 'hats'?), and no order line without a cost has that "
        "category."
    )
    assert found[1].text == (
        "40% of the value of order lines without a cost counts with the margin of others (economics.margin_rate): "
        "'hats', without a category."
    )
    assert {n.code for n in found} <= {n.code for n in ledger_of(engine, tables, margin_rate=rates).notices}
    plain = shop(engine, ["a", "b"], [order("o1", "a", "5")])
    without = margin_notices(engine, plain, config(margin_rate=rates).economics)
    assert [n.code for n in without] == ["margin-no-category"]
    assert margin_notices(engine, tables, config(margin_rate=0.4).economics) == []


def test_pairs_of_categories_leave_what_the_margins_say(engine: Engine) -> None:
    # 40 orders of tea (10, 60%) with books (20, 25%), 40 of hats alone: tea leaves 6, books 5
    lines: list[Line] = []
    for i in range(40):
        lines += [(f"t{i}", f"t{i}", "tea", "10", None), (f"t{i}", f"t{i}", "books", "20", None),
                  (f"h{i}", f"h{i}", "hats", "10", None)]  # fmt: skip
    who = [f"{kind}{i}" for i in range(40) for kind in "th"]
    tables = shop_of(engine, [order(one, one, "30" if one[0] == "t" else "10") for one in who], lines)
    labels = labelled(engine, who, [0] * len(who))
    known = read_baskets(engine, tables, labels, config(margin_rate=RATES).economics)
    unknown = read_baskets(engine, tables, labels, config().economics)
    assert known is not None and unknown is not None
    assert [(p.first, p.second, p.margin) for p in pairs(known)] == [("books", "tea", 6.0)]
    # without costs the amount ranks, and what stays is unknown
    assert [(p.first, p.second, p.margin) for p in pairs(unknown)] == [("tea", "books", None)]


SHOP = "study: {name: s}\nsources: {orders: {file: o.csv}}\neconomics:\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("  margin_rate: {tea: 0.6}", "line 4, economics.margin_rate: say what the categories leave that are not "
         "named, such as others: 0.40. Nothing is taken for 0"),
        ("  margin_rate: {tea: 60, others: 0.4}", "line 4, economics.margin_rate.tea: write at most 1.0 (found 60)"),
        ("  margin_rate: {tea: 0.6, Tea: 0.5, others: 0.4}", "line 4, economics.margin_rate: Tea, tea are the same "
         "category: capital and small letters count alike"),
        ("  margin_rate: much", "line 4, economics.margin_rate: write a number (found 'much')"),
    ],
)  # fmt: skip
def test_a_table_without_a_rule_for_the_rest_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP + text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert refused.value.problems == (problem,)


def test_the_table_comes_back_from_a_saved_configuration() -> None:
    made = config(margin_rate=RATES)
    assert Config.model_validate(made.model_dump(mode="json")).economics.margin_rate == RATES
    assert Config.model_validate_json(made.model_dump_json()) == made
