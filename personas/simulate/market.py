"""A large market straight to Parquet: the shop's customers and orders, part by part, so that memory does not grow."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from personas.errors import InputError
from personas.simulate.basket import Lines, Orders, Products, catalogue, fill_orders, joined, send_back
from personas.simulate.files import days, ids, money, numbered, whole, words
from personas.simulate.groups import ACQUIRED_VIA, CHANNELS, DISTRICTS
from personas.simulate.rhythm import order_days
from personas.simulate.shop import product_columns
from personas.simulate.traits import Integers, Traits, grouped_traits

PART = 50_000
LINES_PER_CUSTOMER = 33.2
"""Of the shop over its 24 months; orders are left out to come down to the number asked for."""
STEPS = ("people", "rhythm", "basket", "refunds", "thinning")


def simulate_market(
    folder: str | Path, *, customers: int = 1_000_000, lines_per_customer: float = 10.0, seed: int = 7
) -> dict[str, int]:
    """Write customers, orders, order_lines and products as Parquet into ``folder``; gives the rows of each.

    The groups of ``simulate_shop`` without blemishes, tickets and reach. The same arguments give the same bytes. A
    million customers with ten million lines take about a minute and 300 MB on disk.

    Raises
    ------
    InputError
        For fewer than 50 customers, or more lines a customer than the shop has.
    """
    if customers < 50 or not 0 < lines_per_customer <= LINES_PER_CUSTOMER:
        raise InputError(f"A market has at least 50 customers, and up to {LINES_PER_CUSTOMER} lines for each.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    products = catalogue(np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed))))
    rows = {"customers": 0, "orders": 0, "order_lines": 0, "products": 0}
    with ExitStack() as stack:
        writers: dict[str, Any] = {}

        def write(name: str, columns: Mapping[str, Any]) -> None:
            import pyarrow as pa
            import pyarrow.parquet as pq

            table = pa.table(dict(columns))
            if name not in writers:
                path = folder / f"{name}.parquet"
                writers[name] = stack.enter_context(pq.ParquetWriter(path, table.schema, compression="zstd"))
            writers[name].write_table(table)
            rows[name] += table.num_rows

        write("products", product_columns(products))
        for part, first in enumerate(range(0, customers, PART)):
            size = min(PART, customers - first)
            streams = np.random.SeedSequence(entropy=seed, spawn_key=(part,)).spawn(len(STEPS))
            random = {step: np.random.Generator(np.random.PCG64(s)) for step, s in zip(STEPS, streams, strict=True)}
            traits = grouped_traits(size, random["people"])
            write("customers", _people(traits, first))
            orders, lines = _sales(traits, products, random, lines_per_customer / LINES_PER_CUSTOMER)
            number = numbered("S", rows["orders"] + 1 + np.arange(len(orders.customer)), 9)
            write("orders", _orders(orders, number, first))
            write("order_lines", _lines(lines, number, products))
    return rows


def _sales(
    traits: Traits, products: Products, random: Mapping[str, np.random.Generator], share: float
) -> tuple[Orders, Lines]:
    """A ``share`` of the shop's sales with their refunds, sales first."""
    customer, day = order_days(traits, random["rhythm"])
    kept = random["thinning"].random(len(customer)) < share
    sold, lines = fill_orders(traits, customer[kept], day[kept], products, random["basket"])
    return joined(sold, lines, *send_back(traits, sold, lines, random["refunds"]))


def _customer_ids(number: Integers) -> Any:
    return ids(numbered("C", number + 1, 8))


def _people(traits: Traits, first: int) -> dict[str, Any]:
    everybody = first + np.arange(len(traits.birth_year))
    return {
        "id": _customer_ids(everybody),
        "first_seen": days(traits.since),
        "birth_year": whole(traits.birth_year),
        "gender": words(("male", "female"), traits.female.astype(np.int64)),
        "district": words(DISTRICTS, traits.district),
        "acquired_via": words(ACQUIRED_VIA, traits.acquired),
    }


def _orders(orders: Orders, number: Any, first: int) -> dict[str, Any]:
    refund = orders.sale >= 0
    return {
        "order_no": ids(number),
        "customer": _customer_ids(first + orders.customer),
        "date": days(orders.day),
        "channel": words(CHANNELS, orders.channel),
        "type": words(("sale", "refund"), refund.astype(np.int64)),
        "amount": money(orders.amount),
        "discount": money(orders.discount),
        "refers_to": ids(number[np.maximum(orders.sale, 0)], ~refund),
    }


def _lines(lines: Lines, number: Any, products: Products) -> dict[str, Any]:
    return {
        "order_no": ids(number[lines.order]),
        "sku": words(products.sku, lines.product),
        "qty": whole(lines.quantity),
        "amount": money(lines.amount),
        "discount": money(lines.discount),
    }
