"""The rules for customers, tickets and reach, as SQL."""

from __future__ import annotations

from personas.engines.engine import Table
from personas.engines.portable import quoted
from personas.errors import InputError, count_of
from personas.sources.audit import audit_lines
from personas.sources.window import Window, dated_cases, window_cases
from personas.sources.work import Work, read_totals, refuse_conflicts


def marked_customers_sql(table: Table, *, copies: bool) -> str:
    """Customers with the status of each record; ``copies`` says that some are there twice."""
    copy = "WHEN ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY customer_id) > 1 THEN 'duplicate'"
    columns = ", ".join(quoted(name) for name in table.columns if name != "record")
    return f"""
        SELECT
          {columns},
          CASE
            WHEN customer_id IS NULL THEN 'without-customer'
            {copy if copies else ""}
            ELSE 'used'
          END AS status
        FROM {quoted(table.name)}
    """


def known_customers_sql(marked: Table) -> str:
    """One record per customer of the customers file, ``customer_id`` first."""
    names = ["customer_id", *(name for name in marked.columns if name not in {"customer_id", "status"})]
    return f"SELECT {', '.join(map(quoted, names))} FROM {quoted(marked.name)} WHERE status = 'used'"


def customers_sql(marked: Table | None, orders: Table | None) -> str:
    """One record per customer that the customers file or an order knows, ``customer_id`` first."""
    names = [name for name in marked.columns if name not in {"customer_id", "status"}] if marked else []
    parts = []
    if marked:
        parts.append(f"SELECT customer_id FROM {quoted(marked.name)} WHERE status = 'used'")
    if orders:
        parts.append(f"SELECT customer_id FROM {quoted(orders.name)}")
    rest = "".join(f",\n          c.{quoted(name)}" for name in names)
    join = (
        f"LEFT JOIN {quoted(marked.name)} AS c ON c.customer_id = ids.customer_id AND c.status = 'used'"
        if marked
        else ""
    )
    return f"""
        WITH all_ids AS (
          {" UNION ALL ".join(parts)}
        ), ids AS (
          SELECT customer_id FROM all_ids GROUP BY customer_id
        )
        SELECT
          ids.customer_id{rest}
        FROM ids
        {join}
    """


def marked_tickets_sql(table: Table, customers: Table, window: Window, *, copies: bool) -> str:
    """Tickets with the status of each record; ``copies`` says that some are there twice."""
    columns = [name for name in table.columns if name != "record"]
    number = "ROW_NUMBER() OVER (PARTITION BY t.ticket_id ORDER BY t.ticket_id)"
    copy = f"WHEN t.ticket_id IS NOT NULL AND {number} > 1 THEN 'duplicate'"
    return f"""
        SELECT
          {", ".join(f"t.{quoted(name)}" for name in columns)},
          CASE
            {copy if copies else ""}
            {dated_cases("t.opened_on", window)}
            WHEN t.customer_id IS NULL THEN 'without-customer'
            WHEN c.customer_id IS NULL THEN 'unknown-customer'
            {window_cases("t.opened_on", window)}
          END AS status
        FROM {quoted(table.name)} AS t
        LEFT JOIN {quoted(customers.name)} AS c ON c.customer_id = t.customer_id
    """


def marked_reach_sql(table: Table, customers: Table, window: Window) -> str:
    """Reach with the status of each record: the latest count before the snapshot per customer and network is used."""
    columns = [name for name in table.columns if name != "record"]
    known = (
        f"r.measured_on < DATE '{window.snapshot.isoformat()}' OR r.measured_on IS NULL"
        if table.has("measured_on")
        else "TRUE"
    )
    late = "r.measured_on DESC NULLS LAST" if table.has("measured_on") else "r.customer_id"
    counts = "".join(
        f", r.{name} DESC NULLS LAST"
        for name in ("followers", "brands_followed", "mentions", "referrals_made")
        if table.has(name)
    )
    by = "r.customer_id, COALESCE(LOWER(r.platform), '')" if table.has("platform") else "r.customer_id"
    inside = (
        f"WHEN r.measured_on < DATE '{window.start.isoformat()}' THEN 'before-window'"
        if table.has("measured_on")
        else ""
    )
    return f"""
        WITH usable AS (
          SELECT
            {", ".join(f"r.{quoted(name)}" for name in columns)},
            {known} AS in_time,
            c.customer_id AS known_id
          FROM {quoted(table.name)} AS r
          LEFT JOIN {quoted(customers.name)} AS c ON c.customer_id = r.customer_id
        ), placed AS (
          SELECT
            {", ".join(f"r.{quoted(name)}" for name in columns)},
            r.in_time,
            r.known_id,
            ROW_NUMBER() OVER (PARTITION BY {by}, r.in_time ORDER BY {late}{counts}) AS place
          FROM usable AS r
        )
        SELECT
          {", ".join(f"r.{quoted(name)}" for name in columns)},
          CASE
            WHEN r.customer_id IS NULL THEN 'without-customer'
            WHEN r.known_id IS NULL THEN 'unknown-customer'
            WHEN NOT r.in_time THEN 'after-snapshot'
            WHEN r.place > 1 THEN 'superseded'
            {inside}
            ELSE 'used'
          END AS status
        FROM placed AS r
    """


def kept_sql(marked: Table) -> str:
    """Records that stay, with ``in_window``."""
    columns = [name for name in marked.columns if name != "status"]
    return f"""
        SELECT
          {", ".join(quoted(name) for name in columns)},
          status = 'used' AS in_window
        FROM {quoted(marked.name)}
        WHERE status IN ('used', 'before-window')
    """


def mark_customers(work: Work) -> Table | None:
    """Customers of the file, marked; from here on it is known whether all customers are known."""
    item = work.loaded.get("customers")
    if item is None:
        return None
    columns = [name for name in item.table.columns if name not in {"record", "customer_id"}]
    copies = refuse_conflicts(work.engine, item.table, ["customer_id"], columns, item.raw.label)
    marked = work.engine.make(item.table.name, marked_customers_sql(item.table, copies=copies))
    work.audit += audit_lines(work.engine, marked, "customers", read=(item.raw.records, None), aside=item.set_aside)
    if work.config.sources["customers"].coverage == "all":
        work.known = work.engine.make(
            "customers_known",
            f"SELECT customer_id FROM {quoted(marked.name)} WHERE status = 'used' GROUP BY customer_id",
        )
    return marked


def make_customers(work: Work, marked: Table | None, order_table: Table | None) -> Table:
    """One record per customer that the file or an order knows."""
    # Where all customers are known, orders of others are set aside.
    sql = known_customers_sql(marked) if marked and work.known else customers_sql(marked, order_table)
    customers = work.engine.make("customers", sql)
    total = work.engine.fetch(f"SELECT COUNT(*) AS n FROM {quoted(customers.name)}", 1).to_pylist()[0]["n"]
    if total < 2:
        raise InputError(f"{count_of(total, 'customer')} in all: nothing to compare. Name a source with more customers")
    if marked is not None:
        added = total - work.kept("customers")
        if added:
            text = f"{count_of(added, 'customer')} known from orders only: nothing else is known about them"
            work.notice("customers-from-orders", text, added)
    return customers


def make_tickets(work: Work, customers: Table) -> Table | None:
    """The canonical tickets."""
    item = work.loaded.get("tickets")
    if item is None:
        return None
    columns = [name for name in item.table.columns if name not in {"record", "ticket_id"}]
    copies = refuse_conflicts(work.engine, item.table, ["ticket_id"], columns, item.raw.label)
    totals = read_totals(work, item, quoted(item.table.name), "cost_amount" if item.has("cost_amount") else None)
    marked = work.engine.make(
        item.table.name, marked_tickets_sql(item.table, customers, work.window, copies=copies)
    )
    amount = "cost_amount" if item.has("cost_amount") else None
    work.audit += audit_lines(
        work.engine,
        marked,
        "tickets",
        read=totals,
        amount=amount,
        aside=item.set_aside,
    )
    rows = {line.step: line.rows for line in work.audit if line.table == "tickets"}
    if lost := rows.get("without-customer", 0) + rows.get("unknown-customer", 0):
        work.notice("tickets-without-customer", f"{count_of(lost, 'ticket')} without a known customer set aside", lost)
    return work.engine.make("tickets", kept_sql(marked))


def make_reach(work: Work, customers: Table) -> Table | None:
    """The canonical reach: the latest counts per customer and network."""
    item = work.loaded.get("reach")
    if item is None:
        return None
    marked = work.engine.make(item.table.name, marked_reach_sql(item.table, customers, work.window))
    work.audit += audit_lines(work.engine, marked, "reach", read=(item.raw.records, None), aside=item.set_aside)
    return work.engine.make("reach", kept_sql(marked))
