"""The model's labels for all customers, batch by batch where the customers live."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from personas.errors import InputError, did_you_mean
from personas.segmentation.records import Fitted, Floats, Labels, Segmentation
from personas.segmentation.resampling import confidence
from personas.segmentation.stages import numbered, stage_names, with_stage
from personas.segmentation.unusual import APART, outside

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from personas.engines import Table
    from personas.features.coding import Coding, FeatureMatrix
    from personas.features.feature import Customers

NAME = "labels"


def assign(customers: Customers, matrix: FeatureMatrix, segmentation: Segmentation) -> Table:
    """A table ``labels``: customer_id, segment INTEGER, membership DOUBLE, confidence DOUBLE.

    One row per customer in the study who belongs to a segment, those that were clustered and those that were not; the
    fit is not touched. Customers as far from every segment as those who were set aside have no row: they are unusual.
    ``confidence`` is the share of resamples that put the customer into the same segment. Labels of clustered customers
    are those of ``segmentation``.
    """
    import pyarrow as pa

    from personas.features.recoding import raw_values, recode

    needed = needed_features(matrix.coding, segmentation)
    forming = tuple(customers.feature(name) for name in needed)
    table = customers.engine.make("features_to_assign", to_assign_sql(customers.table.name, needed))
    schema = pa.schema(
        [
            ("customer_id", pa.string()),
            ("segment", pa.int32()),
            ("membership", pa.float64()),
            ("confidence", pa.float64()),
        ]
    )

    # What the function holds travels to every node of a cluster: the recipe and the model, not the matrix.
    coding, model, resampled = matrix.coding, segmentation.model, segmentation.resampled
    bound, stage_of, stages = segmentation.unusual_distance, segmentation.stage_feature, stage_names(segmentation)

    def label(batch: pa.RecordBatch) -> pa.RecordBatch:
        raw = raw_values(batch, forming)
        X = recode(coding, raw)
        X = numbered(X, raw[stage_of], stages) if stages else X
        labels, membership, sure = labelled(X, model, resampled, bound)
        ids = batch.column("customer_id").cast(pa.string())
        found = pa.RecordBatch.from_arrays(
            [ids, pa.array(labels, pa.int32()), pa.array(membership), pa.array(sure)], schema=schema
        )
        return found.filter(pa.array(labels != APART))

    return customers.engine.map(NAME, table, label, schema)


def needed_features(coding: Coding, segmentation: Segmentation) -> tuple[str, ...]:
    """Names of the features that say where a customer belongs: the forming ones, and that of the stage."""
    stage = (segmentation.stage_feature,) if segmentation.stages else ()
    return tuple(dict.fromkeys((*(column.feature for column in coding.columns), *stage)))


def to_assign_sql(table: str, features: tuple[str, ...]) -> str:
    """The features that the model needs, of the customers in the study."""
    from personas.engines.portable import quoted

    columns = ",\n  ".join(quoted(name) for name in ("customer_id", *features))
    return f"SELECT\n  {columns}\nFROM {quoted(table)}\nWHERE in_study"


def label_rows(X: Floats, segmentation: Segmentation) -> tuple[Labels, Floats, Floats]:
    """(n,) segment, membership in it, and confidence of each coded row; -1, 0 and 0 for those who belong to none."""
    return labelled(X, segmentation.model, segmentation.resampled, segmentation.unusual_distance)


def labelled(
    X: Floats, model: Fitted, resampled: tuple[tuple[Fitted, Labels], ...], bound: float | None
) -> tuple[Labels, Floats, Floats]:
    """As ``label_rows``, from the parts that it needs: ``bound`` is the distance from which on nobody belongs.

    The model of several stages knows the bounds of each and says itself who belongs to none.
    """
    if len(X) == 0:
        return np.empty(0, dtype=np.int32), np.empty(0), np.empty(0)
    labels = model.predict(X)
    membership = model.membership(X)[np.arange(len(X)), labels]
    sure = confidence(X, labels, resampled)
    apart = (labels == APART) | outside(X, model.centroids, bound)
    labels[apart], membership[apart], sure[apart] = APART, 0.0, 0.0
    return labels, membership, sure


def assign_frame(
    customers: pd.DataFrame, coding: Coding, segmentation: Segmentation, personas: Mapping[int, str]
) -> pd.DataFrame:
    """Segment, persona, membership and confidence of a DataFrame with one row per customer; see ``Study.assign``."""
    import pandas as pd

    from personas.features.recoding import recode

    needed = needed_features(coding, segmentation)
    missing = [name for name in needed if name not in customers.columns]
    if missing:
        found = [str(name) for name in customers.columns]
        lines = [f"no column '{name}'. {did_you_mean(name, found)}".rstrip() for name in missing]
        raise InputError("the customers cannot be assigned without every forming feature", lines)
    categories = {column.feature for column in coding.columns if column.level is not None or column.levels}
    categories |= {segmentation.stage_feature}
    raw = {
        name: customers[name].astype(object).where(customers[name].notna(), None).to_numpy(dtype=object)
        if name in categories
        else pd.to_numeric(customers[name], errors="coerce").to_numpy(dtype=np.float64)
        for name in needed
    }
    unread = [
        f"{name}: {customers[name][lost].iloc[0]!r} is no number"
        for name in needed
        if name not in categories and (lost := np.isnan(raw[name]) & customers[name].notna().to_numpy()).any()
    ]
    if unread:
        raise InputError("the customers cannot be assigned: these columns hold something else than numbers", unread)
    labels, membership, sure = label_rows(with_stage(recode(coding, raw), raw, segmentation), segmentation)
    return pd.DataFrame(
        {
            "segment": labels,
            "persona": [personas.get(int(label)) for label in labels],
            "membership": membership,
            "confidence": sure,
        },
        index=customers.index,
    )
