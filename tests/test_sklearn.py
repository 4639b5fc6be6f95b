"""The scikit-learn estimator follows scikit-learn's own rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.utils.estimator_checks import parametrize_with_checks

from personas.sklearn import PersonaSegmenter


@parametrize_with_checks([PersonaSegmenter(k=(2, 3), protocol="quick")])
def test_the_estimator_passes_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_it_chooses_two_groups_of_iris_and_predicts_new_flowers() -> None:
    X = load_iris().data
    model = PersonaSegmenter(protocol="quick", min_size=30).fit(X)
    assert model.n_clusters_ == 2 and model.segmentation_.verdict == "natural"
    assert (model.predict(X) == model.labels_).all()
    assert model.cluster_centers_.shape == (2, 4)
    assert model.predict([[5.0, 3.4, 1.5, 0.2]])[0] == model.labels_[0]


def test_a_table_too_small_for_the_number_asked_for_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="too few to segment; at least 10"):
        PersonaSegmenter(k=5).fit(np.arange(18.0).reshape(9, 2))
