"""Gate of row 6: every feature of every customer, worked out once more with pandas from its definition."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from personas.features.occasions import spans

SNAPSHOT, DAYS = date(2026, 11, 1), 730
"""As in ``benchmarks.data.STUDY``."""
SAME = 1e-9
Numbers = NDArray[np.float64]


def gate(table: pa.Table, folder: Path, net: pd.Series) -> tuple[str, bool]:
    """Gate E over the finished table: what was compared, and whether it is the same. ``net`` is what theirs spent."""
    table = table.sort_by("customer_id")
    wanted = expected(folder)
    same_ids = table.column("customer_id").to_pylist() == list(wanted.index)
    worst, odd = 0.0, [] if same_ids else ["customer_id"]
    for name in wanted.columns if same_ids else ():
        if wanted[name].dtype == object:
            same = table.column(name).to_pylist() == wanted[name].tolist()
        else:
            mine, theirs = column(table, name), wanted[name].to_numpy(dtype=np.float64)
            gaps = np.array_equal(np.isnan(mine), np.isnan(theirs))
            off = np.nanmax(np.abs(mine - theirs) / np.maximum(1, np.abs(theirs)), initial=0.0)
            worst, same = max(worst, float(off)), gaps and off <= SAME
        odd += [] if same else [name]
    odd += sorted(set(table.column_names) - {"customer_id", "in_study", *wanted.columns})
    cents = pd.Series(np.rint(column(table, "revenue_per_year") * DAYS / 365 * 100), table.column("customer_id"))
    odd += [] if cents.equals(np.rint(net * 100).reindex(cents.index).fillna(0)) else ["spend in cents"]
    odd += [] if set(net.index) <= set(wanted.index) else ["their customers"]
    count = f"all {len(wanted.columns)} features of {len(wanted):,} customers ({wanted.size:,} values)"
    text = f"E: {count} are those of pandas to {worst:.0e}, the same ones missing; spend is theirs to the cent"
    return (f"E: not as pandas has them: {', '.join(odd)}" if odd else text), not odd


def column(table: pa.Table, name: str) -> Numbers:
    """A column as numbers, NaN where it is missing."""
    values: Numbers = pc.fill_null(table.column(name), float("nan")).to_numpy()
    return values


def expected(folder: Path) -> pd.DataFrame:
    """One row per customer of the file, sorted by id; texts as objects, all else as floats."""
    people = _frame(folder / "customers.parquet").sort_values("id").set_index("id")
    orders = _frame(folder / "orders.parquet")
    orders["who"] = people.index.get_indexer(orders["customer"])
    orders["day"] = pd.to_datetime(orders["date"]).to_numpy().astype("datetime64[D]").astype(np.int64)
    back = orders[orders["type"] == "refund"].groupby("refers_to")["amount"].sum()
    given = -back.reindex(orders["order_no"]).fillna(0).to_numpy()
    placed = (orders["type"] == "sale").to_numpy()
    orders["refunded"] = placed & (given > 0)
    orders["sale"] = placed & ~((given > 0) & (given >= orders["amount"].to_numpy()))
    found = _of_orders(orders, len(people)) | _of_lines(orders, folder, len(people))
    first = orders[orders["sale"]].groupby("who")["day"].min().reindex(range(len(people))).to_numpy()
    joined = pd.to_datetime(people["first_seen"]).to_numpy().astype("datetime64[D]").astype(np.float64)
    found["tenure_days"] = _number(SNAPSHOT) - np.fmin(first, joined)
    found["age"] = SNAPSHOT.year - people["birth_year"].to_numpy(dtype=np.float64)
    named = {"gender": "gender", "region": "district", "acquired_channel": "acquired_via"}
    texts = {name: people[source].astype(object) for name, source in named.items()}
    return pd.DataFrame(found, index=people.index).assign(**texts)


def _frame(path: Path) -> pd.DataFrame:
    """A file with its amounts as whole cents in floats, which add up without rounding."""
    table = pq.read_table(path)
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            cents = np.rint(pc.cast(table.column(place), pa.float64()).to_numpy() * 100)
            table = table.set_column(place, field.name, pa.array(cents))
    return table.to_pandas()


def _number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _of_orders(orders: pd.DataFrame, customers: int) -> dict[str, Numbers]:
    """What is measured on the orders of the window."""
    start = SNAPSHOT - timedelta(days=DAYS)
    orders = orders[(orders["day"] >= _number(start)) & (orders["day"] < _number(SNAPSHOT))]
    sale, refunded = orders["sale"].to_numpy(), orders["refunded"].to_numpy()
    who, day, net = (orders[name].to_numpy() for name in ("who", "day", "amount"))
    price_off = orders["discount"].to_numpy(dtype=np.float64)

    def per_customer(rows: NDArray[np.bool_], values: Numbers | None = None) -> Numbers:
        weights = None if values is None else values[rows]
        return np.bincount(who[rows], weights, minlength=customers).astype(np.float64)

    sales, rows = per_customer(sale), per_customer(np.ones(len(who), bool))
    known, priced = sale & orders["channel"].notna().to_numpy(), sale & ~np.isnan(price_off)
    earned, off, paid = per_customer(sale, net), per_customer(priced, price_off), per_customer(priced, net)
    back = np.maximum(per_customer(refunded), per_customer(~sale & (net < 0)))
    ever = per_customer(sale | refunded)
    middle = _number(start + timedelta(days=DAYS // 2))
    near = np.zeros(len(day), bool)
    for begin, end in spans(None, 14, start, SNAPSHOT):
        near |= (day >= _number(begin)) & (day <= _number(end))
    later, earlier = per_customer(sale & (day >= middle)), per_customer(sale & (day < middle))
    found = {
        "orders_per_year": sales * 365 / DAYS,
        "average_order": _share(earned / 100, sales),
        "revenue_per_year": per_customer(rows[who] > 0, net) / 100 * 365 / DAYS,
        "occasion_share": np.where(sales >= 2, _share(per_customer(sale & near), sales), np.nan),
        "trend": _share(later - earlier, sales),
        "weekend_share": _share(per_customer(sale & ((day - _number(date(1970, 1, 5))) % 7 >= 5)), sales),
        "discount_share": _share(per_customer(priced & (price_off > 0)), per_customer(priced)),
        "discount_rate": _share(off, off + paid),
        "discount_per_year": off / 100 * 365 / DAYS,
        "return_share": np.minimum(_share(back, ever), 1),
        "returns_per_year": back * 365 / DAYS,
    }
    for name, words in (("online", ["web", "app"]), ("store", ["store"]), ("phone", ["phone"])):
        here = per_customer(known & orders["channel"].isin(words).to_numpy())
        found[f"{name}_share"] = _share(here, per_customer(known))
    days = orders.loc[sale, ["who", "day"]].drop_duplicates().sort_values(["who", "day"])
    bounds = days.groupby("who")["day"].agg(["min", "max", "size"]).reindex(range(customers))
    found["recency_days"] = (_number(SNAPSHOT) - bounds["max"]).to_numpy(dtype=np.float64)
    found["gap_days"] = _share((bounds["max"] - bounds["min"]).to_numpy(), bounds["size"].to_numpy() - 1)
    gaps = days.groupby("who")["day"].diff().groupby(days["who"])
    variation = (gaps.std() / gaps.mean()).reindex(range(customers))
    found["gap_variation"] = variation.to_numpy(dtype=np.float64)
    return found


def _of_lines(orders: pd.DataFrame, folder: Path, customers: int) -> dict[str, Numbers]:
    """What is measured on the order lines of the window."""
    lines, products = _frame(folder / "order_lines.parquet"), _frame(folder / "products.parquet")
    order = pd.Index(orders["order_no"]).get_indexer(lines["order_no"])
    product = pd.Index(products["sku"]).get_indexer(lines["sku"])
    who, paid = orders["who"].to_numpy()[order], lines["amount"].to_numpy()
    bought = paid > 0
    codes, names = pd.factorize(products["category"])
    brands, brand_names = pd.factorize(products["brand"])

    def per_customer(values: Numbers, rows: NDArray[np.bool_] | slice = slice(None)) -> Numbers:
        return np.bincount(who[rows], values[rows], minlength=customers)

    spent = per_customer(paid, bought)
    on = {name: per_customer(paid, bought & (codes[product] == code)) for code, name in enumerate(names)}
    found = {f"category_share_{name.lower().replace(' ', '_')}": _share(sums, spent) for name, sums in on.items()}
    any_line = np.bincount(who, minlength=customers) > 0
    found["category_breadth"] = np.where(any_line, sum((sums > 0).astype(np.float64) for sums in on.values()), np.nan)
    left = paid - products["unit_cost"].to_numpy()[product] * lines["qty"].to_numpy()
    found["margin_rate"] = _share(per_customer(left), per_customer(paid))
    found["gross_margin_per_year"] = np.where(any_line, per_customer(left) / 100 * 365 / DAYS, np.nan)
    keys, place = np.unique((who * len(brand_names) + brands[product])[bought], return_inverse=True)
    sums = np.bincount(place, paid[bought])
    most = np.zeros(customers)
    np.maximum.at(most, keys // len(brand_names), sums)
    found["brand_concentration"] = _share(most, spent)
    return found


def _share(part: Numbers, whole: Numbers) -> Numbers:
    """part / whole, NaN where the whole is nothing."""
    whole = np.asarray(whole, dtype=np.float64)
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole != 0)
