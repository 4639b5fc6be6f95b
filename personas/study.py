"""The whole result of a run: read-only, and the saved folder is the interface to everything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personas.estimate import Notice
from personas.features.coding import Coding
from personas.features.dictionary import FeatureEntry
from personas.narrative.persona import Persona
from personas.profiles.records import Profiles
from personas.segmentation.records import Segmentation
from personas.sources.canonical import Audit

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class About:
    """What was studied."""

    name: str
    slug: str
    snapshot_date: date
    window_days: int
    currency: str
    customers: int
    """Customers who were clustered or assigned."""
    customers_known: int
    """All customers that any table knows."""
    verdict: str
    k: int
    seed: int
    language: str
    engine: str
    version: str


@dataclass(frozen=True, slots=True)
class Study:
    """Everything that a run found. ``personas.load`` brings a saved one back."""

    about: About
    config: Mapping[str, Any]
    audit: Audit
    dictionary: tuple[FeatureEntry, ...]
    coding: Coding
    segmentation: Segmentation
    profiles: Profiles
    personas: tuple[Persona, ...]
    segments: pa.Table
    """customer_id, segment, persona, membership, confidence; sorted by customer_id. With named rules also rule: who
    was kept apart, and by which."""
    notices: tuple[Notice, ...] = ()
    input_hashes: tuple[tuple[str, str], ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    """Named rules that keep customers apart, in their order."""
    rule_cuts: Mapping[str, float] = field(default_factory=dict)
    """Revenue a year from which on a customer belongs to a top share, by rule."""

    @property
    def k_table(self) -> pd.DataFrame:
        """One row per algorithm and k."""
        return self.segmentation.k_table

    def save(self, folder: str | Path) -> Path:
        """Write the study folder (report, cards, JSON, model) and publish it by rename; the former one stays on
        failure.
        """
        # the renderer and the pipeline know a study, not the other way round: they are looked up only when asked for
        from personas.pipeline import save

        return save(self, folder)

    def assign(self, customers: pd.DataFrame) -> pd.DataFrame:
        """The segment of new customers, by the model as it was fitted.

        Parameters
        ----------
        customers : DataFrame
            One row per customer, index the customer id, one column per forming feature in raw units (the names in
            ``features.json``). Missing values are filled as in the fit.

        Returns
        -------
        DataFrame
            Same index; ``segment`` (-1 for none), ``persona``, ``membership`` (0 to 1) and ``confidence`` (0 to 1). In
            a study with named rules also ``rule``, of those whom one keeps apart: they have no segment. Top shares are
            those from the least revenue of the fit on (column ``revenue_per_year``); a list is known by those it kept
            apart. A rule that the columns do not tell keeps only customers apart that it did at the fit;
            ``attrs["rules_not_told"]`` says which and why.

        Raises
        ------
        InputError
            When a forming feature is missing, naming it.
        """
        from personas.segmentation.assign import assign_frame

        ids = {persona.segment: persona.id for persona in self.personas}
        found = assign_frame(customers, self.coding, self.segmentation, ids)
        if not self.rules:
            return found
        from personas.features.apart import kept_apart_by

        columns = (self.segments.column(name).to_pylist() for name in ("customer_id", "rule"))
        known = {customer: rule for customer, rule in zip(*columns, strict=True) if rule is not None}
        found["rule"], not_told = kept_apart_by(customers, self.config, self.rules, self.rule_cuts, known)
        found.loc[found["rule"].notna(), ["segment", "persona", "membership", "confidence"]] = [-1, None, 0.0, 0.0]
        found.attrs["rules_not_told"] = not_told
        return found

    def _repr_html_(self) -> str:
        """The cards, for a notebook."""
        from personas.render import render_card

        return "\n".join(render_card(self, persona) for persona in self.personas)
