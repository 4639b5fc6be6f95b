"""Named rules on new customers: whom of a frame a study would have kept apart, by the rules as they were fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from personas.audience import Audience
from personas.engines import open_engine
from personas.errors import ConfigError
from personas.sources.population import audience_sql

if TYPE_CHECKING:
    import pandas as pd

REVENUE = "revenue_per_year"
"""What top shares are taken by."""


def kept_apart_by(
    frame: pd.DataFrame, config: Mapping[str, Any], names: tuple[str, ...], cuts: Mapping[str, float],
    known: Mapping[str, str],
) -> tuple[NDArray[np.object_], dict[str, str]]:  # fmt: skip
    """(n,) name of the first rule that fits each row, None where none does; and rules that could not be looked at.

    Parameters
    ----------
    frame : one row per customer, index the customer id.
    config : the configuration as the study keeps it, without the numbers of lists.
    names : the rules in their order, as the study tells them.
    cuts : revenue a year from which on a customer belongs to a top share, by name.
    known : customer -> rule of those whom the fit kept apart: the only trace of a list, and what stands for a rule
        that the columns of ``frame`` do not tell; the reason is given then.
    """
    ids = [str(customer) for customer in frame.index]
    found = np.full(len(frame), None, dtype=object)
    unknown: dict[str, str] = {}
    for name in names:
        fits = np.array([known.get(customer) == name for customer in ids], dtype=bool)
        try:
            fits = _fitting(frame, config, name, cuts, fits)
        except ConfigError as error:
            unknown[name] = str(error)
        found[fits & (found == None)] = name  # noqa: E711  # elementwise
    return found, unknown


def _fitting(
    frame: pd.DataFrame, config: Mapping[str, Any], name: str, cuts: Mapping[str, float], before: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(n,) who fits one rule; ``before`` is who did at the fit."""
    rules, population = config["segmentation"].get("rules", {}), config["study"].get("population")
    if name in cuts:
        if REVENUE not in frame.columns:
            raise ConfigError(f"there is no column '{REVENUE}' to compare with the {cuts[name]:,.2f} of the study")
        earned: NDArray[np.bool_] = frame[REVENUE].to_numpy(dtype=np.float64) >= cuts[name] * (1 - 1e-9)
        return earned
    if name in rules:
        audience = rules[name]
        return _in_audience(frame, config, audience) if audience in config["audiences"] else before
    return ~_in_audience(frame, config, population) if population is not None else before


def _in_audience(frame: pd.DataFrame, config: Mapping[str, Any], name: str) -> NDArray[np.bool_]:
    """(n,) whether the conditions hold, by the columns of the frame; ConfigError where it lacks one."""
    import pyarrow as pa

    inside = np.zeros(len(frame), dtype=bool)
    columns = frame.drop(columns="customer_id", errors="ignore")
    places = pa.array([str(place) for place in range(len(frame))], pa.string())
    rows = pa.Table.from_pandas(columns, preserve_index=False).append_column("customer_id", places)
    with open_engine() as engine:
        table = engine.read("rows_to_assign", rows)
        sql = audience_sql(engine, Audience.model_validate(config["audiences"][name]), name, table, {})
        members = engine.fetch(sql, max(1, len(frame))).column("customer_id").to_pylist()
    inside[[int(place) for place in members]] = True
    return inside
