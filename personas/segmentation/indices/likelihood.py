"""BIC and ICL of a mixture: fit of the density against its number of parameters. Undefined for k-means."""

from __future__ import annotations

from personas.segmentation.algorithms.gmm import MixtureModel
from personas.segmentation.records import Fitted, Floats, Index


def _bic(X: Floats, fitted: Fitted) -> float | None:
    return fitted.bic(X) if isinstance(fitted, MixtureModel) else None


def _icl(X: Floats, fitted: Fitted) -> float | None:
    return fitted.icl(X) if isinstance(fitted, MixtureModel) else None


BIC = Index(
    name="bic",
    label="BIC",
    better="lower",
    score=_bic,
    reading="Counts pieces of density, not segments: a skewed segment needs several pieces, so its k is an upper hint.",
    source="Schwarz 1978; sign as in scikit-learn",
)
ICL = Index(
    name="icl",
    label="ICL (entropy)",
    better="lower",
    score=_icl,
    reading="BIC with a penalty for customers whose segment is unclear.",
    source="Biernacki, Celeux and Govaert 2000",
)
