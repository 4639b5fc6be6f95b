"""Parquet, Arrow and DataFrames: typed columns, converted inside the engine."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personas.config import Config
from personas.engines import Engine
from personas.errors import InputError
from personas.sources import prepare

from .conftest import Prepare, rows, steps


def orders(**columns: Any) -> pa.Table:
    plain = {
        "order_id": [1, 2, 3],
        "customer_id": ["ann", "ann", "bob"],
        "ordered_on": [datetime(2024, 1, 5, 23, 59), datetime(2024, 2, 5), datetime(2024, 3, 5)],
        "total_amount": [10.1, 20.2, 30.55],
    }
    return pa.table({**plain, **columns})


def test_a_data_frame_gives_the_same_table_as_its_csv(shop: Prepare, engine: Engine) -> None:
    frame = orders().to_pandas()
    typed = (steps(shop(orders=frame), "orders"), rows(engine, "orders", "order_id"))
    text = (steps(shop(orders=frame.to_csv(index=False)), "orders"), rows(engine, "orders", "order_id"))
    assert typed == text
    assert typed[0]["used"] == (3, "60.85")


def test_parquet_gives_the_same_table_as_arrow(shop: Prepare, engine: Engine, tmp_path: Path) -> None:
    table = orders()
    pq.write_table(table, tmp_path / "o.parquet")
    memory = (steps(shop(orders=table), "orders"), rows(engine, "orders", "order_id"))
    config = Config.model_validate(
        {"study": {"name": "x", "currency": "EUR"}, "sources": {"orders": {"file": "o.parquet"}}, "folder": tmp_path}
    )
    assert (steps(prepare(engine, config), "orders"), rows(engine, "orders", "order_id")) == memory


def test_texts_of_parquet_lose_every_blank_around_them_and_keep_those_inside(engine: Engine, tmp_path: Path) -> None:
    ids = ["ann", " ann", "ann\u00a0", "zoë b", "zoë b ", "\u2003", "", "~x ", None]
    plain = orders(
        order_id=[f"{n}" for n in range(9)], customer_id=ids, ordered_on=[datetime(2024, 1, 5)] * 9,
        total_amount=[1.0] * 9, channel=["web", "Web", " WEB ", "store", "Laden", None, None, "laden", None],
    )  # fmt: skip
    pq.write_table(plain, tmp_path / "o.parquet")
    channel = {"column": "channel", "values": {"Laden": "store", "laden": "phone"}}  # one word: the first counts
    source = {"file": "o.parquet", "columns": {"channel": channel}}
    config = Config.model_validate(
        {"study": {"name": "x", "currency": "EUR"}, "sources": {"orders": source}, "folder": tmp_path}
    )
    tables = prepare(engine, config)
    found = rows(engine, "orders", "order_id")
    assert [row["customer_id"] for row in found][:5] == ["ann", "ann", "ann", "zoë b", "zoë b"]
    assert steps(tables, "orders")["without-customer"] == (3, "3.00")
    assert [row["customer_id"] for row in rows(engine, "customers", "customer_id")] == ["ann", "zoë b", "~x"]
    assert [row["channel"] for row in found] == ["online"] * 3 + ["store"] * 3


def test_parquet_days_written_as_text_go_through_the_grammar(engine: Engine, tmp_path: Path) -> None:
    pq.write_table(orders(ordered_on=["25/04/2024", "01/02/2024", "03/04/2024"]), tmp_path / "o.parquet")
    config = Config.model_validate(
        {"study": {"name": "x", "currency": "EUR"}, "sources": {"orders": {"file": "o.parquet"}}, "folder": tmp_path}
    )
    prepare(engine, config)
    assert [row["ordered_on"] for row in rows(engine, "orders", "order_id")] == [
        date(2024, 4, 25),
        date(2024, 2, 1),
        date(2024, 4, 3),
    ]


def test_floats_within_a_millionth_of_a_cent_are_cents(shop: Prepare, engine: Engine) -> None:
    shop(orders=orders(total_amount=[0.1 + 0.2, 20.2, 30.55]))
    assert [row["net_amount"] for row in rows(engine, "orders", "order_id")] == [
        Decimal("0.3"),
        Decimal("20.2"),
        Decimal("30.55"),
    ]


def test_floats_off_the_cent_keep_four_decimals_with_a_notice(shop: Prepare, engine: Engine) -> None:
    tables = shop(orders=orders(total_amount=[10.1234, 20.2, 30.55]))
    assert rows(engine, "orders", "order_id")[0]["net_amount"] == Decimal("10.1234")
    assert any("not whole cents" in notice.text for notice in tables.audit.notices)


def test_nan_and_infinity_are_missing_and_counted_and_more_than_allowed_are_refused(shop: Prepare) -> None:
    odd = orders(total_amount=[float("nan"), float("inf"), 30.55])
    customers = "customer_id,gender\nann,f\nbob,m\n"
    tables = shop(orders=odd, orders_with={"max_set_aside": 0.7}, customers=customers)
    assert steps(tables, "orders") == {"read": (3, "30.55"), "used": (1, "30.55"), "without-amount": (2, None)}
    assert [notice.code for notice in tables.audit.notices] == []
    with pytest.raises(InputError, match="2 of 3 amounts are empty, NaN or infinite"):
        shop(orders=odd, customers=customers)  # 67% where 1% is allowed


def test_whole_floats_may_be_ids_and_others_may_not(shop: Prepare, engine: Engine) -> None:
    shop(orders=orders(customer_id=[7.0, 7.0, 8.0]))
    assert [row["customer_id"] for row in rows(engine, "customers", "customer_id")] == ["7", "8"]
    with pytest.raises(InputError, match="1 of 3 values are no id"):
        shop(orders=orders(customer_id=[7.5, 7.0, 8.0]))


def test_a_column_of_the_wrong_type_is_refused(shop: Prepare) -> None:
    with pytest.raises(InputError, match="cannot be read as days"):
        shop(orders=orders(ordered_on=[45000.5, 45001, 45002]))
    with pytest.raises(InputError, match=r"days as a spreadsheet counts them. Write sources\.orders\.dates: serial"):
        shop(orders=orders(ordered_on=[45000, 45001, 45002]))
    with pytest.raises(InputError, match="cannot be read as money"):
        shop(orders=orders(total_amount=[[1.0], [2.0], [3.0]]))


def test_a_time_with_a_zone_keeps_the_day_of_its_clock(shop: Prepare, engine: Engine, tmp_path: Path) -> None:
    # Ten past midnight in Berlin is still the day before in UTC.
    times = pd.to_datetime(["2024-01-06 00:10", "2024-02-05 12:00", "2024-03-05 12:00"]).tz_localize("Europe/Berlin")
    frame = orders().to_pandas().assign(ordered_on=times)
    shop(orders=frame)
    assert rows(engine, "orders", "order_id")[0]["ordered_on"] == date(2024, 1, 6)
    frame.to_parquet(tmp_path / "o.parquet")
    config = Config.model_validate(
        {"study": {"name": "x", "currency": "EUR"}, "sources": {"orders": {"file": "o.parquet"}}, "folder": tmp_path}
    )
    prepare(engine, config)
    assert rows(engine, "orders", "order_id")[0]["ordered_on"] == date(2024, 1, 6)


def test_categorical_columns_of_pandas_are_text(shop: Prepare, engine: Engine) -> None:
    frame = orders().to_pandas()
    shop(orders=frame.assign(customer_id=frame.customer_id.astype("category")))
    assert [row["customer_id"] for row in rows(engine, "customers", "customer_id")] == ["ann", "bob"]


def test_columns_are_added_up_and_a_missing_one_counts_as_nothing(shop: Prepare, engine: Engine) -> None:
    table = orders(a=[1.5, None, None], b=[2.0, 3.25, None])
    settings = {"columns": {"discount_amount": {"sum_of": ["a", "b"]}}}
    expected = [Decimal("3.5"), Decimal("3.25"), None]
    shop(orders=table, orders_with=settings)
    assert [row["discount_amount"] for row in rows(engine, "orders", "order_id")] == expected
    shop(orders=table.to_pandas().to_csv(index=False), orders_with=settings)
    assert [row["discount_amount"] for row in rows(engine, "orders", "order_id")] == expected


def test_a_constant_fills_a_column(shop: Prepare, engine: Engine) -> None:
    settings = {"columns": {"channel": {"constant": "store"}}}
    for given in (orders(), orders().to_pandas().to_csv(index=False)):
        shop(orders=given, orders_with=settings)
        assert {row["channel"] for row in rows(engine, "orders")} == {"store"}


def test_typed_categories_flags_and_counts_are_read_like_text_ones(shop: Prepare, engine: Engine) -> None:
    frame = pd.DataFrame({
        "customer_id": [1, 2, 3], "gender": ["f", "NA", " m "], "size": [2.0, None, 3.0], "vip": [1, 0, 1],
        "code": [10, 20, 10],
    })  # fmt: skip
    settings = {
        "columns": {"household_size": "size"},
        "given": {
            "vip": {"column": "vip", "kind": "flag"},
            "code": {"column": "code", "kind": "category", "values": {"10": "ten"}},
        },
    }
    expected = [("f", "2", True, "ten"), (None, None, False, "20"), ("m", "3", True, "ten")]
    day = {"snapshot_date": date(2024, 1, 1)}
    shop(customers=pa.Table.from_pandas(frame), customers_with=settings, study=day)
    found = rows(engine, "customers", "customer_id")
    assert [(row["gender"], row["household_size"], row["vip"], row["code"]) for row in found] == expected


def test_of_a_typed_day_of_birth_only_the_year_is_kept(shop: Prepare, engine: Engine) -> None:
    people = pa.table({"customer_id": ["ann", "bob"], "birth_year": [date(1980, 4, 25), None]})
    shop(orders=orders(), customers=people)
    assert [row["birth_year"] for row in rows(engine, "customers", "customer_id")] == [1980, None]
