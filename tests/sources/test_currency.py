"""Orders and their lines are in one currency, or there is a question."""

from decimal import Decimal
from typing import Any

import pytest

from personas.engines import Engine
from personas.errors import InputError
from tests.sources.conftest import Prepare, rows

ORDERS = (
    "order_id,customer_id,ordered_on,total_amount,currency\n"
    "1,ann,2024-01-05,10.00,EUR\n2,bob,2024-01-06,8.00,USD\n"
)
LINES = "order_id,sku,line_amount,money\n1,a,10.00,EUR\n2,a,8.00,USD\n"
RATES: dict[str, Any] = {"currency": {"rates": {"USD": "0.5"}}}


def test_lines_without_a_currency_are_not_mixed_with_orders_that_were_converted(shop: Prepare) -> None:
    with pytest.raises(InputError, match=r"1 order converted to EUR, but no column says the currency of the order"):
        shop(orders=ORDERS, orders_with=RATES, order_lines=LINES)


def test_lines_with_a_currency_are_converted_as_the_orders_are(shop: Prepare, engine: Engine) -> None:
    told = {"columns": {"currency": "money"}, **RATES}
    shop(orders=ORDERS, orders_with=RATES, order_lines=LINES, order_lines_with=told)
    # 8.00 USD at 0.5 are 4.00 EUR
    assert sorted(row["line_amount"] for row in rows(engine, "order_lines")) == [Decimal("4.00"), Decimal("10.00")]
