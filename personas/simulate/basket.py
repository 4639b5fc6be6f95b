"""What simulated orders hold: channel, lines, prices, discounts, and what is sent back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from personas.simulate.groups import CATEGORIES
from personas.simulate.traits import BRANDS, HISTORY_DAYS, Flags, Floats, Integers, Traits, pick

FIRST_PRICE, PRICE_STEP, PRICES = 3.0, 1.26, 22
SKU_PREFIXES = ("TW", "LG", "LN", "CD", "ST", "AC", "HS", "CL")
BRAND_NAMES = ("Alderby", "Finch & Rowe", "Korrin", "Maplemoor", "Ostrava Mill", "Tilde")
ITEMS = (
    ("plate", "bowl", "jug", "serving set"), ("lamp", "shade", "lantern", "wall light"),
    ("sheet", "blanket", "curtain", "throw"), ("candle", "tealight", "diffuser", "holder"),
    ("notebook", "card", "pen", "print"), ("scarf", "bag", "bracelet", "cap"),
    ("soap", "towel", "filter", "basket"), ("shirt", "dress", "jacket", "knit"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Products:
    """The catalogue, one row per product: category x brand x price. Money in cents."""

    sku: NDArray[np.str_]
    name: NDArray[np.str_]
    category: NDArray[np.str_]
    brand: NDArray[np.str_]
    price: Integers
    unit_cost: Integers


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders, one row each. Money in cents. ``sale`` is the row of the sale that a refund belongs to, else -1."""

    customer: Integers
    day: Integers
    channel: Integers
    amount: Integers
    discount: Integers
    sale: Integers


@dataclass(frozen=True, slots=True)
class Lines:
    """Order lines, one row each. ``order`` is a row of Orders; money in cents, negative when sent back."""

    order: Integers
    product: Integers
    quantity: Integers
    amount: Integers
    discount: Integers


def catalogue(rng: np.random.Generator) -> Products:
    """Every category x brand x price step. Tableware keeps 45% of the price as margin, the rest 35%."""
    category, brand, step = np.indices((len(CATEGORIES), BRANDS, PRICES)).reshape(3, -1)
    price = np.rint(100 * FIRST_PRICE * PRICE_STEP**step / 5).astype(np.int64) * 5
    keeps = np.where(category == CATEGORIES.index("Tableware"), 0.45, 0.35)
    cost = np.rint(price * (1 - keeps) * (0.97 + 0.06 * rng.random(len(price)))).astype(np.int64)
    rows = list(zip(category.tolist(), brand.tolist(), step.tolist(), strict=True))
    return Products(
        sku=np.asarray([f"{SKU_PREFIXES[c]}{b + 1}-{s + 1:02d}" for c, b, s in rows]),
        name=np.asarray([f"{BRAND_NAMES[b]} {ITEMS[c][s % 4]} no. {s + 1}" for c, b, s in rows]),
        category=np.asarray([CATEGORIES[c] for c, _, _ in rows]),
        brand=np.asarray([BRAND_NAMES[b] for _, b, _ in rows]),
        price=price,
        unit_cost=cost,
    )


def fill_orders(
    traits: Traits, customer: Integers, day: Integers, products: Products, rng: np.random.Generator
) -> tuple[Orders, Lines]:
    """Sales with their lines. Lines of an order add up to its amount and discount to the cent."""
    orders = len(customer)
    channel = pick(rng, traits.channels[customer])
    count = np.minimum(1 + rng.poisson(traits.lines[customer] - 1), 8)
    order = np.repeat(np.arange(orders), count)
    buyer = customer[order]

    depth = np.clip(traits.discount_depth[customer] + 0.04 * rng.standard_normal(orders), 0.05, 0.6)
    depth = np.where(rng.random(orders) < traits.discounted[customer], depth, 0.0)
    wanted = traits.order_amount[customer] * np.exp(0.2 * rng.standard_normal(orders)) / (1 - depth)
    weight = rng.gamma(6, 1, len(order))
    weight /= np.bincount(order, weight, orders)[order]

    quantity = np.where(rng.random(len(order)) < 0.2, rng.integers(2, 4, len(order)), 1)
    step = np.rint(np.log(wanted[order] * weight / quantity / FIRST_PRICE) / np.log(PRICE_STEP))
    own_brand = rng.random(len(order)) < traits.brand_loyalty[buyer]
    brand = np.where(own_brand, traits.brand[buyer], rng.integers(0, BRANDS, len(order)))
    category = pick(rng, traits.categories[buyer])
    product = (category * BRANDS + brand) * PRICES + np.clip(step, 0, PRICES - 1).astype(np.int64)

    gross = quantity * products.price[product]
    # Now and then an article is cleared below its cost; only orders with a discount see it.
    cut = np.where((depth[order] > 0) & (rng.random(len(order)) < 0.08), 0.45, depth[order])
    discount = np.rint(gross * cut).astype(np.int64)
    lines = Lines(order, product, quantity, gross - discount, discount)
    sales = Orders(
        customer=customer,
        day=day,
        channel=channel,
        amount=_per_order(order, lines.amount, orders),
        discount=_per_order(order, discount, orders),
        sale=np.full(orders, -1, dtype=np.int64),
    )
    return sales, lines


def send_back(traits: Traits, sales: Orders, lines: Lines, rng: np.random.Generator) -> tuple[Orders, Lines]:
    """Refunds with their (negative) lines, 4 to 20 days after the sale; those after the last day are not known yet.

    One refund in thirty gives all of it back. Otherwise lines go back singly, and where every line goes back 15% is
    kept for wear and carriage, so that the order remains a sale.
    """
    orders = len(sales.customer)
    day = sales.day + rng.integers(4, 21, orders)
    returned = _every_so_often(sales.customer, traits.returned, rng) & (day < HISTORY_DAYS)
    full = rng.random(orders) < 1 / 30
    goes = returned[lines.order] & ((rng.random(len(lines.order)) < 0.7) | full[lines.order])
    first = np.r_[True, lines.order[1:] != lines.order[:-1]] if orders else np.zeros(0, dtype=bool)
    none_yet = returned & (np.bincount(lines.order, goes, orders) == 0)
    goes |= first & none_yet[lines.order]
    everything = np.bincount(lines.order, goes, orders) == np.bincount(lines.order, minlength=orders)
    kept = np.where(everything & ~full, 0.15, 0.0)

    row = np.flatnonzero(returned)
    number = np.full(orders, -1, dtype=np.int64)
    number[row] = np.arange(len(row))
    order = number[lines.order[goes]]
    amount = -np.rint(lines.amount[goes] * (1 - kept[lines.order[goes]])).astype(np.int64)
    back = Lines(order, lines.product[goes], -lines.quantity[goes], amount, np.zeros_like(amount))
    refunds = Orders(
        customer=sales.customer[row],
        day=day[row],
        channel=sales.channel[row],
        amount=_per_order(order, amount, len(row)),
        discount=np.zeros(len(row), dtype=np.int64),
        sale=row,
    )
    return refunds, back


def _every_so_often(customer: Integers, rate: Floats, rng: np.random.Generator) -> Flags:
    """Which orders of each customer are hit when a share ``rate`` of them is, spread evenly: a habit, not a lottery.

    ``customer`` (m,) in order of time; ``rate`` and the random start of the count are per customer.
    """
    order = np.argsort(customer, kind="stable")
    who = customer[order]
    first = np.searchsorted(who, who, "left")
    nth = np.arange(len(who)) - first
    start = rng.random(len(rate))[who]
    hit = np.floor(start + rate[who] * (nth + 1)) > np.floor(start + rate[who] * nth)
    back = np.empty(len(who), dtype=np.bool_)
    back[order] = hit
    return back


def _per_order(order: Integers, cents: Integers, orders: int) -> Integers:
    """Sum of cents per order; exact, because the sums stay far below 2**53."""
    return np.rint(np.bincount(order, cents, orders)).astype(np.int64)


def under_cost(products: Products, lines: Lines) -> Flags:
    """Which lines were sold (not sent back) for less than they cost."""
    return np.asarray((lines.quantity > 0) & (lines.amount < lines.quantity * products.unit_cost[lines.product]))


def joined(sold: Orders, lines: Lines, back: Orders, back_lines: Lines) -> tuple[Orders, Lines]:
    """Sales first, then refunds, as one table of orders and one of lines."""
    orders = Orders(*(np.r_[getattr(sold, name), getattr(back, name)] for name in Orders.__slots__))
    moved = Lines(
        len(sold.customer) + back_lines.order, *(getattr(back_lines, name) for name in Lines.__slots__[1:])
    )
    return orders, Lines(*(np.r_[getattr(lines, name), getattr(moved, name)] for name in Lines.__slots__))
