"""Rule segments: who is kept apart under which name, worked out by hand, and that nobody and no cent is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from personas.config import Config, load_config
from personas.errors import ConfigError, InputError
from personas.pipeline import run
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
    text = path.read_text().replace("  protocol: quick\n", f"  protocol: quick\n{rules}")
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
    rows = zip(study.segments.column("customer_id").to_pylist(), study.segments.column("segment").to_pylist(), strict=True)
    assert {customer for customer, segment in rows if segment is None} == apart


def test_people_and_money_add_up_to_everybody(study: Study) -> None:
    apart = study.profiles.set_aside
    segments = study.profiles.segments
    assert sum(p.customers.value for p in segments) + sum(n for _, n, _ in apart) == study.about.customers_known == 120
    of_segments = sum(p.economics.revenue.value * p.customers.value for p in segments if p.economics.revenue)
    total = sum(revenue_of(ROWS).values())
    assert of_segments + sum(money for _, _, money in apart) == pytest.approx(total, abs=0.01)


def test_the_report_names_them_and_what_fits_nobody_is_said(study: Study) -> None:
    from personas.render.summary import summary

    texts = [notice.text for notice in study.notices if notice.code == "rule-segment"]
    assert texts[0] == (
        "the rule 'test_accounts' keeps 2 customers apart; they are counted in all totals. It lists 3 numbers: 1 are "
        "not in the data or fit a rule before"
    )
    assert "test accounts: 2 customers" in " ".join(str(line) for line in [summary(study)])


def test_a_study_names_no_customer_of_a_list(study: Study) -> None:
    assert study.config["segmentation"]["rules"]["test_accounts"] == "3 customer numbers"


def test_customers_outside_of_the_studied_audience_are_not_told_to_have_no_order(tmp_path: Path) -> None:
    more = "audiences:\n  shops:\n    label: shop buyers\n    where: [{table: orders, column: channel, is: store}]\n"
    study = run(with_rules(tmp_path, f"  rules: {{whales: 0.1}}\n{more}", study="  population: shops\n"))
    # Every third customer buys online; of the 80 others a tenth are whales.
    apart = [(name, count) for name, count, _ in study.profiles.set_aside]
    assert apart == [("outside of the audience shop buyers", 40), ("whales (top 10% by revenue)", 8)]
    assert study.about.customers == 72


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path, study: Study) -> None:
    other = run(with_rules(tmp_path, rows=ROWS[::-1]))
    assert other.profiles.set_aside == study.profiles.set_aside and other.segments.equals(study.segments)


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
    assert words in str(error.value) + " ".join(error.value.findings)


def test_listed_numbers_are_refused_where_numbers_are_hashed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        with_rules(tmp_path, "  rules: {tests: [C1]}\n", study="  hash_ids_with: SECRET\n")
    assert "customer numbers are hashed" in str(error.value) + " ".join(error.value.findings)


def test_rules_that_leave_nobody_stop_the_study(tmp_path: Path) -> None:
    rules = "  rules: {all: all}\naudiences:\n  all:\n    where: [{table: orders, column: channel, known: true}]\n"
    with pytest.raises(InputError, match="keep everybody apart"):
        run(with_rules(tmp_path, rules))
