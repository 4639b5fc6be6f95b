"""Which segment a lead belongs to, from the few fields a lead has: calibrated, and silent where it cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from personas.errors import InputError
from personas.profiles.intervals import Use, stream

Floats = NDArray[np.float64]
FOLDS = 5
FEWEST = 10
"""Customers of a segment below which nobody is put into it."""
SURE = 0.6
"""Probability from which a lead is put into a segment (our choice)."""


@dataclass(frozen=True, slots=True)
class LeadScorer:
    """A scorer and what it is worth, all by cross-validation.

    ``accuracy`` of those it answers for, ``answered`` their share, ``baseline`` the accuracy of always naming the
    largest segment, ``calibration`` the largest gap between probability and hits over five bins of equally many.
    """

    fields: tuple[str, ...]
    segments: tuple[int, ...]
    accuracy: float
    answered: float
    baseline: float
    calibration: float
    sure: float
    _model: Any

    def probabilities(self, leads: Mapping[str, NDArray[np.generic]]) -> Floats:
        """(n, segments) probability of each segment."""
        result: Floats = self._model.predict_proba(_table(leads, self.fields))
        return result

    def score(self, leads: Mapping[str, NDArray[np.generic]]) -> list[int | None]:
        """The segment of each lead, None for "cannot tell"."""
        found = self.probabilities(leads)
        best = found.argmax(axis=1)
        return [
            self.segments[g] if p >= self.sure else None for g, p in zip(best, found.max(axis=1).tolist(), strict=True)
        ]


def fit_leads(
    values: Mapping[str, NDArray[np.generic]], segments: NDArray[np.int32], fields: Sequence[str], seed: int,
    sure: float = SURE,
) -> LeadScorer:  # fmt: skip
    """A scorer from the ``fields`` of customers whose segment is known.

    Multinomial logistic regression on standardised numbers and one-hot categories (unknown is a level of its own),
    chosen because its probabilities need no second step to be calibrated. Raises InputError when a field is missing or
    fewer than two segments have ten customers.
    """
    missing = [name for name in fields if name not in values]
    if missing or not fields:
        unknown = ", ".join(missing) or "any"
        raise InputError(f"leads are scored by fields that customers have too; not known: {unknown}")
    names, counts = np.unique(segments, return_counts=True)
    kept = names[counts >= FEWEST]
    if len(kept) < 2:
        raise InputError(f"leads need two segments of at least {FEWEST} customers to choose between")
    rows = np.isin(segments, kept)
    table, y = _table(values, fields)[rows], segments[rows]
    model = _pipeline(values, fields)
    shares = _cross_validated(model, table, y, stream(seed, 10, 0, Use.LEADS))
    model.fit(table, y)
    best, sureness = kept[shares.argmax(axis=1)], shares.max(axis=1)
    answers = sureness >= sure
    return LeadScorer(
        tuple(fields), tuple(int(g) for g in kept),
        float((best == y)[answers].mean()) if answers.any() else 0.0,
        float(answers.mean()), float(np.unique(y, return_counts=True)[1].max() / len(y)),
        _calibration(sureness, best == y), sure, model,
    )  # fmt: skip


def _table(values: Mapping[str, NDArray[np.generic]], fields: Sequence[str]) -> NDArray[np.object_]:
    return np.column_stack([np.asarray(values[name], dtype=object) for name in fields])


def _pipeline(values: Mapping[str, NDArray[np.generic]], fields: Sequence[str]) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    numbers = [i for i, name in enumerate(fields) if values[name].dtype != np.object_]
    texts = [i for i in range(len(fields)) if i not in numbers]
    number = make_pipeline(
        FunctionTransformer(_as_float), SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )  # fmt: skip
    text = make_pipeline(FunctionTransformer(_as_text), OneHotEncoder(handle_unknown="ignore", min_frequency=10))
    steps = [("numbers", number, numbers), ("texts", text, texts)]
    return make_pipeline(ColumnTransformer([step for step in steps if step[2]]), LogisticRegression(max_iter=2000))


def _as_float(x: Any) -> Any:
    return np.asarray(x, dtype=np.float64)


def _as_text(x: Any) -> Any:
    return np.array([["unknown" if cell is None else str(cell) for cell in row] for row in x], dtype=str)


def _cross_validated(model: Any, table: Any, y: NDArray[np.int32], random: np.random.Generator) -> Floats:
    """(n, segments) probabilities of each customer by a model that has not seen it."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=int(random.integers(2**31)))
    result: Floats = cross_val_predict(model, table, y, cv=folds, method="predict_proba")
    return result


def _calibration(sureness: Floats, right: NDArray[np.bool_]) -> float:
    """Largest gap between mean probability and share of hits over five bins with equally many customers."""
    order = np.argsort(sureness, kind="stable")
    return max(
        abs(float(sureness[part].mean()) - float(right[part].mean())) for part in np.array_split(order, 5) if len(part)
    )
