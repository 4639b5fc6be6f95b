"""A simulated shop as ordinary files, with the truth beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from personas.errors import InputError
from personas.simulate.basket import Lines, Orders, Products, catalogue, fill_orders, joined, send_back, under_cost
from personas.simulate.contacts import NETWORKS, TICKET_CHANNELS, TOPICS, Reach, Tickets, measure_reach, open_tickets
from personas.simulate.files import blanked, days, ids, money, numbered, whole, words, write_csv
from personas.simulate.groups import ACQUIRED_VIA, CHANNELS, DISTRICTS, GROUPS
from personas.simulate.rhythm import order_days
from personas.simulate.traits import Flags, Integers, Traits, continuous_traits, grouped_traits

PEOPLE, RHYTHM, PRODUCTS, BASKET, REFUNDS, TICKETS, REACH, DIRT, NAMES = range(1, 10)
"""One stream of random numbers per step, so that a change in one step leaves the others as they were."""

HOSTILE_NAMES = (
    "<img src=x onerror=alert(1)>", '=HYPERLINK("x")', "Robert'); DROP TABLE orders;--", "{{ 7 * 7 }}", "@SUM(1+1)",
    "</script><b>",
)  # fmt: skip
FIRST_NAMES = (
    "Ada", "Bela", "Cem", "Dara", "Elif", "Farid", "Gia", "Hugo", "Ines", "Jun", "Kaya", "Lan", "Mira", "Noor", "Oskar",
    "Pia", "Quentin", "Rosa", "Somchai", "Thi",
)  # fmt: skip
LAST_NAMES = (
    "Abel", "Bakker", "Chen", "Demir", "Eide", "Farsi", "Grau", "Holm", "Ito", "Jansen", "Koch", "Lind", "Moreau",
    "Nga", "Okoye", "Park", "Quist", "Rahimi", "Sato", "Tran",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales first, then refunds, as one table; ``number`` is the text id of each row."""

    orders: Orders
    lines: Lines
    number: NDArray[np.bytes_]


def simulate_shop(
    folder: str | Path, *, customers: int = 4000, seed: int = 7, structure: Literal["groups", "none"] = "groups"
) -> None:
    """Write the files of a simulated shop into ``folder``; the same arguments give the same bytes.

    Parameters
    ----------
    folder : str or Path
        Made when missing; files of the same name in it are replaced.
    customers : int
        At least 50. A hundred thousand take a few seconds.
    seed : int
        Root of all random streams.
    structure : {"groups", "none"}
        ``groups`` plants the eight groups of ``personas.simulate.GROUPS``; ``none`` is one continuous population, in
        which a method must not find groups.

    Notes
    -----
    Writes customers, orders, order_lines, products, tickets and reach as CSV: 24 months up to 2026-10-31, USD, with the
    blemishes of real exports. ``truth.csv`` says who belongs to which group, ``truth.json`` counts the blemishes.

    Raises
    ------
    InputError
        When ``customers`` is below 50 or ``structure`` is unknown.
    """
    if customers < 50:
        raise InputError(f"A shop of {customers} customers is too small to simulate. Ask for at least 50.")
    if structure not in ("groups", "none"):
        raise InputError(f"There is no structure '{structure}'. Write 'groups' or 'none'.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    people = grouped_traits if structure == "groups" else continuous_traits
    traits = people(customers, _stream(seed, PEOPLE))
    products = catalogue(_stream(seed, PRODUCTS))
    sales = _sell(traits, products, seed)
    dirt: dict[str, Any] = {
        "net_amount_of_known_customers": f"{int(sales.orders.amount.sum()) / 100:.2f}",
        **_write_customers(folder, traits, seed),
        **_write_orders(folder, sales, products, customers, seed),
        **_write_tickets(folder, open_tickets(traits, _stream(seed, TICKETS)), customers, seed),
    }
    write_csv(folder / "products.csv", product_columns(products))
    _write_reach(folder, measure_reach(traits, _stream(seed, REACH)), customers)
    _write_truth(folder, traits, dirt, structure, seed)


def _stream(seed: int, step: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=(step, 0, 0))))


def _sell(traits: Traits, products: Products, seed: int) -> Sales:
    """All sales and refunds of the known customers."""
    customer, day = order_days(traits, _stream(seed, RHYTHM))
    sold, lines = fill_orders(traits, customer, day, products, _stream(seed, BASKET))
    back, back_lines = send_back(traits, sold, lines, _stream(seed, REFUNDS))
    count, back_count = len(sold.customer), len(back.customer)
    number = np.r_[numbered("S", np.arange(1, count + 1), 8), numbered("R", np.arange(1, back_count + 1), 8)]
    return Sales(*joined(sold, lines, back, back_lines), number)


def _customer_ids(customers: int) -> NDArray[np.bytes_]:
    return numbered("C", np.arange(1, customers + 1), 7)


def _write_customers(folder: Path, traits: Traits, seed: int) -> dict[str, int]:
    """customers.csv; one customer stands in it twice, some cells are empty, a few names are hostile."""
    customers = len(traits.birth_year)
    names, dirt = _stream(seed, NAMES), _stream(seed, DIRT)
    spoken = np.asarray([f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES] + list(HOSTILE_NAMES))
    name = names.integers(0, len(FIRST_NAMES) * len(LAST_NAMES), customers)
    hostile = names.choice(customers, len(HOSTILE_NAMES), replace=False)
    name[hostile] = len(FIRST_NAMES) * len(LAST_NAMES) + np.arange(len(HOSTILE_NAMES))
    cost = np.asarray([420, 310, 0, 150, 560])[traits.acquired]
    no_birth_year, no_gender = dirt.random(customers) < 0.04, dirt.random(customers) < 0.10
    no_home = dirt.random(customers) < 0.5
    columns = {
        "id": ids(_customer_ids(customers)),
        "display_name": words(spoken, name),
        "first_seen": days(traits.since),
        "birth_year": whole(traits.birth_year, no_birth_year),
        "gender": words(("male", "female"), traits.female.astype(np.int64), no_gender),
        "district": words(DISTRICTS, traits.district),
        "home": words(("rent", "own"), traits.own_home.astype(np.int64), no_home),
        "acquired_via": words(ACQUIRED_VIA, traits.acquired),
        "acquisition_cost": money(cost),
    }
    rows = np.r_[np.arange(customers), int(dirt.integers(0, customers))]
    write_csv(folder / "customers.csv", columns, rows)
    return {
        "customers_twice": 1,
        "customers_without_birth_year": int(no_birth_year.sum()),
        "customers_without_gender": int(no_gender.sum()),
        "customers_with_hostile_name": len(HOSTILE_NAMES),
    }


def _write_orders(folder: Path, sales: Sales, products: Products, customers: int, seed: int) -> dict[str, int]:
    """orders.csv and order_lines.csv with their blemishes; the orders of known customers stay whole."""
    dirt = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=(DIRT, 1, 0))))
    orders, lines = sales.orders, sales.lines
    rows, sold = len(orders.customer), int((orders.sale < 0).sum())
    nobody, stranger, twice = round(0.005 * rows), round(0.01 * rows), round(0.003 * rows)
    # Further sales, like existing ones, of people who left no name and of ids that no customers file knows.
    like = dirt.integers(0, sold, nobody + stranger)
    row = np.r_[np.arange(rows), like]
    number = np.r_[sales.number, numbered("S", sold + 1 + np.arange(len(like)), 8)]
    customer = _customer_ids(customers)[orders.customer[row]]
    customer[rows + nobody :] = numbered("X", dirt.integers(1, 10**6, stranger), 7)
    without_customer = (np.arange(len(row)) >= rows) & (np.arange(len(row)) < rows + nobody)
    refunds = np.flatnonzero(orders.sale >= 0)
    unlinked = dirt.choice(refunds, min(6, len(refunds)), replace=False)
    no_sale = orders.sale[row] < 0
    no_sale[unlinked] = True
    columns = {
        "order_no": ids(number),
        "customer": ids(customer, without_customer),
        "date": days(orders.day[row]),
        "channel": words(CHANNELS, orders.channel[row]),
        "type": words(("sale", "refund"), (orders.sale[row] >= 0).astype(np.int64)),
        "amount": money(orders.amount[row]),
        "discount": money(orders.discount[row]),
        "refers_to": ids(sales.number[np.maximum(orders.sale[row], 0)], no_sale),
    }
    order_of_file = np.argsort(orders.day[row], kind="stable")
    repeated = dirt.choice(len(row), twice, replace=False)
    write_csv(folder / "orders.csv", columns, np.r_[order_of_file, repeated])
    _write_lines(folder, lines, like, rows, number, products)
    return {
        "orders_without_customer": nobody,
        "orders_of_unknown_customers": stranger,
        "orders_twice": twice,
        "refunds": len(refunds),
        "refunds_unlinked": len(unlinked),
        "order_lines_without_order": 7,
        "order_lines_under_cost": int(under_cost(products, lines).sum()),
        "orders_rows": len(row) + twice,
    }


def _write_lines(
    folder: Path, lines: Lines, like: Integers, rows: int, number: NDArray[np.bytes_], products: Products
) -> None:
    """order_lines.csv: the lines of all orders, copies for the orders that were copied, and seven without an order."""
    first = np.searchsorted(lines.order, like, "left")
    count = np.searchsorted(lines.order, like, "right") - first
    copies = np.repeat(first - np.r_[0, np.cumsum(count)[:-1]], count) + np.arange(count.sum())
    row = np.r_[np.arange(len(lines.order)), copies, np.arange(7)]
    order = np.r_[lines.order, np.repeat(rows + np.arange(len(like)), count)]
    number = np.r_[number[order], numbered("L", 1 + np.arange(7), 8)]
    columns = {
        "order_no": ids(number),
        "sku": words(products.sku, lines.product[row]),
        "qty": whole(lines.quantity[row]),
        "amount": money(lines.amount[row]),
        "discount": money(lines.discount[row]),
    }
    write_csv(folder / "order_lines.csv", columns)


def product_columns(products: Products) -> dict[str, Any]:
    """The catalogue as columns of a file."""
    everything = np.arange(len(products.sku))
    return {
        "sku": words(products.sku, everything),
        "name": words(products.name, everything),
        "category": words(products.category, everything),
        "brand": words(products.brand, everything),
        "unit_cost": money(products.unit_cost),
    }


def _write_tickets(folder: Path, tickets: Tickets, customers: int, seed: int) -> dict[str, int]:
    """tickets.csv; one ticket in two hundred has no customer."""
    dirt = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=(DIRT, 2, 0))))
    count = len(tickets.day)
    # Further tickets rather than blanked ones, so that nobody's effort changes.
    row = np.r_[np.arange(count), dirt.integers(0, max(count, 1), round(0.005 * count))]
    nobody: Flags = np.arange(len(row)) >= count
    columns = {
        "ticket": ids(numbered("T", np.arange(1, len(row) + 1), 7)),
        "customer": blanked(ids(_customer_ids(customers)[tickets.customer[row]]), nobody),
        "opened": days(tickets.day[row]),
        "channel": words(TICKET_CHANNELS, tickets.channel[row]),
        "topic": words(TOPICS, tickets.topic[row]),
        "minutes": whole(tickets.minutes[row]),
    }
    write_csv(folder / "tickets.csv", columns, np.argsort(tickets.day[row], kind="stable"))
    return {"tickets_without_customer": int(nobody.sum())}


def _write_reach(folder: Path, reach: Reach, customers: int) -> None:
    columns = {
        "customer": ids(_customer_ids(customers)[reach.customer]),
        "network": words(NETWORKS, reach.network),
        "measured": days(reach.day),
        "followers": whole(reach.followers, reach.followers < 0),
        "brands_followed": whole(reach.brands_followed),
        "mentions": whole(reach.mentions),
        "referrals": whole(reach.referrals),
    }
    write_csv(folder / "reach.csv", columns)


def _write_truth(folder: Path, traits: Traits, dirt: dict[str, Any], structure: str, seed: int) -> None:
    """truth.csv and truth.json: never read by the product, only by whoever checks it."""
    names = [group.name for group in GROUPS] + ["none"]
    customers = len(traits.group)
    truth = {"customer_id": ids(_customer_ids(customers)), "group": words(tuple(names), traits.group % len(names))}
    write_csv(folder / "truth.csv", truth)
    planted: dict[str, Any] = {
        group.name: {
            "customers": int((traits.group == i).sum()),
            "age": group.age,
            "orders_per_year": group.rhythm.per_year,
            "order_amount": group.order_amount,
            "online_share": round(group.channels[0] + group.channels[1], 4),
            "discounted": group.discounted,
            "returned": group.returned,
            "tickets_per_year": group.tickets,
            "followers": group.followers,
        }
        for i, group in enumerate(GROUPS)
        if structure == "groups"
    }
    content = {"structure": structure, "seed": seed, "customers": customers, "planted": dirt, "groups": planted}
    (folder / "truth.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
