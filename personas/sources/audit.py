"""Control totals: records in = records out, money in = money out, to the last cent, asserted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted
from personas.errors import PersonasError
from personas.sources.canonical import AuditLine

LABELS: Mapping[str, str] = {
    "read": "read",
    "used": "used, inside the window",
    "before-window": "before the window, kept to know since when a customer buys",
    "refunded": "given back, taken off the order that it belongs to",
    "counted": "in no order of the shop: counted as orders",
    "same-by-reference": "the same sale as an order, by reference: counted once",
    "same-by-customer": "the same sale as an order, by amount, customer and day: counted once",
    "same-by-day": "the same sale as an order, by amount and day: counted once",
    "refund-known": "refunds that the shop's own export has",
    "unmatched": "in no order of the shop: set aside",
    "duplicate": "exact copies of another record",
    "without-customer": "without a customer",
    "shared-customer": "of one customer number that many people share",
    "unknown-customer": "of customers who are not in the customers file",
    "without-amount": "without a readable amount",
    "undated": "without a readable day",
    "implausible-day": "dated before 1990",
    "after-snapshot": "on or after the snapshot day",
    "cancelled": "cancelled",
    "without-order": "whose order is in no file",
    "of-set-aside-order": "of an order that is set aside",
    "superseded": "older counts of the same customer and network",
    "ragged": "with another number of fields than the header",
    "blank": "with nothing in any cell",
    "failed": "failed, unpaid or drafts: no sale",
    "test": "test orders",
    "further-line": "further lines of an order that is read already",
    "left-out": "left out by the rules of the preset or the configuration",
    "total-row": "totals and remarks below the table",
    "other-currency": "in another currency",
}
"""Reason -> how a reader says it."""
KEPT = ("used", "before-window")
"""Statuses of records that stay."""


def status_counts_sql(table: Table, amount: str | None) -> str:
    """Records, money and customers per status."""
    money = f"SUM({quoted(amount)})" if amount else "NULL"
    return f"""
        SELECT
          status,
          COUNT(*) AS records,
          {money} AS amount,
          COUNT(DISTINCT customer_id) AS customers
        FROM {quoted(table.name)}
        GROUP BY status
    """


def audit_lines(
    engine: Engine,
    table: Table,
    name: str,
    *,
    read: tuple[int, Decimal | None],
    amount: str | None = None,
    aside: Sequence[tuple[str, int]] = (),
    refunded: tuple[Decimal | None, Decimal | None] = (None, None),
) -> list[AuditLine]:
    """The control totals of one table.

    Parameters
    ----------
    engine, table : Engine, Table
        The table with a ``status`` per record.
    name : str
        What it is called: ``orders``.
    read : (int, Decimal or None)
        Records and money of the source, counted before any rule.
    amount : str, optional
        Its column of money.
    aside : sequence of (reason, records)
        What was set aside before the table was made.
    refunded : (Decimal or None, Decimal or None)
        Money given back by a column of its own, of used records and of those before the window.

    Raises
    ------
    PersonasError
        When in is not out: a bug of ours, never a matter of the data.
    """
    found = engine.fetch(status_counts_sql(table, amount), 100).to_pylist()
    by_status = {row["status"]: (row["records"], row["amount"], row["customers"]) for row in found}
    by_status |= {reason: (records, None, None) for reason, records in aside if records}
    given_back = Decimal(0)
    for status, money in zip(KEPT, refunded, strict=True):
        if money:
            records, total, customers = by_status[status]
            by_status[status] = (records, total - money, customers)
            given_back += money
    if given_back:
        by_status["refunded"] = (0, given_back, None)
    lines = [AuditLine(name, "read", LABELS["read"], read[0], as_text(read[1]))]
    for status in LABELS:
        if status in by_status:
            records, money, customers = by_status[status]
            lines.append(
                AuditLine(name, status, LABELS[status], records, as_text(money) if amount else None, customers)
            )
    if odd := set(by_status) - set(LABELS):
        raise PersonasError(f"{name}: statuses without a label: {sorted(odd)}")
    assert_balance(lines)
    return lines


def as_text(money: Decimal | None) -> str | None:
    """Money as exact decimal text: at least two decimals, at most four."""
    if money is None:
        return None
    text = f"{money:.4f}"
    return text[:-2] if text.endswith("00") else text


def assert_balance(lines: Sequence[AuditLine]) -> None:
    """Raise PersonasError unless the first line (read) equals the sum of the others, in records and in money."""
    read, rest = lines[0], lines[1:]
    records = sum(line.rows for line in rest)
    if records != read.rows:
        raise PersonasError(f"{read.table}: {read.rows:,} records read, but {records:,} accounted for")
    if read.amount is not None:
        money = sum((Decimal(line.amount) for line in rest if line.amount), Decimal(0))
        if money != Decimal(read.amount):
            raise PersonasError(f"{read.table}: {read.amount} read, but {money} accounted for")
