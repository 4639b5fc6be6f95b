"""A configuration that is right is read, and one that is wrong is answered with all its mistakes, line by line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from personas.config import Config, load_config
from personas.errors import ConfigError

GOOD = """\
study:
  name: Norwegian shop
  snapshot_date: 2026-11-01
  currency: NOK
sources:
  orders:
    file: orders.csv
    columns:
      customer_id: Email
      total_amount: {sum_of: [Paid, Voucher]}
segmentation:
  k: [2, 8]
economics:
  service_minute_cost: {phone: 0.8, chat: 0.4}
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "shop.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(folder: Path, text: str | bytes, overrides: dict[str, dict[str, object]] | None = None) -> ConfigError:
    with pytest.raises(ConfigError) as found:
        load_config(write(folder, text), overrides)
    assert found.value.exit_code == 2
    return found.value


def test_a_good_file_becomes_a_config(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD))
    assert config.study.snapshot_date == date(2026, 11, 1)
    assert config.k_range == (2, 8)
    total = config.sources["orders"].columns["total_amount"]
    assert not isinstance(total, str) and total.sum_of == ("Paid", "Voucher")
    assert config.economics.service_minute_cost == {"phone": 0.8, "chat": 0.4}
    assert config.folder == tmp_path.resolve()


def test_a_config_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="frozen"):
        load_config(write(tmp_path, GOOD)).study.seed = 3  # type: ignore[misc]


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, GOOD), {"segmentation": {"k": 5}, "study": {"seed": 9}})
    assert (config.k_range, config.study.seed, config.study.name) == ((5, 5), 9, "Norwegian shop")


def test_a_mistake_on_the_command_line_is_not_blamed_on_the_file(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD, {"segmentation": {"k": 1}, "engine": {"name": "sprak"}})
    assert error.problems == (
        "command line, engine.name: 'sprak' is not known. Did you mean 'spark'? Known: duckdb, spark",
        "command line, segmentation.k: 1 is too few. A segmentation has at least 2 segments (found 1)",
    )


@pytest.mark.parametrize(
    ("text", "value"), [("NO", "NO"), ("12:30", "12:30"), ("yes", "yes"), ("'007'", "007"), ("2026", None)]
)
def test_yaml_1_2_keeps_words_as_words(tmp_path: Path, text: str, value: str | None) -> None:
    yaml = f"study: {{name: {text}}}\nsources: {{orders: {{file: o.csv}}}}\n"
    if value is None:  # a bare number is no name: quotes are asked for
        assert "in quotes" in refusal(tmp_path, yaml).problems[0]
    else:
        assert load_config(write(tmp_path, yaml)).study.name == value


def test_every_mistake_is_told_at_once_with_its_line_and_key(tmp_path: Path) -> None:
    text = """\
study:
  name: Shop
  sed: 3
  currency: eur
sources:
  orders:
    file: orders.csv
    columns:
      total_amount: {colum: Total}
      discount_amount: {sum_of: [a], constant: "1"}
  customers:
    preset: generic
features:
  families: [purchase, loyality]
  occasions:
    - {name: Christmas, month: 12, day: 25}
    - {name: Nowhere, month: 13, day: 1}
segmentation:
  k: [6, 4]
  algorithm: kmean
economics:
  margin_rate: 45
"""
    error = refusal(tmp_path, text)
    assert error.headline.endswith("shop.yaml has 10 problems")
    families = "demographics, geography, psychographics, firmographics, purchase, product, channel, loyalty, service, influence"
    assert error.problems == (
        "line 3, study.sed: no such key. Did you mean 'seed'?",
        "line 4, study.currency: write three capital letters, such as EUR (found 'eur')",
        "line 9, sources.orders.columns.total_amount.colum: no such key. Did you mean 'column'?",
        "line 10, sources.orders.columns.discount_amount: give exactly one of: column, sum_of, first_of, product_of, constant",
        "line 11, sources.customers: give a file",
        f"line 14, features.families: no family 'loyality'. Did you mean 'loyalty'? Known: {families}",
        "line 17, features.occasions[1].month: write at most 12 (found 13)",
        "line 19, segmentation.k: from 6 to 4 is empty. Write the smaller number first: k: [4, 6]",
        "line 20, segmentation.algorithm: 'kmean' is not known. Did you mean 'kmeans'? Known: kmeans, gmm, auto",
        "line 22, economics.margin_rate: write at most 1.0 (found 45)",
    )


SHOP = "study: {name: s}\nsources: {orders: {file: o.csv}}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (SHOP + "segmentation: {k: two}", "line 3, segmentation.k: write a whole number (found 'two')"),
        (SHOP + "segmentation: {k: [2, 3, 4]}", "line 3, segmentation.k: write 2 values, not 3"),
        (SHOP + "segmentation: {k: [2, x]}", "line 3, segmentation.k[1]: write a whole number (found 'x')"),
        (SHOP + "segmentation: {k: 61}", "line 3, segmentation.k: 61 is too many. At most 60 segments are tried (found 61)"),
        (SHOP + "features: {basis: recency}", "line 3, features.basis: write a list, such as [a, b] (found 'recency')"),
        (SHOP + "features: {weights: {service: -1}}", "line 3, features.weights: weight of 'service' is -1.0; write a number from 0 to 100"),
        (SHOP + "economics: {service_minute_cost: {phone: -1}}", "line 3, economics.service_minute_cost: a minute costs 0 or more (and less than 10,000)"),
        (SHOP + "economics: {return_cost: .inf}", "line 3, economics.return_cost: write a number (found inf)"),
        (SHOP + "economics: {discount_rate: .nan}", "line 3, economics.discount_rate: write a number (found nan)"),
        (SHOP + "features: {occasions: [{name: a, month: 5, day: 1, weekday: 2}]}", "line 3, features.occasions[0]: give either day, or weekday and nth"),
        (SHOP + "features: {occasions: [{name: a, month: 5, weekday: 2}]}", "line 3, features.occasions[0]: give either day, or weekday and nth"),
        (SHOP + "features: {occasions: [{name: a, month: 5, weekday: 2, nth: 0}]}", "line 3, features.occasions[0]: nth is 1 for the first, -1 for the last; there is no 0"),
        (SHOP + "features: {occasions: [{name: a, month: 2, day: 30}]}", "line 3, features.occasions[0]: month 2 has no day 30"),
        (SHOP + "engines: {}", "line 3, engines: no such key. Did you mean 'engine'?"),
        (SHOP + "folder: x", "line 3, folder: no such key"),
        ("study:\nsources: {orders: {file: o.csv}}", "line 1, study: write its keys below it"),
        ("study: {name: s}", "line 1, sources: is missing"),
        ("study: {name: s}\nsources: {tickets: {file: t.csv}}", "line 1: name at least one of sources.orders, sources.order_lines, sources.customers"),
        ("study: {name: s}\nsources: {order: {file: o.csv}}", "line 2, sources.order: 'order' is not known. Did you mean 'orders'? Known: customers, orders, payments, order_lines, products, tickets, reach"),
        ("study: {name: s}\nsources: {orders: {data: x}}", "line 2, sources.orders: data is for tables in Python. Write file: with the name of a file"),
    ],
)  # fmt: skip
def test_each_mistake_says_what_to_write(tmp_path: Path, text: str, problem: str) -> None:
    assert refusal(tmp_path, text).problems == (problem,)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("study:\n  name: [a\n", "line 3, column 1: expected ',' or ']', but got '<stream end>'"),
        ("study:\n  name: a\n  name: b\n", 'line 3, column 3: found duplicate key "name" with value "b" (original value: "a")'),
        ("study:\t{name: s}", "line 1, column 7: found character '\\t' that cannot start any token"),
        ("study: {name: \x00s}", "line 1 or later: unacceptable character #x0000: special characters are not allowed"),
        (b"study:\n  name: Caf\xe9\n", "line 2: save the file as UTF-8"),
        ("study: !!python/object/apply:os.system [ls]", "line 1, column 8: tags (!) are not read. Remove it, or put the value in quotes"),
        ("a: &x 1\nb: *x", "line 1, column 4: anchors (&) and aliases (*) are not read. Write the value out, or put it in quotes"),
        ("study:\n  <<: {name: s}", "line 2, column 3: merge keys (<<) are not read. Write the keys out"),
        (SHOP + "---\nstudy: {}", "line 3, column 1: a second document starts here. Write one document per file"),
        ("study: {name: s, snapshot_date: 2026-02-30}", "line 1, column 33: there is no day 2026-02-30. Write year-month-day, such as 2026-10-31"),
        ("[" * 10_000, "line 1, column 21: more than 20 levels"),
        # "study" is the first value; the 5,000th "1" is number 5,001 and stands after 8 + 3 * 4,999 characters
        ("study: [" + "1, " * 6_000 + "]", "line 1, column 15006: more than 5,000 keys and values"),
    ],
)  # fmt: skip
def test_what_a_stranger_may_put_into_yaml_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, problem: str
) -> None:
    assert refusal(tmp_path, text).problems == (problem,)


def test_a_file_of_aliases_that_would_grow_to_gigabytes_is_refused_at_its_first_anchor(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    assert refusal(tmp_path, "\n".join(lines)).problems[0].startswith("line 1, column 5: anchors")


def test_a_file_of_more_than_a_mebibyte_is_not_read(tmp_path: Path) -> None:
    assert "at most 1,048,576" in str(refusal(tmp_path, "# " + "x" * 1_048_576))


@pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n", "just text\n", "3\n"])
def test_a_file_without_keys_is_told_how_to_start(tmp_path: Path, text: str) -> None:
    assert "Start with `study:` and `sources:`" in str(refusal(tmp_path, text))


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, b"\xef\xbb\xbf" + GOOD.encode())).study.currency == "NOK"


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no configuration .*nowhere.yaml"):
        load_config(tmp_path / "nowhere.yaml")


def test_in_python_a_config_is_built_directly() -> None:
    config = Config(study={"name": "s"}, sources={"orders": {"file": "o.csv"}}, segmentation={"k": 4})  # type: ignore[arg-type]
    assert config.k_range == (4, 4)
