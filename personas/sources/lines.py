"""The rules for order lines, as SQL; and orders made from lines where a shop has no table of orders."""

from __future__ import annotations

from decimal import Decimal

from personas.engines.engine import Table
from personas.engines.portable import quoted
from personas.errors import InputError, PersonasError, count_of
from personas.sources.audit import KEPT, LABELS, as_text, audit_lines
from personas.sources.canonical import AuditLine
from personas.sources.load import Loaded
from personas.sources.orders import Marked
from personas.sources.window import Window, dated_cases, window_cases
from personas.sources.words import CHANNEL_SQL, other_channels
from personas.sources.work import Work, kept, read_totals, refuse_conflicts

OPTIONAL = ("quantity", "sku", "category", "brand", "unit_cost", "discount_amount")
FROM_PRODUCTS = ("category", "brand", "unit_cost")


def order_keys_sql(marked: Table) -> str:
    """One record per order number: whose it is, its day and its status; a sale before a refund of the same number."""
    rank = """ROW_NUMBER() OVER (
            PARTITION BY order_id
            ORDER BY CASE class WHEN 'sale' THEN 0 WHEN 'refund' THEN 1 ELSE 2 END, class NULLS LAST
          )"""
    return f"""
        WITH ranked AS (
          SELECT order_id, customer_id, ordered_on, status, {rank} AS place
          FROM {quoted(marked.name)}
          WHERE status <> 'duplicate'
        )
        SELECT order_id, customer_id, ordered_on, status
        FROM ranked
        WHERE place = 1
    """


def _described(lines: Table, products: Table | None, alias: str) -> list[str]:
    """The columns that lines carry, with what products add."""
    columns = []
    for name in OPTIONAL:
        added = products is not None and name in FROM_PRODUCTS and products.has(name)
        if added and lines.has(name):
            columns.append(f"COALESCE({alias}.{name}, p.{name}) AS {name}")
        elif added:
            columns.append(f"p.{name} AS {name}")
        elif lines.has(name):
            columns.append(f"{alias}.{name} AS {name}")
    return columns


def _products_join(lines: Table, products: Table | None, alias: str) -> str:
    joins = products is not None and lines.has("sku")
    return f"LEFT JOIN {quoted(products.name)} AS p ON p.sku = {alias}.sku" if joins and products else ""


def lines_of_orders_sql(lines: Table, keys: Table, products: Table | None) -> str:
    """Lines with the customer, day and status of their order."""
    rest = "".join(
        f",\n          {column}" for column in _described(lines, products if lines.has("sku") else None, "l")
    )
    return f"""
        SELECT
          l.order_id,
          k.customer_id,
          k.ordered_on,
          l.line_amount{rest},
          CASE
            WHEN l.line_amount IS NULL THEN 'without-amount'
            WHEN k.order_id IS NULL THEN 'without-order'
            WHEN k.status IN ('used', 'before-window') THEN k.status
            ELSE 'of-set-aside-order'
          END AS status
        FROM {quoted(lines.name)} AS l
        LEFT JOIN {quoted(keys.name)} AS k ON k.order_id = l.order_id
        {_products_join(lines, products, "l")}
    """


def lines_alone_sql(lines: Table, products: Table | None, window: Window, known: Table | None) -> str:
    """Lines that carry their own customer and day, with the status of each."""
    channel = [f"{CHANNEL_SQL} AS channel"] if lines.has("channel") else []
    columns = [*_described(lines, products if lines.has("sku") else None, "l"), *channel]
    rest = "".join(f",\n          {column}" for column in columns)
    join = f"LEFT JOIN {quoted(known.name)} AS k ON k.customer_id = l.customer_id" if known else ""
    return f"""
        SELECT
          l.order_id,
          l.customer_id,
          l.ordered_on,
          l.line_amount{rest},
          CASE
            WHEN l.line_amount IS NULL THEN 'without-amount'
            WHEN l.order_id IS NULL THEN 'without-order'
            {dated_cases("l.ordered_on", window)}
            WHEN l.customer_id IS NULL THEN 'without-customer'
            {"WHEN k.customer_id IS NULL THEN 'unknown-customer'" if known else ""}
            {window_cases("l.ordered_on", window)}
          END AS status
        FROM {quoted(lines.name)} AS l
        {join}
        {_products_join(lines, products, "l")}
    """


def orders_from_lines_sql(marked: Table) -> str:
    """Orders made of lines: one per order number, on the day of its first line; negative totals are refunds."""
    rest = ""
    if marked.has("discount_amount"):
        rest += ",\n          CAST(SUM(discount_amount) AS DECIMAL(18, 4)) AS discount_amount"
    if marked.has("channel"):
        rest += ",\n          MIN(channel) AS channel"
    if marked.has("quantity"):
        rest += ",\n          CAST(SUM(quantity) AS DECIMAL(18, 4)) AS items"
    return f"""
        SELECT
          order_id,
          MIN(customer_id) AS customer_id,
          MIN(ordered_on) AS ordered_on,
          SUM(line_amount) >= 0 AS is_sale,
          CAST(SUM(line_amount) AS DECIMAL(18, 4)) AS net_amount,
          BOOL_OR(status = 'used') AS in_window{rest}
        FROM {quoted(marked.name)}
        WHERE status IN ('used', 'before-window')
        GROUP BY order_id
    """


def made_totals_sql(orders: Table) -> str:
    """Orders, money and customers inside and before the window."""
    return f"""
        SELECT
          in_window,
          COUNT(*) AS orders,
          SUM(net_amount) AS total,
          COUNT(DISTINCT customer_id) AS people
        FROM {quoted(orders.name)}
        GROUP BY in_window
    """


def shared_orders_sql(marked: Table) -> str:
    """Order numbers that several customers share: then the number is none."""
    return f"""
        WITH shared AS (
          SELECT order_id, COUNT(DISTINCT customer_id) AS customers
          FROM {quoted(marked.name)}
          WHERE status IN ('used', 'before-window')
          GROUP BY order_id
          HAVING COUNT(DISTINCT customer_id) > 1
        )
        SELECT COUNT(*) AS orders, MIN(order_id) AS first
        FROM shared
    """


def lines_differ_sql(lines: Table, orders: Table) -> str:
    """Orders with lines, and how many of them differ from the sum of their lines by more than a hundredth per line."""
    return f"""
        WITH sums AS (
          SELECT order_id, SUM(line_amount) AS total, COUNT(*) AS line_count
          FROM {quoted(lines.name)}
          GROUP BY order_id
        )
        SELECT
          COUNT(*) AS orders,
          COUNT(CASE WHEN ABS(s.total - o.net_amount) * 100 > s.line_count THEN 1 END) AS differing
        FROM sums AS s
        JOIN {quoted(orders.name)} AS o ON o.order_id = s.order_id
    """


def make_products(work: Work) -> Table | None:
    """Products, one record per sku."""
    item = work.loaded.get("products")
    if item is None:
        return None
    columns = [name for name in item.table.columns if name not in {"record", "sku"}]
    refuse_conflicts(work.engine, item.table, ["sku"], columns, item.raw.label)
    names = ", ".join(quoted(name) for name in ["sku", *columns])
    return work.engine.make(
        "products", f"SELECT {names} FROM {quoted(item.table.name)} WHERE sku IS NOT NULL GROUP BY {names}"
    )


def make_lines(
    work: Work, marked_orders: Marked | None, products: Table | None
) -> tuple[Table | None, Table | None]:
    """The canonical lines, and the orders made of them where there is no table of orders."""
    item = work.loaded.get("order_lines")
    if item is None:
        return None, None
    engine = work.engine
    totals = read_totals(work, item, quoted(item.table.name), "line_amount")
    if marked_orders is not None:
        if "order_id" not in {column.name for column in work.loaded["orders"].plan.columns}:
            raise InputError(
                "order lines need the number of their order, but sources.orders has no order_id. Map it, or leave "
                "the lines out"
            )
        keys = marked_orders.table
        if marked_orders.repeat:
            keys = engine.make("order_keys", order_keys_sql(keys))
        sql = lines_of_orders_sql(item.table, keys, products)
    else:
        work.notices += other_channels(engine, item.table, "order_lines")
        sql = lines_alone_sql(item.table, products, work.window, work.known)
    marked = engine.make(item.table.name, f"SELECT *, status = 'used' AS in_window FROM ({sql}) AS l")
    work.audit += audit_lines(
        engine, marked, "order_lines", read=totals, amount="line_amount", aside=item.set_aside
    )
    made = None if marked_orders else _made_orders(work, item, marked)
    names = [name for name in marked.columns if name not in {"status", "channel"}]
    return kept(engine, marked, names), made


def _made_orders(work: Work, item: Loaded, marked: Table) -> Table:
    """Orders made of lines, with their own control totals against the lines."""
    shared = work.engine.fetch(shared_orders_sql(marked), 1).to_pylist()[0]
    if shared["orders"]:
        raise InputError(
            f"{item.raw.label}: {count_of(shared['orders'], 'order number')} shared by several customers (first: "
            f"{shared['first']!r}). Map the column that numbers the orders: sources.order_lines.columns.order_id"
        )
    made = work.engine.make("orders", orders_from_lines_sql(marked))
    found = work.engine.fetch(made_totals_sql(made), 2).to_pylist()
    total = sum((row["total"] for row in found), Decimal(0))
    of_lines = [line for line in work.audit if line.table == "order_lines" and line.step in KEPT]
    if total != sum((Decimal(line.amount or 0) for line in of_lines), Decimal(0)):
        raise PersonasError(f"orders made of lines hold {total}, their lines another sum")
    count = sum(row["orders"] for row in found)
    work.audit.append(AuditLine("orders", "read", "made of order lines", count, as_text(total)))
    for step in KEPT:
        for row in found:
            if row["in_window"] == (step == "used"):
                work.audit.append(
                    AuditLine("orders", step, LABELS[step], row["orders"], as_text(row["total"]), row["people"])
                )
    work.notice(
        "orders-from-lines", f"{count_of(count, 'order')} made of order lines: there is no table of orders", count
    )
    return made


def say_lines(work: Work, lines: Table | None, order_table: Table | None, products: Table | None) -> None:
    """The remarks about canonical lines, and about orders that were not made of them."""
    if lines is None:
        return
    rows = {line.step: line.rows for line in work.audit if line.table == "order_lines"}
    if lost := rows.get("without-order"):
        work.notice("lines-without-order", f"{count_of(lost, 'order line')} whose order is in no file set aside", lost)
    if products is not None and lines.has("sku"):
        # Without a product nothing of it is known: the other lines need not be joined.
        own = work.loaded["order_lines"]
        added = [name for name in FROM_PRODUCTS if products.has(name) and not own.has(name)]
        unknown = "".join(f" AND l.{name} IS NULL" for name in added)
        sql = f"""
            SELECT COUNT(*) AS records
            FROM {quoted(lines.name)} AS l
            LEFT JOIN {quoted(products.name)} AS p ON p.sku = l.sku
            WHERE p.sku IS NULL{unknown}
        """
        if lost := work.engine.fetch(sql, 1).to_pylist()[0]["records"]:
            work.notice(
                "lines-without-product",
                f"{count_of(lost, 'order line')} whose product is in no file: no category, no cost",
                lost,
            )
    if order_table is not None:
        found = work.engine.fetch(lines_differ_sql(lines, order_table), 1).to_pylist()[0]
        if found["differing"]:
            text = f"{found['differing']:,} of {found['orders']:,} orders differ from the sum of their lines"
            work.notice("lines-differ", text, found["differing"])
