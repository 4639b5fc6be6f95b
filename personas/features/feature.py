"""What a feature is, and what a family of them is: records, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

from personas.config import Config
from personas.engines import Engine, Table
from personas.estimate import Notice
from personas.sources.canonical import Tables


@dataclass(frozen=True, slots=True)
class Feature:
    """One number (or category) per customer.

    Parameters
    ----------
    name : str
        With its unit: ``recency_days``, ``online_share``.
    sql : str
        Portable SQL: an aggregate over the rows of ``table`` of one customer inside the window, or for the tables
        ``customers`` and ``features`` an expression of one row.
    table : str
        ``orders``, ``order_lines``, ``tickets``, ``reach``, ``customers``; or one of three made on the way: ``orders``
        has ``gap_days`` (days since the sale before, NULL for the first), ``brands`` has one row per customer and
        brand (``amount``), ``customers`` has ``first_ordered_on``, and ``features`` is the row of measured features.
    unit : str
        ``days``, ``orders/year``, ``EUR/year``, ``EUR/order``, ``share`` (0 to 1), ``score 1-10``, ``people``,
        ``years``, or ``category``. The currency stands as its ISO code.
    label : str
        As a reader says it, lower case, without the unit: "days since the last order", "orders a year".
    words : str
        The formula in words, for the feature dictionary.
    family : str
        One of ``personas.config.FAMILIES``.
    needs : tuple of str
        Columns of ``table`` without which the feature is left out (and listed); for ``features`` other features.
    absent : float or None
        Value of a customer without rows: 0 orders is a fact, an average of nothing is not (None: missing).
    shape : str
        ``count``, ``amount``, ``signed``, ``share``, ``score``, ``number``, ``category`` or ``ordinal``: picks the
        transform.
    role : str
        ``basis`` may form the segments, ``profile`` only describes them.
    derived_from : tuple of str
        Basis features that share a source field: a claim about this one is a definition, not a finding.
    """

    name: str
    sql: str
    table: str
    unit: str
    label: str
    words: str
    family: str
    needs: tuple[str, ...] = ()
    absent: float | None = None
    shape: str = "number"
    role: str = "basis"
    derived_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FamilyContext:
    """What a family may look at to propose its features: tables, window, configuration, never a customer's row.

    ``categories`` are (slug, exact value) of the product categories worth a share of their own, largest first;
    ``channels`` likewise of the channels that sales came through; ``rest_of_categories`` says whether there are others.
    ``rhythm_days`` is the usual time between two orders, where lifecycle stages are asked for and it is known.
    """

    tables: Tables
    config: Config
    snapshot_date: date
    window_days: int
    currency: str
    categories: tuple[tuple[str, str], ...] = ()
    channels: tuple[tuple[str, str], ...] = ()
    rest_of_categories: bool = False
    rhythm_days: float | None = None


@dataclass(frozen=True, slots=True)
class FeatureFamily:
    """A named group of features that measure the same side of a customer."""

    name: str
    title: str
    question: str
    """Who, where, why, what or when: which of the five bases of segmentation it serves."""
    features: Callable[[FamilyContext], tuple[Feature, ...]]


@dataclass(frozen=True, slots=True)
class Customers:
    """One row per customer of the study, every feature in raw units, inside the engine.

    ``table`` has ``customer_id``, ``in_study`` (BOOLEAN: has a sale in the window, or there are no orders at all; and
    no rule keeps it apart) and one column per feature: DOUBLE, or VARCHAR for categories. ``left_out`` says which
    features could not be measured and why, one remark per table; ``unmeasured`` names them one by one with the reason.
    ``apart`` (customer_id, rule) are the customers whom a rule keeps apart, ``rule`` counting into ``apart_names``.
    """

    engine: Engine
    table: Table
    features: tuple[Feature, ...]
    left_out: tuple[Notice, ...]
    unmeasured: tuple[tuple[Feature, str], ...] = ()
    apart: Table | None = None
    apart_names: tuple[str, ...] = ()
    apart_cuts: Mapping[str, float] = field(default_factory=dict)
    """Revenue a year from which on a customer belongs to a top share, by its name."""

    def feature(self, name: str) -> Feature:
        """The feature of that name. Raises KeyError when it is not measured."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise KeyError(name)
