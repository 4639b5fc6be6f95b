"""The rules, each on a shop small enough to work out by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from personas.engines import Engine
from personas.errors import ConfigError, InputError
from personas.sources.canonical import Tables

from .conftest import ORDERS, Prepare, rows, steps

PEOPLE = "customer_id,gender\nann,f\nbob,m\n"
HEAD = "order_id,customer_id,ordered_on,total_amount"


def notices(tables: Tables) -> dict[str, int]:
    return {notice.code: notice.count for notice in tables.audit.notices}


def refused(shop: Prepare, kind: type[Exception] = InputError, **given: Any) -> str:
    with pytest.raises(kind) as found:
        shop(**given)
    return str(found.value)


# --- the window ----------------------------------------------------------------------------------------------------


def test_without_a_snapshot_everything_since_the_first_order_counts(shop: Prepare) -> None:
    tables = shop(orders=ORDERS)
    # Last order 5 March: snapshot 6 March. First order 5 January: 26 + 29 + 6 = 61 days before it (a leap year).
    assert (tables.snapshot_date, tables.window_days, tables.currency) == (date(2024, 3, 6), 61, "EUR")
    assert steps(tables, "orders") == {"read": (3, "60.50"), "used": (3, "60.50")}


def test_orders_before_the_window_stay_and_orders_from_the_snapshot_on_do_not(shop: Prepare, engine: Engine) -> None:
    tables = shop(orders=ORDERS, customers=PEOPLE, study={"snapshot_date": date(2024, 3, 5), "window_days": 29})
    # The window begins 29 days before 5 March 2024: on 5 February, which is inside.
    assert steps(tables, "orders") == {
        "read": (3, "60.50"),
        "used": (1, "20.00"),
        "before-window": (1, "10.00"),
        "after-snapshot": (1, "30.50"),
    }
    assert [(row["order_id"], row["in_window"]) for row in rows(engine, "orders", "order_id")] == [
        ("1", False),
        ("2", True),
    ]


def test_orders_without_a_day_or_before_1990_are_set_aside_with_their_money(shop: Prepare) -> None:
    text = ORDERS + "4,bob,,1.25\n5,bob,1970-01-01,2.25\n"
    found = steps(shop(orders=text), "orders")
    assert found["undated"] == (1, "1.25")
    assert found["implausible-day"] == (1, "2.25")
    assert found["read"] == (5, "64.00")


def test_a_last_day_years_behind_the_others_asks_for_the_snapshot(shop: Prepare) -> None:
    body = "".join(f"{i},c{i % 5},2024-01-{i + 1:02d},1\n" for i in range(31))
    text = refused(shop, orders=f"{HEAD}\n{body}99,c1,2062-01-01,1\n")
    assert "study.snapshot_date: 2024-02-01" in text


def test_a_snapshot_before_every_order_is_refused(shop: Prepare) -> None:
    assert "2024-01-05" in refused(shop, orders=ORDERS, study={"snapshot_date": date(2023, 1, 1)})


def test_days_as_a_spreadsheet_counts_them_ask_for_that_and_for_no_decimal_mark(shop: Prepare) -> None:
    body = "".join(f"{i},c{i % 5},{45383 + i},1\n" for i in range(20))
    text = refused(shop, orders=f"{HEAD}\n{body}")
    assert "'45383' may be days as a spreadsheet counts them. Write sources.orders.dates: serial" in text
    assert "decimal" not in text


# --- keys ----------------------------------------------------------------------------------------------------------


def test_exact_copies_are_dropped_with_a_count(shop: Prepare) -> None:
    tables = shop(orders=ORDERS + "3,bob,2024-03-05,30.50\n")
    assert steps(tables, "orders")["duplicate"] == (1, "30.50")
    assert steps(tables, "orders")["used"] == (3, "60.50")
    assert notices(tables)["duplicate-orders"] == 1


def test_one_number_with_different_data_is_refused(shop: Prepare) -> None:
    assert "'3'" in refused(shop, orders=ORDERS + "3,bob,2024-03-05,99\n")


def test_without_an_order_number_repeated_rows_are_orders(shop: Prepare, engine: Engine) -> None:
    text = "customer_id,ordered_on,total_amount\nann,2024-01-05,10\nann,2024-01-05,10\nbob,2024-01-06,5\n"
    tables = shop(orders=text)
    assert steps(tables, "orders") == {"read": (3, "25.00"), "used": (3, "25.00")}
    assert len({row["order_id"] for row in rows(engine, "orders")}) == 3
    assert "no-order-number" in notices(tables)


def test_orders_without_customer_are_counted_with_their_money(shop: Prepare) -> None:
    tables = shop(orders=ORDERS + "4,,2024-03-01,7\n5, ,2024-03-01,8\n")
    assert steps(tables, "orders")["without-customer"] == (2, "15.00")
    assert notices(tables)["orders-without-customer"] == 2


def test_unknown_customers_are_kept_or_set_aside_as_the_file_covers(shop: Prepare, engine: Engine) -> None:
    customers = "customer_id,gender\nann,f\n"
    text = ORDERS + "4,cyd,2024-03-01,7\n"
    tables = shop(orders=text, customers=customers)
    assert [row["customer_id"] for row in rows(engine, "customers", "customer_id")] == ["ann", "bob", "cyd"]
    assert notices(tables)["customers-from-orders"] == 2
    customers = "customer_id,gender\nann,f\ndan,m\n"
    tables = shop(orders=text, customers=customers, customers_with={"coverage": "all"})
    # bob's 30.50 and cyd's 7 are set aside; dan has no orders and stays.
    assert steps(tables, "orders")["unknown-customer"] == (2, "37.50")
    assert [row["customer_id"] for row in rows(engine, "customers", "customer_id")] == ["ann", "dan"]


def test_identical_customers_are_one_and_differing_ones_are_refused(shop: Prepare, engine: Engine) -> None:
    # M24: a customer who is there twice would double every order that is joined to it.
    tables = shop(orders=ORDERS, customers="customer_id,gender\nann,f\nann,f\nbob,m\n,x\n")
    assert steps(tables, "customers") == {
        "read": (4, None), "used": (2, None), "duplicate": (1, None), "without-customer": (1, None),
    }  # fmt: skip
    assert len(rows(engine, "customers")) == 2
    assert "different data" in refused(shop, orders=ORDERS, customers="customer_id,gender\nann,f\nann,m\n")


def test_m23_7_and_007_are_two_customers(shop: Prepare, engine: Engine) -> None:
    shop(orders=f"{HEAD}\n1,7,2024-01-05,10\n2,007,2024-01-06,10\n")
    assert [row["customer_id"] for row in rows(engine, "customers", "customer_id")] == ["007", "7"]


def test_one_number_shared_by_many_people_is_no_customer(shop: Prepare) -> None:
    body = "".join(f"g{i},guest,2024-01-05,1\n" for i in range(60)) + "".join(
        f"{i},c{i},2024-01-06,2\n" for i in range(20)
    )
    tables = shop(orders=f"{HEAD}\n{body}")
    # guest: 60 of 80 orders, 60 times the single order of a middle customer.
    assert steps(tables, "orders") == {"read": (80, "100.00"), "used": (20, "40.00"), "shared-customer": (60, "60.00")}


# --- money back ----------------------------------------------------------------------------------------------------


def refund_rows(engine: Engine) -> dict[str, tuple[bool, Decimal, bool]]:
    found = rows(engine, "orders", "order_id")
    return {row["order_id"]: (row["is_sale"], row["net_amount"], row["refunded"]) for row in found}


def test_linked_refunds_mark_their_sale_and_stay_on_their_own_day(shop: Prepare, engine: Engine) -> None:
    text = f"""{HEAD},kind,original_order_id
1,ann,2024-01-05,10,sale,
2,ann,2024-02-05,20,sale,
3,bob,2024-03-05,30,sale,
R1,ann,2024-02-07,-20,refund,2
R2,bob,2024-03-06,5,Return,3
R3,bob,2024-03-07,-1,refund,77
"""
    tables = shop(orders=text)
    # Order 2 is refunded in full: no sale any more. R2 is written as a positive amount and is subtracted all the same.
    assert refund_rows(engine) == {
        "1": (True, Decimal(10), False),
        "2": (False, Decimal(20), True),
        "3": (True, Decimal(30), True),
        "R1": (False, Decimal(-20), False),
        "R2": (False, Decimal(-5), False),
        "R3": (False, Decimal(-1), False),
    }
    assert steps(tables, "orders") == {"read": (6, "34.00"), "used": (6, "34.00")}
    assert notices(tables)["unlinked-refunds"] == 1


def test_a_refund_under_the_number_of_its_sale_belongs_to_it(shop: Prepare, engine: Engine) -> None:
    text = f"{HEAD},kind\n1,ann,2024-01-05,10,sale\n1,ann,2024-01-09,-4,refund\n2,bob,2024-01-07,5,sale\n"
    shop(orders=text)
    found = [(row["net_amount"], row["is_sale"], row["refunded"]) for row in rows(engine, "orders", "ordered_on")]
    assert found == [(Decimal(10), True, True), (Decimal(5), True, False), (Decimal(-4), False, False)]


def test_negative_rows_are_refunds_without_a_kind(shop: Prepare, engine: Engine) -> None:
    shop(orders=ORDERS + "4,ann,2024-02-20,-20\n")
    assert refund_rows(engine)["4"] == (False, Decimal(-20), False)


def test_a_refunded_amount_is_taken_off_its_order(shop: Prepare, engine: Engine) -> None:
    text = f"{HEAD},refunded_amount\n1,ann,2024-01-05,10,4\n2,ann,2024-02-05,20,20\n3,bob,2024-03-05,30,\n"
    tables = shop(orders=text)
    assert refund_rows(engine) == {
        "1": (True, Decimal(6), True), "2": (False, Decimal(0), True), "3": (True, Decimal(30), False),
    }  # fmt: skip
    # 60 in = 36 used + 24 given back.
    assert steps(tables, "orders") == {"read": (3, "60.00"), "used": (3, "36.00"), "refunded": (0, "24.00")}


def test_refunds_in_two_shapes_at_once_are_a_question(shop: Prepare) -> None:
    text = f"{HEAD},refunded_amount\n1,ann,2024-01-05,10,4\n2,ann,2024-01-06,-4,\n"
    assert "refunds twice" in refused(shop, orders=text)
    tables = shop(orders=text, orders_with={"columns": {"refunded_amount": ""}}, customers=PEOPLE)
    assert steps(tables, "orders")["used"] == (2, "6.00")


def test_cancelled_orders_are_set_aside_and_unknown_kinds_are_a_question(shop: Prepare) -> None:
    text = f"{HEAD},kind\n1,ann,2024-01-05,10,sale\n2,bob,2024-01-06,20,Canceled\n3,bob,2024-01-07,5,\n"
    assert steps(shop(orders=text), "orders")["cancelled"] == (1, "20.00")
    assert "'draft'" in refused(shop, orders=text + "4,bob,2024-01-08,5,draft\n")


def test_one_number_sold_and_cancelled_is_refused(shop: Prepare) -> None:
    text = f"{HEAD},kind\n1,ann,2024-01-05,10,sale\n1,ann,2024-01-05,10,cancelled\n2,bob,2024-01-07,5,sale\n"
    assert "different data" in refused(shop, orders=text)


def test_shops_that_keep_no_refunds_have_no_column_for_them(shop: Prepare) -> None:
    tables = shop(orders=ORDERS)
    assert tables.orders is not None and not tables.orders.has("refunded")


def test_negative_discounts_are_turned_with_a_notice(shop: Prepare, engine: Engine) -> None:
    tables = shop(orders=f"{HEAD},discount\n1,ann,2024-01-05,10,-2\n2,bob,2024-01-06,20,0\n")
    assert [row["discount_amount"] for row in rows(engine, "orders", "order_id")] == [Decimal(2), Decimal(0)]
    assert "negative-discount" in notices(tables)


def test_an_odd_channel_changes_nothing_about_the_other_records(shop: Prepare, engine: Engine) -> None:
    for word, counted in (("store", "store"), ("Kiosk", "other")):
        body = f"1,a,2024-01-05,10,Sale,Web\n2,a,2024-01-06,4,REFUND,\n3,b,2024-01-07,7,,{word}\n"
        shop(orders=f"{HEAD},kind,channel\n{body}")
        found = [(row["is_sale"], row["net_amount"], row["channel"]) for row in rows(engine, "orders", "order_id")]
        assert found == [(True, 10, "online"), (False, -4, None), (True, 7, counted)]


def test_channels_are_canonical_words_and_odd_ones_are_named(shop: Prepare, engine: Engine) -> None:
    words = ["Web", "Shop", "Kiosk", ""]
    body = "".join(f"{i},{'ab'[i % 2]},2024-01-0{i},10,{word}\n" for i, word in enumerate(words, 1))
    tables = shop(orders=f"{HEAD},channel\n{body}")
    assert [row["channel"] for row in rows(engine, "orders", "order_id")] == ["online", "store", "other", None]
    assert "Kiosk" in next(notice.text for notice in tables.audit.notices if notice.code == "other-channel")


def test_odd_channels_are_counted_by_their_records_and_the_rest_of_the_words_by_number(shop: Prepare) -> None:
    # words w00 to w21, the first of them twice: 23 records of 22 words, of which 20 are named
    body = "".join(f"{i},{'ab'[i % 2]},2024-01-05,1.00,w{max(0, i - 1):02d}\n" for i in range(23))
    tables = shop(orders=f"order_id,customer_id,ordered_on,total_amount,channel\n{body}")
    (notice,) = [notice for notice in tables.audit.notices if notice.code == "other-channel"]
    assert notice.count == 23
    assert "the channels w00, w01, " in notice.text and ", w19 and 2 more count as 'other'" in notice.text


# --- lines ---------------------------------------------------------------------------------------------------------


def test_lines_follow_their_order_and_take_the_product(shop: Prepare, engine: Engine) -> None:
    lines = "order_id,sku,qty,amount\n1,p1,1,4\n1,p2,2,6\n2,p9,1,20\n7,p1,1,3\n9,p1,1,99\n"
    tables = shop(
        orders=ORDERS + "7,,2024-02-01,3\n",
        order_lines=lines,
        products="sku,category,unit_cost\np1,Cups,1.5\np2,Plates,2\np2,Plates,2\n",
    )
    assert steps(tables, "order_lines") == {
        "read": (5, "132.00"), "used": (3, "30.00"), "without-order": (1, "99.00"), "of-set-aside-order": (1, "3.00"),
    }  # fmt: skip
    found = [
        (r["customer_id"], r["ordered_on"], r["category"], r["unit_cost"], r["quantity"])
        for r in rows(engine, "order_lines", "sku")
    ]
    assert found == [
        ("ann", date(2024, 1, 5), "Cups", Decimal("1.5"), Decimal(1)),
        ("ann", date(2024, 1, 5), "Plates", Decimal(2), Decimal(2)),
        ("ann", date(2024, 2, 5), None, None, Decimal(1)),
    ]
    assert notices(tables)["lines-without-product"] == 1


def test_a_line_without_a_product_is_counted_though_it_names_its_category(shop: Prepare) -> None:
    lines = "order_id,sku,category,amount\n1,p1,,10\n2,p9,Cups,20\n"
    tables = shop(orders=ORDERS, order_lines=lines, products="sku,category,unit_cost\np1,Cups,1.5\n")
    assert notices(tables)["lines-without-product"] == 1


def test_lines_of_a_number_that_was_sold_and_given_back_go_to_the_sale(shop: Prepare, engine: Engine) -> None:
    text = f"{HEAD},kind\n1,ann,2024-01-05,10,sale\n1,ann,2024-01-09,-4,refund\n2,bob,2024-01-07,5,sale\n"
    shop(orders=text, order_lines="order_id,amount\n1,10\n2,5\n")
    found = [(row["ordered_on"], row["line_amount"]) for row in rows(engine, "order_lines", "ordered_on")]
    assert found == [(date(2024, 1, 5), Decimal(10)), (date(2024, 1, 7), Decimal(5))]


def test_two_products_of_one_number_are_refused(shop: Prepare) -> None:
    text = refused(
        shop, orders=ORDERS, order_lines="order_id,sku,amount\n1,p1,10\n", products="sku,category\np1,A\np1,B\n"
    )
    assert "'p1'" in text


def test_lines_that_do_not_add_up_are_noticed(shop: Prepare) -> None:
    tables = shop(orders=ORDERS, order_lines="order_id,amount\n1,4\n1,6\n2,19\n")
    assert notices(tables)["lines-differ"] == 1


def test_orders_are_made_of_lines_where_there_are_none(shop: Prepare, engine: Engine) -> None:
    lines = """order_id,customer_id,ordered_on,line_amount,quantity,discount_amount
1,ann,2024-01-05,4.00,1,0.5
1,ann,2024-01-05,6.00,2,0
2,ann,2024-02-05,-3.00,-1,0
3,bob,2024-03-05,30.50,1,0
4,,2024-03-05,1.00,1,0
,bob,2024-03-05,2.00,1,0
"""
    tables = shop(order_lines=lines)
    assert steps(tables, "order_lines") == {
        "read": (6, "40.50"), "used": (4, "37.50"), "without-customer": (1, "1.00"), "without-order": (1, "2.00"),
    }  # fmt: skip
    assert steps(tables, "orders") == {"read": (3, "37.50"), "used": (3, "37.50")}
    found = [
        (r["order_id"], r["net_amount"], r["is_sale"], r["items"], r["discount_amount"])
        for r in rows(engine, "orders", "order_id")
    ]
    assert found == [
        ("1", Decimal(10), True, Decimal(3), Decimal("0.5")),
        ("2", Decimal(-3), False, Decimal(-1), Decimal(0)),
        ("3", Decimal("30.5"), True, Decimal(1), Decimal(0)),
    ]


def test_an_order_number_of_several_customers_is_refused(shop: Prepare) -> None:
    lines = "order_id,customer_id,ordered_on,line_amount\n1,ann,2024-01-05,4\n1,bob,2024-01-05,6\n"
    assert "several customers" in refused(shop, order_lines=lines)


# --- tickets and reach ---------------------------------------------------------------------------------------------


def test_tickets_of_nobody_are_counted(shop: Prepare, engine: Engine) -> None:
    tickets = """ticket_id,customer_id,opened_on,minutes
t1,ann,2024-02-01,5
t1,ann,2024-02-01,5
t2,,2024-02-01,5
t3,zed,2024-02-01,5
t4,bob,2023-12-31,5
t5,bob,2024-03-06,5
"""
    tables = shop(orders=ORDERS, tickets=tickets)
    assert {step: count for step, (count, _) in steps(tables, "tickets").items()} == {
        "read": 6, "used": 1, "before-window": 1, "duplicate": 1, "without-customer": 1,
        "unknown-customer": 1, "after-snapshot": 1,
    }  # fmt: skip
    assert [(row["ticket_id"], row["in_window"]) for row in rows(engine, "tickets", "ticket_id")] == [
        ("t1", True),
        ("t4", False),
    ]
    assert notices(tables)["tickets-without-customer"] == 2


def test_the_latest_reach_before_the_snapshot_counts(shop: Prepare, engine: Engine) -> None:
    reach = """customer_id,platform,measured_on,followers
ann,Pin,2024-01-10,100
ann,pin,2024-02-10,150
ann,Clip,2024-01-20,7
ann,Pin,2024-03-10,999
zed,Pin,2024-02-10,1
"""
    tables = shop(orders=ORDERS, reach=reach)
    assert {step: count for step, (count, _) in steps(tables, "reach").items()} == {
        "read": 5, "used": 2, "superseded": 1, "after-snapshot": 1, "unknown-customer": 1,
    }  # fmt: skip
    assert [(row["followers"], row["in_window"]) for row in rows(engine, "reach", "followers")] == [
        (7, True),
        (150, True),
    ]


# --- studies without orders, and refusals --------------------------------------------------------------------------


def test_without_orders_the_study_must_say_of_which_day_its_data_are(shop: Prepare, engine: Engine) -> None:
    settings = {"given": {"score": {"column": "s", "kind": "score"}, "vip": {"column": "v", "kind": "flag"}}}
    text = "customer_id,s,v\na,1.5,yes\nb,,no\n"
    asked = refused(shop, customers=text, customers_with=settings, study={"currency": None})
    assert "study.snapshot_date: the day the data stand for" in asked
    study = {"currency": None, "snapshot_date": date(2024, 1, 1)}
    tables = shop(customers=text, customers_with=settings, study=study)
    assert (tables.snapshot_date, tables.window_days, tables.orders, tables.currency) == (
        date(2024, 1, 1),
        365,
        None,
        "",
    )
    assert rows(engine, "customers", "customer_id") == [
        {"customer_id": "a", "score": 1.5, "vip": True},
        {"customer_id": "b", "score": None, "vip": False},
    ]
    assert [(column.name, column.kind, column.role) for column in tables.given] == [
        ("score", "score", "basis"),
        ("vip", "flag", "basis"),
    ]
    assert notices(tables)["missing-values"] == 1


def test_without_orders_a_year_of_birth_needs_a_snapshot(shop: Prepare) -> None:
    text = "customer_id,birth_year\na,1980\nb,1990\n"
    assert "study.snapshot_date" in refused(shop, customers=text)
    assert shop(customers=text, study={"snapshot_date": date(2024, 1, 1)}).snapshot_date == date(2024, 1, 1)


def test_money_needs_a_currency(shop: Prepare) -> None:
    assert "study.currency" in refused(shop, ConfigError, orders=ORDERS, study={"currency": None})


def test_one_customer_is_nothing_to_compare(shop: Prepare) -> None:
    assert "1 customer in all" in refused(shop, orders=f"{HEAD}\n1,ann,2024-01-05,10\n")


def test_nothing_left_is_refused_with_where_it_went(shop: Prepare) -> None:
    text = f"{HEAD},kind\n1,ann,2024-01-05,10,cancelled\n2,,2024-01-06,10,sale\n"
    assert "not one order" in refused(shop, orders=text)
    where = refused(shop, orders=text, study={"snapshot_date": date(2024, 2, 1)})
    assert "1 cancelled" in where and "1 without a customer" in where


def test_problems_of_all_sources_come_together(shop: Prepare) -> None:
    text = refused(
        shop,
        orders=f"{HEAD},discount\n1,ann,03/04/2024,1.234,x\n2,bob,05/06/2024,2.345,y\n",
        customers="nobody,gender\nann,f\n",
        tickets="",
    )
    for part in ("dates: dmy", "decimal: point", "discount_amount", "customer_id", "tickets.csv is empty"):
        assert part in text


def test_failing_values_are_refused_beyond_the_allowance_with_line_and_mask(shop: Prepare) -> None:
    text = refused(shop, orders=ORDERS + "4,bob,2024-03-04,Zed7\n")
    assert "line 5: AAA9" in text and "Zed7" not in text and "1 of 4" in text
    tables = shop(orders=ORDERS + "4,bob,2024-03-04,Zed7\n", orders_with={"max_set_aside": 0.5})
    assert steps(tables, "orders")["without-amount"] == (1, None)
    assert notices(tables)["unread-values"] == 1


def test_ragged_rows_enter_the_control_totals(shop: Prepare) -> None:
    tables = shop(orders=ORDERS + "4,bob\n", orders_with={"max_set_aside": 0.5, "delimiter": "comma"})
    assert steps(tables, "orders") == {"read": (4, "60.50"), "used": (3, "60.50"), "ragged": (1, None)}


def test_na_is_a_country(shop: Prepare, engine: Engine) -> None:
    shop(customers="customer_id,country,gender\na,NA,NA\nb,de,f\n", study={"snapshot_date": date(2024, 1, 1)})
    assert [(row["country"], row["gender"]) for row in rows(engine, "customers", "customer_id")] == [
        ("NA", None),
        ("de", "f"),
    ]


def test_hostile_names_are_plain_text(shop: Prepare, engine: Engine) -> None:
    odd = 'a"b; drop table t;--'
    text = f'customer_id,"{odd.replace(chr(34), chr(34) * 2)}",select\n{"=1+1"},<b>,x\n\'q,y,z\n'
    settings = {"given": {"select": {"column": "select", "kind": "category"}, odd: {"column": odd, "kind": "category"}}}
    shop(customers=text, customers_with=settings, study={"snapshot_date": date(2024, 1, 1)})
    assert rows(engine, "customers", "customer_id") == [
        {"customer_id": "'q", "select": "z", odd: "y"},
        {"customer_id": "=1+1", "select": "x", odd: "<b>"},
    ]


def test_the_order_of_the_rows_changes_nothing(shop: Prepare, engine: Engine) -> None:
    head, *body = (ORDERS + "4,,2024-03-01,7\n2,ann,2024-02-05,20.00\n").splitlines()
    first = (steps(shop(orders="\n".join([head, *body]) + "\n"), "orders"), rows(engine, "orders", "order_id"))
    second = (
        steps(shop(orders="\n".join([head, *reversed(body)]) + "\n"), "orders"),
        rows(engine, "orders", "order_id"),
    )
    assert first == second
