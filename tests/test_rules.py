"""Rule segments: who is kept apart under which name, worked out by hand, and that nobody and no cent is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from personas import features, sources
from personas.config import Config, load_config
from personas.engines import open_engine
from personas.errors import ConfigError, InputError
from personas.pipeline import run
from personas.readiness import check
from personas.rules import kept_apart
from personas.storage import load
from personas.study import Study

from .small_shop import order_rows, write_shop

RULES = """\
  rules:
    whales: 0.02
    staff: stores
    test_accounts: [C000, C003, NOBODY]
audiences:
  stores:
    where: [{table: orders, column: order_id, is: [A001-00, A003-00, A005-00]}]
"""
ROWS = order_rows(120)


def with_rules(folder: Path, rules: str = RULES, rows: list[list[str]] = ROWS, study: str = "") -> Config:
    path = write_shop(folder, rows)
    text = path.read_text().replace("k: [2, 4]", "k: 2").replace("  protocol: quick\n", f"  protocol: quick\n{rules}")
    path.write_text(text.replace("study:\n", f"study:\n{study}"))
    return load_config(path)


def revenue_of(rows: list[list[str]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for _, customer, _, amount, _ in rows:
        found[customer] = found.get(customer, 0.0) + float(amount)
    return found


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return run(with_rules(tmp_path_factory.mktemp("rules")))


def test_each_customer_belongs_to_the_first_rule_that_fits(study: Study) -> None:
    revenue = revenue_of(ROWS)
    # Numbers before audiences: C003 is a test account and not staff. 120 - 2 - 2 are left; 2% of 116 is 2.32, so 3.
    left = [c for c in revenue if c not in {"C000", "C003", "C001", "C005"}]
    whales = sorted(left, key=lambda c: (-revenue[c], c))[:3]
    wanted = {
        "test_accounts": (2, revenue["C000"] + revenue["C003"]),
        "staff": (2, revenue["C001"] + revenue["C005"]),
        "whales (top 2% by revenue)": (3, sum(revenue[c] for c in whales)),
    }
    found = {name: (count, money) for name, count, money in study.profiles.set_aside}
    assert list(found) == list(wanted)
    for name, (count, money) in wanted.items():
        assert found[name][0] == count and found[name][1] == pytest.approx(money, abs=0.005), name
    apart = {"C000", "C003", "C001", "C005", *whales}
    assert {row["customer_id"] for row in study.segments.to_pylist() if row["segment"] is None} == apart


def test_people_and_money_add_up_to_everybody(study: Study) -> None:
    apart = study.profiles.set_aside
    segments = study.profiles.segments
    assert sum(p.customers.value for p in segments) + sum(n for _, n, _ in apart) == study.about.customers_known == 120
    window = study.about.window_days / 365  # economics are told a year
    of_segments = sum(p.economics.revenue.value * p.customers.value for p in segments if p.economics.revenue) * window
    total = sum(revenue_of(ROWS).values())
    assert of_segments + sum(money for _, _, money in apart) == pytest.approx(total, abs=0.01)


def test_the_report_names_them_and_what_fits_nobody_is_said(study: Study) -> None:
    from personas.render.summary import lede

    texts = [notice.text for notice in study.notices if notice.code == "rule-segment"]
    assert texts[0] == (
        "the rule 'test_accounts' keeps 2 customers apart; they are counted in all totals. Of 3 listed, not in "
        "the data or taken by a rule before: 1"
    )
    assert "test accounts: 2 customers" in " ".join(lede(study))


def test_a_check_says_who_is_kept_apart_and_counts_the_others(tmp_path: Path) -> None:
    found = check(with_rules(tmp_path))
    assert [notice["count"] for notice in found["notices"] if notice["code"] == "rule-segment"] == [2, 2, 3]
    (clustering,) = [line for line in found["readiness"] if line["purpose"] == "clustering"]
    assert clustering["reason"].startswith("113 customers")


def test_a_study_names_no_customer_of_a_list(study: Study) -> None:
    assert study.config["segmentation"]["rules"]["test_accounts"] == "3 customer numbers"


def names_of(config: Config) -> dict[str, str]:
    """Customer -> the rule that keeps it apart, without a search."""
    with open_engine(**config.engine.model_dump()) as engine:
        tables = sources.prepare(engine, config)
        customers, _ = kept_apart(engine, tables, features.build(engine, tables, config), config)
        assert customers.apart is not None
        rows = engine.fetch(f"SELECT customer_id, rule FROM {customers.apart.name}", 1000).to_pylist()
    found = {row["customer_id"]: customers.apart_names[row["rule"]] for row in rows}
    assert len(found) == len(rows)
    return found


def test_customers_outside_of_the_studied_audience_are_named_so_and_no_whales(tmp_path: Path) -> None:
    more = "audiences:\n  shops:\n    label: shop buyers\n    where: [{table: orders, column: channel, is: store}]\n"
    found = names_of(with_rules(tmp_path, f"  rules: {{whales: 0.1}}\n{more}", study="  population: shops\n"))
    # Every third customer buys online; of the 80 others a tenth are whales.
    assert Counter(found.values()) == {"outside of the audience shop buyers": 40, "whales (top 10% by revenue)": 8}


def test_the_order_of_the_rows_and_of_equals_changes_nothing(tmp_path: Path) -> None:
    same = [[order, customer, day, "10.00", channel] for order, customer, day, _, channel in ROWS if order[-2:] == "00"]
    found = names_of(with_rules(tmp_path / "a", "  rules: {whales: 0.02}\n", same))
    # All spent 10: of 120, 2.4 and so 3, by number.
    assert sorted(found) == ["C000", "C001", "C002"]
    assert names_of(with_rules(tmp_path / "b", "  rules: {whales: 0.02}\n", same[::-1])) == found


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("  rules: {whales: 0.9}\n", "0.9 is no share"),
        ("  rules: {whales: 0.0}\n", "0 is no share"),
        ("  rules: {staff: stores}\n", "no audience 'stores'"),
        ("  rules: {tests: []}\n", "the list of customer numbers is empty"),
    ],
)
def test_rules_without_sense_are_told(tmp_path: Path, rules: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        with_rules(tmp_path, rules)
    assert words in str(error.value)


def test_listed_numbers_are_refused_where_numbers_are_hashed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        with_rules(tmp_path, "  rules: {tests: [C1]}\n", study="  hash_ids_with: SECRET\n")
    assert "customer numbers are hashed" in str(error.value)


def test_rules_that_leave_nobody_stop_the_study(tmp_path: Path) -> None:
    rules = "  rules: {all: all}\naudiences:\n  all:\n    where: [{table: orders, column: channel, known: true}]\n"
    with pytest.raises(InputError, match="keep everybody apart"):
        run(with_rules(tmp_path, rules))


def test_assigning_customers_keeps_those_apart_whom_a_rule_fits(study: Study) -> None:
    import pandas as pd

    forming = [column.feature for column in study.coding.columns]
    frame = pd.DataFrame({name: [1.0] * 5 for name in forming}, index=["C000", "C001", "new", "rich", "poor"])
    (cut,) = study.rule_cuts.values()
    # C000 is on the list and C001 was staff at the fit; a top share is known by the least revenue of the fit.
    frame["revenue_per_year"] = [0.0, cut * 2, 0.0, cut, cut * 0.999]
    found = study.assign(frame)
    assert found["rule"].fillna("").tolist() == ["test_accounts", "staff", "", "whales (top 2% by revenue)", ""]
    assert (found["segment"] == -1).tolist() == [True, True, False, True, False]
    assert found["persona"].isna().tolist() == [True, True, False, True, False]
    # Staff are told by their orders, which a frame of features has not: only those of the fit are known.
    assert list(found.attrs["rules_not_told"]) == ["staff"]
    assert "there is no table of orders" in found.attrs["rules_not_told"]["staff"]
    whales = [row for row in study.segments.to_pylist() if row["rule"] and row["rule"].startswith("whales")]
    yearly = min(revenue_of(ROWS)[row["customer_id"]] for row in whales) * 365 / study.about.window_days
    assert cut == pytest.approx(yearly, abs=1e-6)


def test_an_audience_of_feature_columns_is_told_of_new_customers(tmp_path: Path) -> None:
    import pandas as pd

    rules = "  rules: {rare: seldom, whales: 0.05}\naudiences:\n"
    rules += "  seldom:\n    where: [{column: orders_per_year, below: 2}]\n"
    study = run(with_rules(tmp_path, rules))
    study.save(tmp_path / "study")
    forming = [column.feature for column in study.coding.columns]
    frame = pd.DataFrame({name: [1.0, 1.0] for name in forming}, index=["a", "b"])
    frame["orders_per_year"] = [1.5, 2.0]
    for one in (study, load(tmp_path / "study")):
        found = one.assign(frame)
        assert found["rule"].fillna("").tolist() == ["rare", ""]
        assert list(found.attrs["rules_not_told"]) == ["whales (top 5% by revenue)"]  # no revenue_per_year
