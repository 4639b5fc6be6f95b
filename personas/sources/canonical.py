"""The canonical tables: what a shop's data are called once they are understood.

``prepare`` (in ``prepare.py``) promises these names and types to every later stage. Only ``orders`` with a customer,
a day and an amount is needed for a first result; each other table opens features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from personas.engines.engine import Table
from personas.estimate import Notice


@dataclass(frozen=True, slots=True)
class Column:
    """One canonical column.

    ``kind`` decides the grammar and the type: ``id`` and ``text`` and ``category`` are text, ``day`` a DATE, ``money``
    and ``number`` DECIMAL(18,4), ``count`` BIGINT, ``share`` DOUBLE in 0 to 1, ``flag`` BOOLEAN. ``protected`` columns
    describe a persona but never form one unless the configuration says so.
    """

    name: str
    kind: str
    meaning: str
    required: bool = False
    protected: bool = False


def _c(name: str, kind: str, meaning: str, *, required: bool = False, protected: bool = False) -> Column:
    return Column(name, kind, meaning, required, protected)


CANONICAL: dict[str, tuple[Column, ...]] = {
    "customers": (
        _c("customer_id", "id", "who", required=True),
        _c("created_on", "day", "first known day"),
        _c("birth_year", "count", "year of birth", protected=True),
        _c("age", "count", "age in years at the snapshot", protected=True),
        _c("age_band", "category", "age in bands", protected=True),
        _c("gender", "category", "gender as recorded", protected=True),
        _c("marital_status", "category", "marital status", protected=True),
        _c("household_size", "category", "people in the household"),
        _c("income_band", "category", "income in bands"),
        _c("education", "category", "education"),
        _c("home_owner", "category", "owns or rents the home"),
        _c("country", "category", "country", protected=True),
        _c("region", "category", "region or part of town"),
        _c("area_type", "category", "city, suburb, country side"),
        _c("account_type", "category", "private or business"),
        _c("industry", "category", "industry"),
        _c("employees", "count", "employees"),
        _c("acquired_channel", "category", "where the customer was won"),
        _c("acquisition_cost", "money", "cost of winning the customer"),
        _c("service_level", "number", "effort 1 to 10 as the shop keeps it"),
        _c("referred_by", "id", "customer who brought this one along"),
        _c("referral_type", "category", "whether the customer would have come anyway (anyway) or not (won)"),
    ),
    "orders": (
        _c("order_id", "id", "order number"),
        _c("customer_id", "id", "who", required=True),
        _c("ordered_on", "day", "day of the order", required=True),
        _c("total_amount", "money", "what the customer paid, after discount", required=True),
        _c("kind", "category", "sale, refund or cancelled"),
        _c("original_order_id", "id", "the order that a refund belongs to"),
        _c("discount_amount", "money", "discount given, positive"),
        _c("refunded_amount", "money", "amount given back, positive"),
        _c("shipping_amount", "money", "shipping paid by the customer"),
        _c("tax_amount", "money", "tax inside the total"),
        _c("channel", "category", "online, store, phone or other"),
        _c("coupon_code", "category", "coupon"),
        _c("items", "number", "how many items"),
        _c("currency", "category", "currency of the amounts"),
        _c("reference", "id", "what the payment and the order call each other"),
    ),
    "order_lines": (
        _c("order_id", "id", "order number", required=True),
        _c("customer_id", "id", "who, when there is no table of orders"),
        _c("ordered_on", "day", "day, when there is no table of orders"),
        _c("sku", "id", "product"),
        _c("product_name", "text", "product in words"),
        _c("category", "category", "product category"),
        _c("brand", "category", "brand"),
        _c("quantity", "number", "how many; negative for a return"),
        _c("line_amount", "money", "what the customer paid for the line", required=True),
        _c("discount_amount", "money", "discount on the line, positive"),
        _c("unit_cost", "money", "what one unit cost the shop"),
        _c("channel", "category", "online, store, phone or other, when there is no table of orders"),
        _c("currency", "category", "currency of the amounts, when there is no table of orders"),
    ),
    "products": (
        _c("sku", "id", "product", required=True),
        _c("category", "category", "product category"),
        _c("brand", "category", "brand"),
        _c("unit_cost", "money", "what one unit cost the shop"),
    ),
    "tickets": (
        _c("ticket_id", "id", "case number", required=True),
        _c("customer_id", "id", "who", required=True),
        _c("opened_on", "day", "day the case was opened", required=True),
        _c("channel", "category", "phone, e-mail, chat, store"),
        _c("topic", "category", "what it was about"),
        _c("agent_minutes", "number", "minutes of work"),
        _c("cost_amount", "money", "cost of the case"),
    ),
    "reach": (
        _c("customer_id", "id", "who", required=True),
        _c("platform", "category", "network"),
        _c("measured_on", "day", "day of the count"),
        _c("followers", "count", "people who follow the customer"),
        _c("brands_followed", "count", "brands the customer follows"),
        _c("mentions", "count", "public mentions of the shop"),
        _c("referrals_made", "count", "customers brought along"),
    ),
}  # fmt: skip
CUSTOMER_IDS = ("customer_id", "referred_by")
"""Columns that hold a customer number: whatever is done to one is done to the other."""
# A payment is an order as the gateway saw it; whose it is may be unknown there.
CANONICAL["payments"] = tuple(replace(c, required=c.required and c.name != "customer_id") for c in CANONICAL["orders"])


@dataclass(frozen=True, slots=True)
class GivenColumn:
    """A column of the customers table that is no canonical one and is used as a feature as it stands.

    It lives in the canonical ``customers`` table under ``name``. ``kind`` is number, amount, count, share, score,
    category or flag; ``family`` one of the feature families; ``role`` basis or profile.
    """

    name: str
    kind: str
    family: str
    role: str
    label: str
    unit: str


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row of the control totals of a table: rows and money read, used, or set aside for a reason."""

    table: str
    step: str
    """``read``, ``used``, or the code of a reason: ``without-customer``, ``duplicate``, ``cancelled`` ..."""
    label: str
    rows: int
    amount: str | None
    """Money as exact decimal text, or None where the table has none."""
    customers: int | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """What was read, used, set aside and noticed. ``lines`` of one table add up: read = used + set aside, exactly."""

    lines: tuple[AuditLine, ...]
    interpretation: tuple[dict[str, object], ...]
    """One mapping per source: file, sha256, encoding, delimiter, records, columns with their role and proof."""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """The canonical tables inside the engine, and what happened on the way there.

    ``customers`` has exactly one row per customer that any table knows (``customer_id`` first). ``orders`` has one
    row per order in the study: ``order_id, customer_id, ordered_on DATE, is_sale BOOLEAN (FALSE for a refund or a fully
    refunded order), net_amount DECIMAL(18,4) (after refunds; negative rows are refunds without their order), in_window
    BOOLEAN`` and the optional columns the shop has. ``order_lines`` carries ``order_id, customer_id, ordered_on,
    in_window, line_amount, quantity`` and what is known of ``category, brand, unit_cost, discount_amount``.
    ``tickets`` and ``reach`` carry ``in_window`` likewise (reach: latest count per customer and platform).
    """

    customers: Table
    orders: Table | None
    order_lines: Table | None
    tickets: Table | None
    reach: Table | None
    given: tuple[GivenColumn, ...]
    snapshot_date: date
    window_days: int
    currency: str
    audit: Audit
    input_hashes: tuple[tuple[str, str], ...]
    """(source name, sha256 of the content) for the manifest."""
