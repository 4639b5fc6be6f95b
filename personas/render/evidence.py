"""The number behind every sentence, as rows of a table."""

from __future__ import annotations

from personas.estimate import Estimate
from personas.narrative.formatting import number, ranged, show
from personas.narrative.persona import Evidence, Persona, Statement
from personas.render.blocks import Proof
from personas.render.facts import ends_of, feature_labels
from personas.render.text import first_upper
from personas.study import Study

_CLAIMS = {"definition": "by definition", "association": "found", "prediction": "predicted", "scenario": "assumed"}


def proofs(persona: Persona, study: Study, locale: str) -> tuple[Proof, ...]:
    """One row per figure that a statement stands on, in the order of the statements, none twice."""
    labels = feature_labels(study.profiles, [(e.feature.name, e.feature.label) for e in study.dictionary])
    rows: dict[Proof, None] = {}
    for statement in persona.statements:
        for evidence in statement.evidence:
            what = _what(evidence, labels)
            rows[_row(what, evidence.segment, evidence.everyone, _kind(statement, evidence), locale)] = None
            for other in evidence.others:
                rows[_row(f"{what}, further figure", other, None, _kind(statement, evidence), locale)] = None
    for action in persona.actions:
        for evidence in (e for text in action.evidence.values() for e in text if action.claim == "prediction"):
            what = f"{action.title}: {evidence.statistic}" if evidence.statistic.startswith("experiment") else ""
            if what:
                rows[_row(what, evidence.segment, None, f"measured in a test, {evidence.segment.unit}", locale)] = None
    return tuple(rows)


def _what(evidence: Evidence, labels: dict[str, str]) -> str:
    label = labels.get(evidence.feature, first_upper(evidence.feature.replace("_", " ")))
    told = evidence.statistic not in ("", "mean", "share", "total") and evidence.statistic not in label
    return f"{label}, {evidence.statistic}" if told else label


def _row(what: str, own: Estimate, everyone: Estimate | None, kind: str, locale: str) -> Proof:
    return Proof(what, ranged(own, locale)[0], ends_of(own, locale), show(everyone, locale, ""), kind)


def _kind(statement: Statement, evidence: Evidence) -> str:
    claim = "drawn by us" if statement.drawn else _CLAIMS.get(statement.claim, statement.claim)
    return claim if evidence.effect is None else f"{claim}, effect {number(evidence.effect)}"
