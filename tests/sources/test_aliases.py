"""The same person under several names is joined only by a rule that the configuration states."""

import pytest

from personas.engines import Engine
from personas.errors import InputError
from tests.sources.conftest import Prepare, rows

PEOPLE = "customer_id,Email,Account\n7,Ann@X.org,A1\n8,bob@x.org,A2\n9,both@x.org,A3\n10,both@x.org,-\n"
ORDERS = (
    "order_id,customer_id,ordered_on,total_amount\n1,ann@x.ORG,2024-01-05,1.00\n2,7,2024-01-06,2.00\n"
    "3,A2,2024-01-07,4.00\n4,both@x.org,2024-01-08,8.00\n5,-,2024-01-09,16.00\n"
)


def by_customer(engine: Engine) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows(engine, "orders"):
        found[row["customer_id"]] = found.get(row["customer_id"], 0) + float(row["net_amount"])
    return found


def test_orders_under_an_address_are_those_of_the_customer_number(shop: Prepare, engine: Engine) -> None:
    with_rule = shop(customers=PEOPLE, customers_with={"known_as": ["Email", "Account"]}, orders=ORDERS)
    # both@x.org is of 9 and of 10: it stands for neither, and stays as it is written; so does "-".
    assert by_customer(engine) == {"7": 3.0, "8": 4.0, "both@x.org": 8.0, "-": 16.0}
    said = {notice.code: notice.text for notice in with_rule.audit.notices}
    assert (
        said["joined-by-alias"] == "orders.csv: 2 records under another name joined with the customer number (known_as)"
    )
    assert said["shared-alias"] == "customers.csv: 1 other name of more than one customer: stands for neither"


def test_without_the_rule_nobody_is_joined(shop: Prepare, engine: Engine) -> None:
    shop(customers=PEOPLE, orders=ORDERS)
    assert by_customer(engine) == {"ann@x.ORG": 1.0, "7": 2.0, "A2": 4.0, "both@x.org": 8.0, "-": 16.0}


def test_a_customer_number_is_never_another_customers_name(shop: Prepare, engine: Engine) -> None:
    people = "customer_id,former\n7,8\n8,\n"
    orders = "order_id,customer_id,ordered_on,total_amount\n1,8,2024-01-05,1.00\n2,7,2024-01-06,2.00\n"
    shop(customers=people, customers_with={"known_as": ["former"]}, orders=orders)
    assert by_customer(engine) == {"7": 2.0, "8": 1.0}


def test_a_column_that_is_not_there_is_named(shop: Prepare) -> None:
    with pytest.raises(InputError, match=r"sources\.customers\.known_as: customers\.csv has no column 'Emial'"):
        shop(customers=PEOPLE, customers_with={"known_as": ["Emial"]}, orders=ORDERS)


def test_who_brought_a_customer_along_is_joined_by_the_same_rules(
    shop: Prepare, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_SECRET", "0123456789abcdef")
    people = "customer_id,Email,referred_by\nA7,Ann@X.org,\nb8,bob@x.org,ann@x.org\nC9,c@x.org,a7\n"
    orders = "order_id,customer_id,ordered_on,total_amount\n1,a7,2024-01-05,1.00\n2,B8,2024-01-06,2.00\n"
    rules = {"known_as": ["Email"], "fold_case": True}
    shop(customers=people, customers_with=rules, orders=orders, orders_with={"fold_case": True})
    found = {row["customer_id"]: row["referred_by"] for row in rows(engine, "customers")}
    assert found == {"a7": None, "b8": "a7", "c9": "a7"}
    hashing = {"hash_ids_with": "SHOP_SECRET"}
    shop(customers=people, customers_with=rules, orders=orders, orders_with={"fold_case": True}, study=hashing)
    found = {row["customer_id"]: row["referred_by"] for row in rows(engine, "customers")}
    brought = [by for by in found.values() if by]
    assert len(brought) == 2 and set(brought) <= set(found), "the number of who brought them along is hashed alike"
    assert "a7" not in found
