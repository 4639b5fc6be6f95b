"""Features in raw units to the matrix that is clustered, and the recipe that codes any other customer alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from personas.config import Config, FeaturesConfig
from personas.engines.sampling import sample_sql
from personas.errors import InputError
from personas.estimate import Notice
from personas.features.coding import Coding, ColumnCoding, FeatureMatrix
from personas.features.feature import Customers, Feature
from personas.features.flags import flags
from personas.features.levels import level_columns
from personas.features.numeric import numeric_column
from personas.features.recoding import Raw, is_category, is_missing, original_value, raw_values, recode
from personas.features.screening import Dropped, screen, spearman
from personas.features.selection import check_names, forming
from personas.features.transforms import in_words
from personas.features.weights import MISSINGNESS, family_weights

__all__ = ["original_value", "prepare_matrix", "raw_values", "recode", "sample"]

Floats = NDArray[np.float64]
LARGEST_SAMPLE = 100_000
INDICATED = 0.05
"""From this share of unknown values on, being unknown is a column of its own."""


def sample(customers: Customers, config: Config) -> FeatureMatrix:
    """The matrix that is clustered: all customers of the study, or 100,000 of them chosen by their id.

    Parameters
    ----------
    customers : Customers
        Every feature in raw units, from ``build``.
    config : Config
        ``features`` says which of them form segments and how they are prepared.

    Raises
    ------
    InputError
        When no customer is in the study, no feature is left, or the customers are all alike.
    ConfigError
        For unknown names under ``features.basis`` and ``features.leave_out``.
    """
    check_names(config, [feature.name for feature in customers.features], customers.unmeasured)
    names = ["customer_id", *(feature.name for feature in customers.features)]
    rows = customers.engine.fetch(sample_sql(customers.table, names, LARGEST_SAMPLE, "in_study"), LARGEST_SAMPLE)
    if rows.num_rows == 0:
        raise InputError(
            "no customer has a sale in the window: every order is a refund or lies before it. Raise study.window_days, "
            "or leave it out to use all."
        )
    counted = customers.engine.fetch(
        f"SELECT count(*) AS n FROM {customers.table.name} WHERE in_study", 1
    ).to_pylist()[0]["n"]  # fmt: skip
    ids = np.array(rows.column("customer_id").to_pylist(), dtype=np.str_)
    order = np.argsort(ids, kind="stable")
    raw = {name: values[order] for name, values in raw_values(rows, customers.features).items()}
    return prepare_matrix(ids[order], raw, customers.features, config, int(counted))


def prepare_matrix(
    ids: NDArray[np.str_], raw: Raw, features: Sequence[Feature], config: Config, sampled_from: int
) -> FeatureMatrix:
    """The matrix of given raw values, (n,) each, sorted by ``ids``; ``sample`` without an engine."""
    asked = forming(features, config)
    if not asked:
        raise InputError("no feature is left to form segments. Name some under features.basis, or give more columns.")
    kept, dropped = screen(asked, raw)
    columns, flat = _columns(kept, raw, config.features)
    dropped += flat
    gone = {name for name, _ in flat}
    kept = [feature for feature in kept if feature.name not in gone]
    if not columns:
        _refuse(dropped, len(ids))
    coding = _weighted(columns, raw, config.features)
    X = recode(coding, raw)
    variance = X.var(axis=0)
    own = {f.name: float(sum(variance[j] for j, c in enumerate(coding.columns) if c.feature == f.name)) for f in kept}
    total = sum(own.values())
    return FeatureMatrix(
        ids, X, coding, tuple(kept), raw,
        {name: value / total for name, value in own.items()},
        {feature.name: float(np.mean(is_missing(raw[feature.name]))) for feature in features},
        {feature.name: _told(feature, coding) for feature in kept},
        tuple(notice for _, notice in dropped),
        (*_empty_families(asked, config), *flags(X, coding, raw)), sampled_from, tuple(name for name, _ in dropped),
    )  # fmt: skip


def _empty_families(asked: Sequence[Feature], config: Config) -> tuple[Notice, ...]:
    """A remark per family that the configuration asks for and that has no feature to form segments."""
    there = {feature.family for feature in asked}
    return tuple(
        Notice("family-without-features", f"The family “{family}” has no feature that can form segments here.")
        for family in config.features.families or ()
        if family not in there and config.features.basis is None
    )


def _columns(
    features: Sequence[Feature], raw: Raw, wanted: FeaturesConfig
) -> tuple[list[ColumnCoding], list[Dropped]]:
    """The unweighted columns of all features, sorted by family, feature and level; and features that do not vary."""
    columns: list[ColumnCoding] = []
    dropped: list[Dropped] = []
    for feature in features:
        values = raw[feature.name]
        if is_category(feature):
            own = level_columns(feature, values)
        else:
            column = numeric_column(feature, values, wanted)
            own = [column] if column is not None else []
        if not own:
            text = f"“{feature.label}” forms no segments: all but a few customers have the same value."
            dropped.append((feature.name, Notice("constant-feature", text, len(values))))
            continue
        columns += own
    gone = {name for name, _ in dropped}
    columns += _indicators([feature for feature in features if feature.name not in gone], raw)
    return sorted(columns, key=lambda column: (column.family, column.feature, column.level or "")), dropped


def _indicators(features: Sequence[Feature], raw: Raw) -> list[ColumnCoding]:
    """A column "is unknown" for features with 5% to 50% unknown values; those that are unknown together share one.

    Two levels in the metric of categories lie 1/sqrt(p(1-p)) apart, which is what one 0/1 column divided by its
    standard deviation gives.
    """
    found: list[ColumnCoding] = []
    for feature in sorted(features, key=lambda f: f.name):
        missing = is_missing(raw[feature.name]).astype(np.float64)
        share = float(missing.mean())
        told = any(abs(spearman(missing, is_missing(raw[c.feature]).astype(np.float64))) > 0.95 for c in found)
        if share >= INDICATED and not told:
            found.append(
                ColumnCoding(
                    f"{feature.name} unknown", feature.name, MISSINGNESS, centre=share,
                    scale=float(np.sqrt(share * (1 - share))), missing_indicator=True,
                )
            )  # fmt: skip
    return found


def _weighted(columns: list[ColumnCoding], raw: Raw, wanted: FeaturesConfig) -> Coding:
    """The columns with their family weights, and the blocks of columns that belong to one category."""
    unweighted = recode(Coding(tuple(columns)), raw)
    families = [column.family for column in columns]
    weights = family_weights(unweighted - unweighted.mean(axis=0), families, wanted.family_weights, wanted.weights)
    blocks: dict[str, list[int]] = {}
    for j, column in enumerate(columns):
        if column.level is not None:
            blocks.setdefault(column.feature, []).append(j)
    weighted = tuple(replace(column, weight=float(weight)) for column, weight in zip(columns, weights, strict=True))
    return Coding(weighted, tuple(tuple(block) for block in blocks.values()))


def _told(feature: Feature, coding: Coding) -> str:
    """The transform of a feature in words."""
    own = [column for column in coding.columns if column.feature == feature.name]
    levels = [column for column in own if column.level is not None]
    told = f"{len(levels)} levels" if levels else in_words(own[0].transform, own[0].divisor)
    return f"{told}; unknown is a column of its own" if any(column.missing_indicator for column in own) else told


def _refuse(dropped: Sequence[Dropped], n: int) -> None:
    """Raise the InputError for a matrix without columns."""
    findings = [notice.text for _, notice in dropped]
    if all(notice.code == "constant-feature" for _, notice in dropped):
        raise InputError(f"the {n:,} customers are all alike: no feature that may form segments differs", findings)
    headline = "no feature is left to form segments. Give more columns, or name others under features.basis"
    raise InputError(headline, findings)
