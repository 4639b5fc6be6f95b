"""The same sale seen by the shop and by the payment gateway is counted once, by rules that are said."""

from typing import Any

import pandas as pd
import pytest

from personas.engines import Engine
from personas.errors import ConfigError, InputError
from tests.sources.conftest import Prepare, rows, steps

ORDERS = """order_id,customer_id,ordered_on,total_amount,reference
#1001,ann,2024-01-05,10.00,ch_1
#1002,ann,2024-02-05,20.00,
#1003,bob,2024-03-05,30.00,
#1004,bob,2024-03-06,30.00,
#1005,cid,2024-04-01,5.00,
"""
PAYMENTS = """order_id,customer_id,ordered_on,total_amount,reference,kind
ch_1,ann@x,2024-01-05,10.00,,sale
ch_2,ann,2024-02-06,20.00,1002,sale
ch_3,bob,2024-03-07,30.00,,sale
ch_4,bob,2024-03-09,30.00,,sale
ch_5,cid,2024-04-09,5.00,,sale
ch_6,dan,2024-04-10,7.50,,sale
ch_7,dan,2024-04-11,8.00,,failed
"""


def counted(engine: Engine) -> dict[str, str]:
    return {row["order_id"]: f"{row['net_amount']:.2f}" for row in rows(engine, "orders")}


def test_a_sale_that_both_saw_is_counted_once_and_every_record_is_accounted_for(shop: Prepare, engine: Engine) -> None:
    tables = shop(orders=ORDERS, payments=PAYMENTS)
    # ch_1 is named by order 1001; ch_2 names order 1002. ch_3 (day 7) pairs with the order of day 6, ch_4 (day 9) with
    # the one of day 5: 4 days are over the 3 allowed. ch_5 is 8 days off: ch_4, ch_5 and ch_6 are sales of their own.
    assert steps(tables, "payments") == {
        "read": (7, "110.50"), "counted": (3, "42.50"), "same-by-reference": (2, "30.00"),
        "same-by-customer": (1, "30.00"), "failed": (1, "8.00"),
    }  # fmt: skip
    assert steps(tables, "orders") == {"read": (8, "137.50"), "used": (8, "137.50")}  # 95 of the shop and 42.50
    assert counted(engine) == {
        "#1001": "10.00", "#1002": "20.00", "#1003": "30.00", "#1004": "30.00", "#1005": "5.00",
        "ch_4": "30.00", "ch_5": "5.00", "ch_6": "7.50",
    }  # fmt: skip
    said = {notice.code: notice.text for notice in tables.audit.notices}
    assert said["same-by-customer"] == "1 payment the same sale as an order by amount, customer and day: counted once"
    assert [entry["source"] for entry in tables.audit.interpretation] == ["orders", "payments"]
    assert [name for name, _ in tables.input_hashes] == ["orders", "payments"]


def test_days_and_what_becomes_of_the_rest_are_settings(shop: Prepare, engine: Engine) -> None:
    tables = shop(orders=ORDERS, payments=PAYMENTS, payments_with={"same_sale_days": 8, "unmatched": "set_aside"})
    found = steps(tables, "payments")
    assert (found["same-by-customer"], found["unmatched"]) == ((3, "65.00"), (1, "7.50"))
    assert steps(tables, "orders") == {"read": (5, "95.00"), "used": (5, "95.00")}


def test_without_a_common_customer_amount_and_day_decide_each_order_once(shop: Prepare, engine: Engine) -> None:
    orders = "order_id,customer_id,ordered_on,total_amount\n1,7,2024-01-01,9.00\n2,8,2024-01-01,9.00\n"
    paid = "order_id,customer_id,ordered_on,total_amount\n" + "".join(
        f"p{n},{n}@x,2024-01-02,9.00\n" for n in range(3)
    )  # three payments of 9.00, two orders of 9.00: one sale more than the shop knows
    tables = shop(orders=orders, payments=paid)
    assert steps(tables, "payments") == {"read": (3, "27.00"), "counted": (1, "9.00"), "same-by-day": (2, "18.00")}
    assert len(counted(engine)) == 3


def test_refunds_of_the_gateway_count_only_where_the_shop_does_not_tell_them(shop: Prepare, engine: Engine) -> None:
    paid = (
        "order_id,customer_id,ordered_on,total_amount,reference,original_order_id\n"
        "p1,ann,2024-01-05,10.00,1001,\np9,ann,2024-01-20,-4.00,,p1\n"
    )
    tables = shop(orders=ORDERS, payments=paid)
    assert steps(tables, "payments") == {
        "read": (2, "6.00"),
        "counted": (1, "-4.00"),
        "same-by-reference": (1, "10.00"),
    }
    # The refund names the shop's order now: 95.00 - 4.00.
    assert steps(tables, "orders")["used"] == (6, "91.00")
    assert not [notice for notice in tables.audit.notices if notice.code == "unlinked-refunds"]

    told = ORDERS.replace("total_amount,reference", "total_amount,refunded_amount").replace(",ch_1", ",4.00")
    tables = shop(orders=told, payments=paid)
    assert steps(tables, "payments")["refund-known"] == (1, "-4.00")
    assert steps(tables, "orders")["used"] == (5, "91.00")


def test_a_refunded_amount_of_the_gateway_lowers_the_order_of_the_shop(shop: Prepare, engine: Engine) -> None:
    paid = "order_id,customer_id,ordered_on,total_amount,refunded_amount\nch_1,ann,2024-01-05,10.00,2.50\n"
    tables = shop(orders=ORDERS, payments=paid)
    assert counted(engine)["#1001"] == "7.50"
    assert {"refunds-of-payments"} <= {notice.code for notice in tables.audit.notices}


def test_another_amount_is_said_and_the_order_counts(shop: Prepare, engine: Engine) -> None:
    paid = "order_id,customer_id,ordered_on,total_amount\nch_1,ann,2024-01-05,11.50\n"
    tables = shop(orders=ORDERS, payments=paid)
    assert counted(engine)["#1001"] == "10.00"
    (said,) = [notice.text for notice in tables.audit.notices if notice.code == "other-amount"]
    assert said == "1 payment of another amount than the order: the order counts (payments less orders: 1.50)"


def test_payments_that_fit_no_order_at_all_are_a_question(shop: Prepare) -> None:
    paid = "order_id,customer_id,ordered_on,total_amount\np1,zoe,2020-01-05,77.00\n"
    with pytest.raises(InputError, match=r"none of 1 payment is the same sale.*sources\.payments\.same_sale_days"):
        shop(orders=ORDERS, payments=paid)


def test_payments_alone_are_orders_under_another_name(shop: Prepare) -> None:
    with pytest.raises((ConfigError, ValueError), match=r"Name this export as sources\.orders"):
        shop(payments=PAYMENTS, customers="customer_id\nann\n")


def test_a_copy_of_a_payment_is_one_and_the_order_of_records_does_not_matter(shop: Prepare, engine: Engine) -> None:
    def outcome(payments: str, orders: str) -> Any:
        tables = shop(orders=orders, payments=payments)
        return tables.audit.lines, counted(engine)

    head, *body = PAYMENTS.splitlines(keepends=True)
    twice = head + "".join([*body, body[5]])
    first, *rest = ORDERS.splitlines(keepends=True)
    found = outcome(twice, ORDERS)
    assert {line.step: line.rows for line in found[0] if line.table == "payments"}["duplicate"] == 1
    assert len(found[1]) == 8
    assert (
        outcome(head + "".join(reversed(twice.splitlines(keepends=True)[1:])), first + "".join(reversed(rest))) == found
    )


def test_a_table_in_memory_is_compared_as_a_file_is(shop: Prepare, engine: Engine) -> None:
    paid = pd.DataFrame({"order_id": ["ch_1"], "ordered_on": ["2024-01-05"], "total_amount": ["10.00"]})
    tables = shop(orders=ORDERS, payments=paid)
    assert steps(tables, "payments") == {"read": (1, "10.00"), "same-by-reference": (1, "10.00")}
    assert len(counted(engine)) == 5


def test_a_gateway_export_is_read_by_its_preset_and_numbers_of_both_are_told_apart(
    shop: Prepare, engine: Engine
) -> None:
    stripe = (
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Status,Customer Email,"
        "order_id (metadata)\n"
        "#1003,2024-03-05 10:00:00,30.00,0.00,eur,true,30.00,Paid,BOB@x.example,1003\n"
        "#1001,2024-05-05 10:00:00,12.00,0.00,eur,true,12.00,Paid,eve@x.example,\n"
    )
    orders = ORDERS.replace("total_amount,reference", "total_amount,note")
    tables = shop(orders=orders, payments=stripe, payments_with={"preset": "stripe_payments"})
    # 1001 of Stripe is the number of an order too, and so the same sale by reference, of another amount.
    assert steps(tables, "payments") == {"read": (2, "42.00"), "same-by-reference": (2, "42.00")}
