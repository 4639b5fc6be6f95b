"""The scorer of leads: right where fields tell, silent where they do not."""

from __future__ import annotations

import numpy as np
import pytest

from personas.errors import InputError
from personas.profiles.leads import fit_leads


def customers(n: int = 900, told: bool = True) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Three segments; age tells the first apart, the channel the second, with some unknown."""
    random = np.random.default_rng(0)
    segments = np.repeat([0, 1, 2], n // 3).astype(np.int32)
    age = np.where(segments == 0, 20, 50) + random.normal(0, 5, n)
    channel = np.where(segments == 1, "store", "web").astype(object)
    age[random.random(n) < 0.05] = np.nan
    channel[random.random(n) < 0.05] = None
    if not told:
        age, channel = random.permutation(age), random.permutation(channel)
    return {"age": age, "channel": channel}, segments


def test_fields_that_tell_give_a_calibrated_scorer() -> None:
    values, segments = customers()
    scorer = fit_leads(values, segments, ("age", "channel"), 3)
    assert scorer.accuracy > 0.95 and scorer.answered > 0.9
    assert abs(scorer.baseline - 1 / 3) < 1e-9
    assert scorer.calibration < 0.1
    leads = {"age": np.array([19.0, 52.0, 51.0]), "channel": np.array(["web", "store", "web"], dtype=object)}
    assert scorer.score(leads) == [0, 1, 2]
    assert np.allclose(scorer.probabilities(leads).sum(axis=1), 1)


def test_fields_that_tell_nothing_give_a_scorer_that_cannot_tell() -> None:
    values, segments = customers(told=False)
    scorer = fit_leads(values, segments, ("age", "channel"), 3)
    assert scorer.answered < 0.05
    leads = {"age": np.array([30.0, np.nan]), "channel": np.array(["never seen", None], dtype=object)}
    assert scorer.score(leads) == [None, None]


def test_the_same_customers_give_the_same_scorer() -> None:
    values, segments = customers()
    assert fit_leads(values, segments, ("age",), 3).accuracy == fit_leads(values, segments, ("age",), 3).accuracy


def test_a_field_that_customers_lack_is_named() -> None:
    values, segments = customers()
    with pytest.raises(InputError, match="shoe_size"):
        fit_leads(values, segments, ("shoe_size",), 3)
    with pytest.raises(InputError, match="two segments"):
        fit_leads(values, np.zeros(900, dtype=np.int32), ("age",), 3)
