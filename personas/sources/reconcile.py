"""One sale, seen by the shop and by the payment gateway, counted once: by rules that are said, pair by pair.

A payment is the same sale as an order
1. by reference: it names the order, the order names it, or both carry the same reference;
2. by amount and customer: the same amount, the same customer, at most ``same_sale_days`` apart; nearest days first;
3. by amount and day: as 2 without the customer, only where the two sources have no customer number in common.

Rules 2 and 3 take each order once, and none that was found by reference. Amounts are in the study's currency, to the
cent. What is left is a sale of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from personas.config import SourceConfig
from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted
from personas.errors import InputError, count_of
from personas.estimate import Notice
from personas.sources.audit import LABELS, as_text, assert_balance
from personas.sources.canonical import AuditLine
from personas.sources.load import Loaded

if TYPE_CHECKING:
    import pyarrow as pa

MOST_RECORDS = 50_000_000
BY_REFERENCE, BY_CUSTOMER, BY_DAY = "same-by-reference", "same-by-customer", "same-by-day"
KEPT, NOT_WANTED, OF_SALE = "counted", "unmatched", "refund-known"
NO_SALE, COPY = ("cancelled", "failed", "test"), "duplicate"


@dataclass(frozen=True, slots=True)
class Sale:
    """A record of either side; ``place`` is its place in its table."""

    place: int
    number: str | None
    reference: str | None
    customer: str | None
    day: date | None
    amount: Decimal | None
    kind: str
    original: str | None


def reconciled(
    engine: Engine, loaded: Mapping[str, Loaded], source: SourceConfig
) -> tuple[dict[str, Loaded], list[AuditLine], list[Notice]]:
    """The sources with the payments that are sales of their own among the orders, control totals, and remarks.

    Raises
    ------
    InputError
        When no payment can be compared with any order.
    """
    import pyarrow as pa

    shop, gateway = loaded["orders"], loaded["payments"]
    orders, payments = _fetched(engine, shop.table), _fetched(engine, gateway.table)
    sales, paid = _sales(orders), _sales(payments)
    copies = _copies(payments)
    paid = [replace(sale, kind=COPY) if sale.place in copies else sale for sale in paid]
    pairs = matched(sales, paid, source.same_sale_days)
    tracked = shop.has("refunded_amount") or any(sale.kind == "refund" for sale in sales)
    status = statuses(paid, pairs, tracked, keep=source.unmatched == "count")
    rest = payments.filter(pa.array([status[sale.place] == KEPT for sale in paid], pa.bool_()))
    rest = _renumbered(rest, sales, paid, pairs)
    orders, taken_over = (orders, 0) if tracked else _with_refunds(orders, payments, pairs)
    together = _together(orders, rest)
    records = shop.raw.records + rest.num_rows
    joined = replace(
        shop, table=engine.read(shop.table.name, together), raw=replace(shop.raw, records=records),
        filled={**gateway.filled, **shop.filled},
    )  # fmt: skip
    others = {name: item for name, item in loaded.items() if name not in ("orders", "payments")}
    lines = _lines(gateway, paid, status)
    return {**others, "orders": joined}, lines, _notices(sales, paid, pairs, status, taken_over)


def _fetched(engine: Engine, table: Table) -> pa.Table:
    """The table in an order that does not depend on the engine."""
    names = sorted(table.columns, key=lambda name: name == "record")
    order = ", ".join(f"{quoted(name)} NULLS LAST" for name in names)
    return engine.fetch(f"SELECT * FROM {quoted(table.name)} ORDER BY {order}", MOST_RECORDS)


def _copies(table: pa.Table) -> set[int]:
    """Places of records that repeat the one before them, which has a number; the table is sorted."""
    if "order_id" not in table.column_names:
        return set()
    columns = [table.column(name).to_pylist() for name in table.column_names if name != "record"]
    numbers = table.column("order_id").to_pylist()
    rows = list(zip(*columns, strict=True))
    return {place for place in range(1, len(rows)) if numbers[place] is not None and rows[place] == rows[place - 1]}


def _sales(table: pa.Table) -> list[Sale]:
    """The records as sales and refunds."""
    empty = [None] * table.num_rows

    def column(name: str) -> Sequence[object]:
        return table.column(name).to_pylist() if name in table.column_names else empty

    names = ("order_id", "reference", "customer_id", "ordered_on", "total_amount", "kind", "original_order_id")
    found = []
    for place, (number, reference, customer, day, amount, kind, original) in enumerate(
        zip(*map(column, names), strict=True)
    ):
        word = str(kind or "sale").lower()
        if word == "sale" and isinstance(amount, Decimal) and amount < 0:
            word = "refund"
        found.append(Sale(place, number, reference, customer, day, amount, word, original))
    return found


def matched(sales: Sequence[Sale], paid: Sequence[Sale], days: int) -> dict[int, tuple[int, str]]:
    """Place of a payment -> place of its order, and the rule that says so."""
    orders = [sale for sale in sales if sale.kind == "sale"]
    open_payments = [sale for sale in paid if sale.kind == "sale"]
    pairs = {place: (order, BY_REFERENCE) for place, order in _by_reference(orders, open_payments).items()}
    taken = {order for order, _ in pairs.values()}
    shared = ({sale.customer for sale in orders} & {sale.customer for sale in open_payments}) - {None}
    rule = BY_CUSTOMER if shared else BY_DAY
    left = [sale for sale in open_payments if sale.place not in pairs]
    free = [sale for sale in orders if sale.place not in taken]
    return pairs | {
        payment: (order, rule) for payment, order in _nearest(free, left, days, with_customer=rule == BY_CUSTOMER)
    }


def _plain(number: str | None) -> str | None:
    """A number without the sign that shops put before it: ``#1001`` and ``1001`` are the same order."""
    return number.lstrip("#").strip() or None if number else None


def _by_reference(orders: Sequence[Sale], payments: Sequence[Sale]) -> dict[int, int]:
    """Payments that name an order, or are named by one; a reference that fits several orders says nothing."""
    named: dict[str, set[int]] = defaultdict(set)
    for order in orders:
        for text in (_plain(order.number), _plain(order.reference)):
            if text:
                named[text].add(order.place)
    found = {}
    for payment in payments:
        for text in (_plain(payment.reference), _plain(payment.number)):
            if text and len(named.get(text, ())) == 1:
                found[payment.place] = next(iter(named[text]))
                break
    return found


def _nearest(
    orders: Sequence[Sale], payments: Sequence[Sale], days: int, *, with_customer: bool
) -> list[tuple[int, int]]:
    """Pairs of the same amount, the nearest days first, each side once."""
    free: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for order in reversed(orders):
        if order.day and order.amount is not None and (order.customer or not with_customer):
            free[order.day, order.amount, order.customer if with_customer else None].append(order.place)
    pairs: list[tuple[int, int]] = []
    left = [sale for sale in payments if sale.day and sale.amount is not None and (sale.customer or not with_customer)]
    for apart in sorted(range(-days, days + 1), key=lambda shift: (abs(shift), shift)):
        unpaired = []
        for payment in left:
            assert payment.day is not None
            day = payment.day + timedelta(days=apart)
            places = free.get((day, payment.amount, payment.customer if with_customer else None))
            if places:
                pairs.append((payment.place, places.pop()))
            else:
                unpaired.append(payment)
        left = unpaired
    return pairs


def statuses(
    paid: Sequence[Sale], pairs: Mapping[int, tuple[int, str]], tracked: bool, *, keep: bool
) -> dict[int, str]:
    """What becomes of each payment; ``tracked`` says that the shop's own export knows its refunds."""
    of_order = {sale.number for sale in paid if sale.place in pairs and sale.number}
    found = {}
    for sale in paid:
        if sale.place in pairs:
            found[sale.place] = pairs[sale.place][1]
        elif sale.kind in (*NO_SALE, COPY):
            found[sale.place] = sale.kind
        elif sale.kind == "refund" and sale.original in of_order:
            found[sale.place] = OF_SALE if tracked else KEPT
        else:
            found[sale.place] = KEPT if keep else NOT_WANTED
    return found


def _renumbered(
    rest: pa.Table, sales: Sequence[Sale], paid: Sequence[Sale], pairs: Mapping[int, tuple[int, str]]
) -> pa.Table:
    """Refunds name the shop's order instead of its payment; numbers that the shop uses too are told apart."""
    import pyarrow as pa

    if "order_id" in rest.column_names:
        used = {sale.number for sale in sales}
        numbers = rest.column("order_id").to_pylist()
        if used & set(numbers) - {None}:
            numbers = [number and f"payment {number}" for number in numbers]
            place = rest.column_names.index("order_id")
            rest = rest.set_column(place, "order_id", pa.array(numbers, pa.string()))
    if "original_order_id" in rest.column_names:
        own = {sale.number: sales[pairs[sale.place][0]].number for sale in paid if sale.place in pairs}
        texts = [own.get(text, text) for text in rest.column("original_order_id").to_pylist()]
        place = rest.column_names.index("original_order_id")
        rest = rest.set_column(place, "original_order_id", pa.array(texts, pa.string()))
    return rest


def _with_refunds(orders: pa.Table, payments: pa.Table, pairs: Mapping[int, tuple[int, str]]) -> tuple[pa.Table, int]:
    """The orders with what the gateway gave back, where the shop's export does not know it."""
    import pyarrow as pa

    if "refunded_amount" not in payments.column_names:
        return orders, 0
    given = payments.column("refunded_amount").to_pylist()
    back: list[Decimal | None] = [None] * orders.num_rows
    for payment, (order, _) in sorted(pairs.items()):
        if given[payment]:
            back[order] = (back[order] or Decimal(0)) + given[payment]
    kind = payments.schema.field("refunded_amount").type
    return orders.append_column("refunded_amount", pa.array(back, kind)), sum(value is not None for value in back)


def _together(orders: pa.Table, rest: pa.Table) -> pa.Table:
    """Both under the columns of either, with a number per record."""
    import numpy as np
    import pyarrow as pa

    parts = [part.drop_columns(["record"]) if "record" in part.column_names else part for part in (orders, rest)]
    # Arrow's joining of schemas widens decimals of different precision instead of failing.
    whole = pa.concat_tables(parts, promote_options="permissive")
    return whole.append_column("record", pa.array(np.arange(whole.num_rows)))


def _lines(gateway: Loaded, paid: Sequence[Sale], status: Mapping[int, str]) -> list[AuditLine]:
    """The control totals of the payments: read = the same sales + sales of their own + set aside."""
    aside = {reason: count for reason, count in gateway.set_aside if count}
    total = sum((sale.amount for sale in paid if sale.amount is not None), Decimal(0))
    lines = [AuditLine("payments", "read", LABELS["read"], gateway.raw.records, as_text(total))]
    for step, label in LABELS.items():
        here = [sale for sale in paid if status[sale.place] == step]
        if here or step in aside:
            money = sum((sale.amount for sale in here if sale.amount is not None), Decimal(0))
            people = len({sale.customer for sale in here} - {None})
            rows = len(here) + aside.get(step, 0)
            lines.append(AuditLine("payments", step, label, rows, as_text(money), people))
    assert_balance(lines)
    return lines


def _notices(
    sales: Sequence[Sale], paid: Sequence[Sale], pairs: Mapping[int, tuple[int, str]], status: Mapping[int, str],
    taken_over: int,
) -> list[Notice]:  # fmt: skip
    payments = [sale for sale in paid if sale.kind == "sale"]
    if payments and not pairs:
        raise InputError(
            f"none of {count_of(len(payments), 'payment')} is the same sale as an order, neither by reference nor by "
            "amount and day. If they are other sales, add them to sources.orders; else map the right columns of "
            "sources.payments, or write sources.payments.same_sale_days"
        )
    notices = []
    words = {BY_REFERENCE: "by reference", BY_CUSTOMER: "by amount, customer and day", BY_DAY: "by amount and day"}
    for rule, how in words.items():
        count = sum(found == rule for found in status.values())
        if count:
            text = f"{count_of(count, 'payment')} the same sale as an order {how}: counted once"
            notices.append(Notice(rule, text, count))
    by_place = {sale.place: sale for sale in paid}
    odd = [
        (by_place[payment].amount or Decimal(0)) - (sales[order].amount or Decimal(0))
        for payment, (order, _) in pairs.items() if by_place[payment].amount != sales[order].amount
    ]  # fmt: skip
    if odd:
        text = f"{count_of(len(odd), 'payment')} of another amount than the order: the order counts"
        notices.append(
            Notice("other-amount", f"{text} (payments less orders: {as_text(sum(odd, Decimal(0)))})", len(odd))
        )
    if own := sum(found == KEPT for found in status.values()):
        notices.append(Notice("payments-counted", f"{count_of(own, 'payment')} in no order: counted as orders", own))
    if aside := sum(found == NOT_WANTED for found in status.values()):
        notices.append(Notice("payments-set-aside", f"{count_of(aside, 'payment')} in no order: set aside", aside))
    if taken_over:
        text = f"refunds of {count_of(taken_over, 'order')} come from the payments: the orders do not say them"
        notices.append(Notice("refunds-of-payments", text, taken_over))
    return notices
