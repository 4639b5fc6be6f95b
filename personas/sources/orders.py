"""The rules for orders, as SQL: copies, cancellations, refunds, unknown customers, days outside the study.

Method: ingest.md 6.2, 6.5 and 6.6. Every record gets one ``status``; nothing disappears without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personas.engines.engine import Engine, Table
from personas.engines.portable import quoted, text_literal
from personas.errors import InputError, count_of
from personas.estimate import Notice
from personas.sources.audit import audit_lines
from personas.sources.load import Loaded
from personas.sources.window import Window, dated_cases, window_cases
from personas.sources.work import Work, read_totals, refuse_conflicts

OPTIONAL = ("discount_amount", "channel", "coupon_code", "items", "shipping_amount", "tax_amount")
"""Columns that are handed on as they are."""
CHANNELS = ("online", "store", "phone", "other")
KINDS = ("sale", "refund", "cancelled", "failed", "test")
CHANNEL_SQL = (
    f"CASE WHEN LOWER(channel) IN ({', '.join(map(repr, CHANNELS))}) THEN LOWER(channel)"
    " WHEN channel <> '' THEN 'other' END"
)
"""The channel as one of ``CHANNELS``."""
NO_SALE = "('cancelled', 'failed', 'test')"
"""Kinds of records that are counted and set aside."""


def signed_orders_sql(table: Table, *, numbered: bool) -> str:
    """Orders with ``class`` (sale, refund, cancelled), ``amount`` (negative for a refund, whatever its sign was) and
    the channel as one of ``CHANNELS``. ``numbered`` says that every order has a number; to the others one is given.
    """
    kind = "COALESCE(LOWER(kind), 'sale')" if table.has("kind") else "'sale'"
    record = "CAST(record AS VARCHAR)" if table.has("record") else f"CAST({_row_number(table)} AS VARCHAR)"
    order_id = f"COALESCE(order_id, 'without id, record ' || {record})" if table.has("order_id") else record
    order_id = "order_id" if numbered else order_id
    original = "original_order_id" if table.has("original_order_id") else "CAST(NULL AS VARCHAR)"
    refunded = "refunded_amount" if table.has("refunded_amount") else "CAST(NULL AS DECIMAL(18, 4))"
    rest = "".join(
        f",\n          {CHANNEL_SQL if name == 'channel' else name} AS {name}" for name in OPTIONAL if table.has(name)
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


def busiest_sql(table: Table) -> str:
    """The customer number with most orders, its orders, all orders, and the orders of a middle customer."""
    return f"""
        WITH counts AS (
          SELECT customer_id, COUNT(*) AS orders
          FROM {quoted(table.name)}
          WHERE customer_id IS NOT NULL AND class = 'sale'
          GROUP BY customer_id
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


def shared_customer(engine: Engine, table: Table) -> str | None:
    """A number such as "guest" that many people share: over 5% of all orders, over 50 times a middle customer's."""
    found = engine.fetch(busiest_sql(table), 1).to_pylist()[0]
    if found["most"] and found["most"] > 0.05 * float(found["total"]) and found["most"] > 50 * float(found["middle"]):
        return str(found["customer"])
    return None


def marked_orders_sql(
    table: Table, window: Window, known: Table | None, *, copies: bool, shared: str | None = None
) -> str:
    """Orders with the ``status`` of each record; ``known`` is the list of customers when all of them are known."""
    copy = "CASE WHEN ROW_NUMBER() OVER (PARTITION BY o.order_id, o.part ORDER BY o.order_id) > 1 THEN 1 ELSE 0 END"
    join = f"LEFT JOIN {quoted(known.name)} AS k ON k.customer_id = o.customer_id" if known else ""
    columns = ", ".join(f"o.{quoted(name)}" for name in table.columns)
    known_id = "k.customer_id" if known else "o.customer_id"
    return f"""
        WITH numbered AS (
          SELECT {columns}, {copy if copies else "0"} AS is_copy, {known_id} AS known_id
          FROM {quoted(table.name)} AS o
          {join}
        )
        SELECT
          {", ".join(quoted(name) for name in table.columns)},
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
        FROM numbered
    """


def refunds_sql(table: Table) -> str:
    """Money given back per sale, from refund records that are kept; linked by original number, else by their own."""
    return f"""
        SELECT COALESCE(original_order_id, order_id) AS order_id, -SUM(amount) AS given_back
        FROM {quoted(table.name)}
        WHERE class = 'refund' AND status IN ('used', 'before-window')
        GROUP BY COALESCE(original_order_id, order_id)
    """


def orders_sql(table: Table, refunds: Table, *, tracks_refunds: bool) -> str:
    """The canonical orders: one record per sale and per refund that is kept."""
    given = "COALESCE(r.given_back, 0) + COALESCE(o.refunded_amount, 0)"
    rest = "".join(f",\n          o.{name}" for name in OPTIONAL if table.has(name) and name != "tax_amount")
    refunded = f",\n          o.class = 'sale' AND {given} > 0 AS refunded" if tracks_refunds else ""
    return f"""
        SELECT
          o.order_id,
          o.customer_id,
          o.ordered_on,
          o.class = 'sale' AND NOT ({given} > 0 AND {given} >= o.amount) AS is_sale,
          CAST(o.amount - CASE WHEN o.class = 'sale' THEN COALESCE(o.refunded_amount, 0) ELSE 0 END
            AS DECIMAL(18, 4)) AS net_amount,
          o.status = 'used' AS in_window{refunded}{rest}
        FROM {quoted(table.name)} AS o
        LEFT JOIN {quoted(refunds.name)} AS r ON o.class = 'sale' AND r.order_id = o.order_id
        WHERE o.status IN ('used', 'before-window')
    """


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
        WHERE o.status IN ('used', 'before-window')
    """


def unlinked_refunds_sql(table: Table) -> str:
    """Refund records that are kept and belong to no sale in the table."""
    return f"""
        SELECT COUNT(*) AS records
        FROM {quoted(table.name)} AS o
        LEFT JOIN (
          SELECT order_id FROM {quoted(table.name)} WHERE class = 'sale' GROUP BY order_id
        ) AS s ON s.order_id = COALESCE(o.original_order_id, o.order_id)
        WHERE o.class = 'refund' AND o.status IN ('used', 'before-window') AND s.order_id IS NULL
    """


MOST_WORDS = 20
"""So many odd words of a column are named."""


def check_words(engine: Engine, table: Table, column: str, allowed: Sequence[str]) -> tuple[list[str], int, int]:
    """Words of a column that are none of the allowed ones, commonest first; how many more there are; their records."""
    if not table.has(column):
        return [], 0, 0
    known = ", ".join(f"'{word}'" for word in allowed)
    sql = f"""
        SELECT
          word,
          n,
          COUNT(*) OVER () AS words,
          SUM(n) OVER () AS records
        FROM (
          SELECT
            {column} AS word,
            COUNT(*) AS n
          FROM {quoted(table.name)}
          WHERE {column} IS NOT NULL AND LOWER({column}) NOT IN ({known})
          GROUP BY {column}
        ) AS odd
        ORDER BY n DESC, word NULLS LAST
        LIMIT {MOST_WORDS}
    """
    rows = engine.fetch(sql, MOST_WORDS).to_pylist()
    if not rows:
        return [], 0, 0
    return [str(row["word"]) for row in rows], int(rows[0]["words"]) - len(rows), int(rows[0]["records"])


def other_channels(engine: Engine, table: Table, name: str) -> list[Notice]:
    """What must be said of channels that are none of ``CHANNELS``."""
    odd, more, records = check_words(engine, table, "channel", CHANNELS)
    if not odd:
        return []
    named = f"{', '.join(odd)}{f' and {more:,} more' if more else ''}"
    text = f"{name}: the channels {named} count as 'other'. Recode them: sources.{name}.columns.channel.values"
    return [Notice("other-channel", text, records)]


@dataclass(frozen=True, slots=True)
class Marked:
    """Orders with the status of each record, and what becomes of them.

    ``repeat`` says that some order number is there more than once. ``refunds`` is the money given back by order,
    ``tracks_refunds`` whether the shop tells of refunds at all.
    """

    table: Table
    repeat: bool
    refunds: Table
    tracks_refunds: bool


def mark_orders(work: Work) -> Marked | None:
    """The orders of a source of orders with their status, their control totals, and what must be said of them."""
    item = work.loaded.get("orders")
    if item is None:
        return None
    engine = work.engine
    odd, _, _ = check_words(engine, item.table, "kind", KINDS)
    if odd:
        raise InputError(
            f"{item.raw.label}: the kinds {', '.join(map(repr, odd))} are none of {', '.join(KINDS)}. Write under "
            f"sources.orders.columns.kind: {{column: ..., values: {{{odd[0]}: sale}}}}, or leave it out: kind: ''"
        )
    work.notices += other_channels(engine, item.table, "orders")
    signed = engine.make(item.table.name, signed_orders_sql(item.table, numbered=_all_numbered(engine, item.table)))
    repeat = item.has("order_id") and refuse_conflicts(
        engine, signed, ["order_id", "part"], signed.columns, item.raw.label
    )
    shared = shared_customer(engine, signed)
    totals = read_totals(work, item, signed, "amount")
    marked = engine.make(
        signed.name, marked_orders_sql(signed, work.window, work.known, copies=repeat, shared=shared)
    )
    refunds = engine.make("order_refunds", refunds_sql(marked))
    facts = engine.fetch(refund_facts_sql(marked, refunds), 1).to_pylist()[0]
    _refuse_two_shapes(item, facts)
    work.audit += audit_lines(
        engine, marked, "orders", read=totals, amount="amount", aside=item.set_aside,
        refunded=(facts["refunded_used"], facts["refunded_before"]),
    )  # fmt: skip
    tracks = bool(facts["records"]) or item.has("kind") or item.has("refunded_amount") or item.has("original_order_id")
    _say_orders(work, item, marked, facts)
    return Marked(marked, repeat, refunds, tracks)


def make_orders(work: Work, marked: Marked) -> Table:
    """The canonical orders, in the place of the marked ones: nothing may look at these any more."""
    sql = orders_sql(marked.table, marked.refunds, tracks_refunds=marked.tracks_refunds)
    return work.engine.make(marked.table.name, sql)


def _refuse_two_shapes(item: Loaded, facts: dict[str, int]) -> None:
    if facts["records"] and facts["by_column"]:
        raise InputError(
            f"{item.raw.label} shows refunds twice: {facts['by_column']:,} orders with a refunded amount and "
            f"{facts['records']:,} records that are refunds. Say which counts: leave the column out with "
            "sources.orders.columns.refunded_amount: '', or count the records as cancelled with "
            "sources.orders.columns.kind.values: {refund: cancelled}"
        )


def _say_orders(work: Work, item: Loaded, marked: Table, facts: dict[str, int]) -> None:
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
    if facts["records"]:
        unlinked = work.engine.fetch(unlinked_refunds_sql(marked), 1).to_pylist()[0]["records"]
        if unlinked:
            text = f"{count_of(unlinked, 'refund')} without an order in the file: the customer's revenue is lowered"
            work.notice("unlinked-refunds", text, unlinked)
    if not item.has("order_id"):
        work.notice("no-order-number", "orders have no number: every record is an order of its own, repeated ones too")
