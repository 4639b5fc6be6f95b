"""The rules for orders, as SQL: copies, cancellations, refunds, unknown customers, days outside the study.

Method: ingest.md 6.2, 6.5 and 6.6. Every record gets one ``status``; nothing disappears without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.errors import InputError, count_of
from personas.sources.audit import KEPT, audit_lines
from personas.sources.load import Loaded
from personas.sources.window import Window, dated_cases, window_cases
from personas.sources.words import CHANNEL_SQL, CHANNELS, as_known, check_words, other_channels
from personas.sources.work import Work, kept, numbers_repeat, read_totals, refuse_conflicts

OPTIONAL = ("discount_amount", "channel", "coupon_code", "items", "shipping_amount", "tax_amount")
"""Columns that are handed on as they are."""
SIGNED = ("order_id", "customer_id", "ordered_on", "class", "part", "amount", "original_order_id", "refunded_amount")
"""Columns of the signed orders, before ``OPTIONAL`` ones."""
KINDS = ("sale", "refund", "cancelled", "failed", "test")
NO_SALE = "('cancelled', 'failed', 'test')"
"""Kinds of records that are counted and set aside."""


def signed_orders_sql(table: Table, *, numbered: bool, plain: bool = False) -> str:
    """Orders with ``class`` (sale, refund, cancelled), ``amount`` (negative for a refund, whatever its sign was) and
    the channel as one of ``CHANNELS``. ``numbered`` says that every order has a number; to the others one is given.
    ``plain`` says that all kinds and channels are written as we write them.
    """
    kind = f"COALESCE({'kind' if plain else 'LOWER(kind)'}, 'sale')" if table.has("kind") else "'sale'"
    record = "CAST(record AS VARCHAR)" if table.has("record") else f"CAST({_row_number(table)} AS VARCHAR)"
    order_id = f"COALESCE(order_id, 'without id, record ' || {record})" if table.has("order_id") else record
    order_id = "order_id" if numbered else order_id
    original = "original_order_id" if table.has("original_order_id") else "CAST(NULL AS VARCHAR)"
    refunded = "refunded_amount" if table.has("refunded_amount") else "CAST(NULL AS DECIMAL(18, 4))"
    rest = "".join(
        f",\n          {CHANNEL_SQL if name == 'channel' and not plain else name} AS {name}"
        for name in OPTIONAL if table.has(name)
    )
    return f"""
        SELECT
          {order_id} AS order_id,
          customer_id,
          ordered_on,
          CASE
            WHEN {kind} IN {NO_SALE} THEN {kind}
            WHEN {kind} = 'refund' OR total_amount < 0 THEN 'refund'
            ELSE 'sale'
          END AS class,
          CASE
            WHEN {kind} NOT IN {NO_SALE} AND ({kind} = 'refund' OR total_amount < 0) THEN 'refund'
            ELSE 'order'
          END AS part,
          CASE WHEN {kind} = 'refund' AND total_amount > 0 THEN -total_amount ELSE total_amount END AS amount,
          {original} AS original_order_id,
          {refunded} AS refunded_amount{rest}
        FROM {quoted(table.name)}
    """


def _all_numbered(engine: Engine, table: Table) -> bool:
    """Whether no order is without a number; to number the others all have to be sorted."""
    if not table.has("order_id"):
        return False
    sql = f"SELECT COUNT(*) - COUNT(order_id) AS without FROM {quoted(table.name)}"
    return not engine.fetch(sql, 1).to_pylist()[0]["without"]


def _row_number(table: Table) -> str:
    """A number per record of a typed source: its place when the records are sorted by all their columns."""
    order = ", ".join(f"{quoted(name)} NULLS LAST" for name in table.columns)
    return f"ROW_NUMBER() OVER (ORDER BY {order})"


def busiest_sql(source: str) -> str:
    """The customer number with most orders, its orders, all orders, and the orders of a middle customer."""
    return f"""
        WITH counts AS (
          {_sales_by_customer(source)}
        ), ranked AS (
          SELECT customer_id, orders, ROW_NUMBER() OVER (ORDER BY orders DESC, customer_id) AS place
          FROM counts
        )
        SELECT
          MAX(CASE WHEN place = 1 THEN customer_id END) AS customer,
          MAX(orders) AS most,
          SUM(orders) AS total,
          MEDIAN(orders) AS middle
        FROM ranked
    """


def _sales_by_customer(source: str) -> str:
    return f"""SELECT customer_id, COUNT(*) AS orders
          FROM {source}
          WHERE customer_id IS NOT NULL AND class = 'sale'
          GROUP BY customer_id"""


def shared_customer(engine: Engine, source: str) -> str | None:
    """A number such as "guest" that many people share: over 5% of all orders, over 50 times a middle customer's."""
    sql = f"SELECT MAX(orders) AS most, SUM(orders) AS total FROM ({_sales_by_customer(source)}) AS counts"
    found = engine.fetch(sql, 1).to_pylist()[0]
    if not found["most"] or found["most"] <= 0.05 * float(found["total"]):
        return None  # customers need not be ranked
    found = engine.fetch(busiest_sql(source), 1).to_pylist()[0]
    return str(found["customer"]) if found["most"] > 50 * float(found["middle"]) else None


def marked_orders_sql(
    source: str, columns: Sequence[str], window: Window, known: Table | None, *, copies: bool,
    shared: str | None = None,
) -> str:  # fmt: skip
    """Signed orders with the ``status`` of each; ``known`` is the list of customers when all of them are known."""
    copy = "CASE WHEN ROW_NUMBER() OVER (PARTITION BY o.order_id, o.part ORDER BY o.order_id) > 1 THEN 1 ELSE 0 END"
    join = f"LEFT JOIN {quoted(known.name)} AS k ON k.customer_id = o.customer_id" if known else ""
    listed = ", ".join(f"o.{quoted(name)}" for name in columns)
    known_id = "k.customer_id" if known else "o.customer_id"
    return f"""
        SELECT
          {", ".join(quoted(name) for name in columns)},
          CASE
            WHEN is_copy = 1 THEN 'duplicate'
            WHEN class IN {NO_SALE} THEN class
            WHEN amount IS NULL THEN 'without-amount'
            {dated_cases("ordered_on", window)}
            WHEN customer_id IS NULL THEN 'without-customer'
            {f"WHEN customer_id = {text_literal(shared)} THEN 'shared-customer'" if shared else ""}
            WHEN known_id IS NULL THEN 'unknown-customer'
            {window_cases("ordered_on", window)}
          END AS status
        FROM (
          SELECT {listed}, {copy if copies else "0"} AS is_copy, {known_id} AS known_id
          FROM {source}
          {join}
        ) AS numbered
    """


def refunds_sql(marked: str) -> str:
    """Money given back per sale, from refund records that are kept; linked by original number, else by their own."""
    return f"""
        SELECT COALESCE(original_order_id, order_id) AS order_id, -SUM(amount) AS given_back
        FROM ({marked}) AS o
        WHERE class = 'refund' AND status IN {KEPT}
        GROUP BY COALESCE(original_order_id, order_id)
    """


def orders_sql(marked: str, columns: Sequence[str], refunds: Table) -> str:
    """Every record with its status and what the rules need, and beside them the columns of the canonical orders."""
    given = "COALESCE(r.given_back, 0) + COALESCE(o.refunded_amount, 0)"
    rest = "".join(f",\n          o.{name}" for name in _handed_on(columns))
    return f"""
        SELECT
          o.order_id,
          o.customer_id,
          o.ordered_on,
          o.class = 'sale' AND NOT ({given} > 0 AND {given} >= o.amount) AS is_sale,
          CASE WHEN o.status IN {KEPT} THEN
            CAST(o.amount - CASE WHEN o.class = 'sale' THEN COALESCE(o.refunded_amount, 0) ELSE 0 END
              AS DECIMAL(18, 4)) END AS net_amount,
          o.status = 'used' AS in_window,
          o.class = 'sale' AND {given} > 0 AS refunded{rest},
          o.class,
          o.amount,
          o.original_order_id,
          o.refunded_amount,
          o.status
        FROM ({marked}) AS o
        LEFT JOIN {quoted(refunds.name)} AS r ON o.class = 'sale' AND r.order_id = o.order_id
    """


def _handed_on(columns: Sequence[str]) -> list[str]:
    return [name for name in OPTIONAL if name in columns and name != "tax_amount"]


def refund_facts_sql(table: Table, refunds: Table) -> str:
    """What must be said about refunds: how many, of which shape, without their sale, over their sale."""
    return f"""
        SELECT
          COUNT(CASE WHEN o.class = 'refund' THEN 1 END) AS records,
          COUNT(CASE WHEN o.class = 'sale' AND o.refunded_amount > 0 THEN 1 END) AS by_column,
          COUNT(r.order_id) AS linked_sales,
          COUNT(CASE WHEN r.given_back + COALESCE(o.refunded_amount, 0) > o.amount THEN 1 END) AS above,
          COUNT(CASE WHEN o.class = 'sale' AND o.amount = 0 THEN 1 END) AS zero,
          SUM(CASE WHEN o.class = 'sale' AND o.status = 'used' THEN o.refunded_amount END) AS refunded_used,
          SUM(CASE WHEN o.class = 'sale' AND o.status = 'before-window' THEN o.refunded_amount END) AS refunded_before
        FROM {quoted(table.name)} AS o
        LEFT JOIN {quoted(refunds.name)} AS r ON o.class = 'sale' AND r.order_id = o.order_id
        WHERE o.status IN {KEPT}
    """


def unlinked_refunds_sql(table: Table) -> str:
    """Refund records that are kept and belong to no sale in the table."""
    return f"""
        SELECT COUNT(*) AS records
        FROM {quoted(table.name)} AS o
        LEFT JOIN (
          SELECT order_id FROM {quoted(table.name)} WHERE class = 'sale' GROUP BY order_id
        ) AS s ON s.order_id = COALESCE(o.original_order_id, o.order_id)
        WHERE o.class = 'refund' AND o.status IN {KEPT} AND s.order_id IS NULL
    """


@dataclass(frozen=True, slots=True)
class Marked:
    """Orders with the status of each record, and what becomes of them.

    ``repeat`` says that some order number is there more than once, ``tracks_refunds`` whether the shop tells of
    refunds at all.
    """

    table: Table
    repeat: bool
    tracks_refunds: bool


def mark_orders(work: Work) -> Marked | None:
    """The orders of a source of orders with their status, their control totals, and what must be said of them."""
    item = work.loaded.get("orders")
    if item is None:
        return None
    engine = work.engine
    plain = as_known(engine, item.table, "kind", KINDS) and as_known(engine, item.table, "channel", CHANNELS)
    if not plain:
        _refuse_odd_kinds(engine, item)
        work.notices += other_channels(engine, item.table, "orders")
    source, columns, repeat = _signed(work, item, plain=plain)
    shared = shared_customer(engine, source)
    totals = read_totals(work, item, source, "amount")
    sql = marked_orders_sql(source, columns, work.window, work.known, copies=repeat, shared=shared)
    refunds = engine.make("order_refunds", refunds_sql(sql))
    marked = engine.make(item.table.name, orders_sql(sql, columns, refunds))
    facts = engine.fetch(refund_facts_sql(marked, refunds), 1).to_pylist()[0]
    _refuse_two_shapes(item, facts)
    work.audit += audit_lines(
        engine, marked, "orders", read=totals, amount="amount", aside=item.set_aside,
        refunded=(facts["refunded_used"], facts["refunded_before"]),
    )  # fmt: skip
    tracks = bool(facts["records"]) or item.has("kind") or item.has("refunded_amount") or item.has("original_order_id")
    _say_orders(work, item, marked, refunds, facts)
    return Marked(marked, repeat, tracks)


def _refuse_odd_kinds(engine: Engine, item: Loaded) -> None:
    odd, _, _ = check_words(engine, item.table, "kind", KINDS)
    if odd:
        raise InputError(
            f"{item.raw.label}: the kinds {', '.join(map(repr, odd))} are none of {', '.join(KINDS)}. Write under "
            f"sources.orders.columns.kind: {{column: ..., values: {{{odd[0]}: sale}}}}, or leave it out: kind: ''"
        )


def _signed(work: Work, item: Loaded, *, plain: bool) -> tuple[str, list[str], bool]:
    """What stands for the signed orders behind FROM, their columns, and whether a number is there more than once.

    They are looked at twice or three times, which costs less than to keep them, unless they had to be sorted.
    """
    engine = work.engine
    columns = [*SIGNED, *(name for name in OPTIONAL if item.table.has(name))]
    numbered = _all_numbered(engine, item.table)
    sql = signed_orders_sql(item.table, numbered=numbered, plain=plain)
    if numbered and not numbers_repeat(engine, item.table, "order_id"):
        return f"({sql}) AS o", columns, False
    signed = engine.make(item.table.name, sql)
    repeat = item.has("order_id") and refuse_conflicts(
        engine, signed, ["order_id", "part"], signed.columns, item.raw.label
    )
    return f"{quoted(signed.name)} AS o", columns, repeat


def make_orders(work: Work, marked: Marked) -> Table:
    """The canonical orders; nothing may look at the marked ones any more."""
    made = ["order_id", "customer_id", "ordered_on", "is_sale", "net_amount", "in_window"]
    made += ["refunded"] if marked.tracks_refunds else []
    return kept(work.engine, marked.table, [*made, *_handed_on(marked.table.columns)])


def _refuse_two_shapes(item: Loaded, facts: dict[str, int]) -> None:
    if facts["records"] and facts["by_column"]:
        raise InputError(
            f"{item.raw.label} shows refunds twice: {facts['by_column']:,} orders with a refunded amount and "
            f"{facts['records']:,} records that are refunds. Say which counts: leave the column out with "
            "sources.orders.columns.refunded_amount: '', or count the records as cancelled with "
            "sources.orders.columns.kind.values: {refund: cancelled}"
        )


def _unlinked(engine: Engine, marked: Table, refunds: Table, linked: int) -> int:
    """Refund records without their sale; where every refunded order was found among the sales, none is looked for."""
    refunded = engine.fetch(f"SELECT COUNT(*) AS orders FROM {quoted(refunds.name)}", 1).to_pylist()[0]["orders"]
    if linked == refunded:
        return 0
    return int(engine.fetch(unlinked_refunds_sql(marked), 1).to_pylist()[0]["records"])


def _say_orders(work: Work, item: Loaded, marked: Table, refunds: Table, facts: dict[str, int]) -> None:
    """The remarks about orders."""
    rows = {line.step: line.rows for line in work.audit if line.table == "orders"}
    if lost := rows.get("without-customer"):
        work.notice(
            "orders-without-customer", f"{count_of(lost, 'order')} without a customer: counted, in no segment", lost
        )
    if lost := rows.get("shared-customer"):
        text = f"{count_of(lost, 'order')} of one customer number that many people share set aside"
        work.notice("shared-customer", text, lost)
    if lost := rows.get("unknown-customer"):
        work.notice(
            "orders-of-unknown-customers",
            f"{count_of(lost, 'order')} of customers who are not in the customers file set aside",
            lost,
        )
    if lost := rows.get("duplicate"):
        work.notice("duplicate-orders", f"{count_of(lost, 'exact copy', 'exact copies')} of other orders dropped", lost)
    if facts["zero"]:
        work.notice("zero-orders", f"{count_of(facts['zero'], 'order')} of amount 0 counted as orders", facts["zero"])
    if facts["above"]:
        work.notice(
            "refund-above-order",
            f"{count_of(facts['above'], 'order')} with more money given back than paid: kept",
            facts["above"],
        )
    if unlinked := _unlinked(work.engine, marked, refunds, facts["linked_sales"]):
        text = f"{count_of(unlinked, 'refund')} without an order in the file: the customer's revenue is lowered"
        work.notice("unlinked-refunds", text, unlinked)
    if not item.has("order_id"):
        work.notice("no-order-number", "orders have no number: every record is an order of its own, repeated ones too")
