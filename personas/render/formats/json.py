"""The study for other programs: personas, segmentation, features and audit; full precision, keys of the contract."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date
from typing import Any

from personas.codec import to_plain
from personas.estimate import Estimate, Notice
from personas.narrative.formatting import assumed
from personas.narrative.persona import Evidence, Persona
from personas.profiles.records import Economics, Profile
from personas.render.formats.csv import COLUMNS
from personas.render.stages import study_of
from personas.segmentation.records import Segmentation
from personas.segmentation.verdict import THRESHOLDS
from personas.study import Study

SCHEMA_VERSION = "1.0"
_PER_CUSTOMER = (
    "revenue", "gross_margin", "service_cost", "return_cost", "marketing_cost", "contribution", "roi", "lifetime_value",
    "break_even", "losing_share", "acquisition_cost", "after_acquisition",
)  # fmt: skip


def render_json(study: Study) -> dict[str, str]:
    """``personas.json``, ``segmentation.json``, ``features.json`` and ``audit.json``."""
    documents = {
        "personas.json": personas_document(study),
        "segmentation.json": segmentation_document(study),
        "features.json": features_document(study),
        "audit.json": audit_document(study),
    }
    return {name: dumped(document) for name, document in documents.items()}


def dumped(document: object) -> str:
    """JSON text: UTF-8, two blanks, shortest floats, no NaN; the order of keys is the order of writing."""
    return json.dumps(_plain(document), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def estimate_document(estimate: Estimate | None) -> dict[str, Any] | None:
    """An Estimate with its keys, None where unknown."""
    if estimate is None:
        return None
    return {
        "value": estimate.value, "low": estimate.low, "high": estimate.high, "unit": estimate.unit, "n": estimate.n,
        "basis": estimate.basis,
    }  # fmt: skip


def personas_document(study: Study) -> dict[str, Any]:
    """Contract, section 4."""
    about = study.about
    profiles = {profile.segment: profile for profile in study.profiles.segments}
    return {
        "schema_version": SCHEMA_VERSION,
        "study": {
            "name": about.name, "snapshot_date": about.snapshot_date, "window_days": about.window_days,
            "currency": about.currency, "customers": about.customers, "verdict": about.verdict, "k": about.k,
            "seed": about.seed, "language": about.language,
        },
        "personas": [
            {
                **persona_document(persona),
                "facts": facts_document(profiles.get(persona.segment)),
                "worth": worth_document(profiles.get(persona.segment), persona),
                "lifecycle": dict(profiles[persona.segment].lifecycle) if persona.segment in profiles else {},
            }
            for persona in study.personas
        ],
        "everyone": {
            "facts": facts_document(study.profiles.everyone),
            "economics": economics_document(study.profiles.everyone.economics),
        },
        "money": {
            "whale": to_plain(study.profiles.whale),
            "lifetime": to_plain(study.profiles.lifetime),
            "service_order": to_plain(study.profiles.service_order),
            "service_floor_days": study.profiles.service_floor_days,
            "rfm": to_plain(study.profiles.rfm_table),
            "rfm_cut": study.profiles.rfm_cut,
            "value_and_influence": to_plain(study.profiles.quadrants),
            "assumptions": [
                {"what": a.what, "figure": assumed(a, study.about.language)} for a in study.profiles.assumptions
            ],
        },
        "notices": [notice_document(notice) for notice in study.notices],
    }  # fmt: skip


_WORTH = ("loss", "move", "lifetime", "test", "grew", "pairs", "second_purchase", "trials", "referrals")


def worth_document(profile: Profile | None, persona: Persona) -> dict[str, Any]:
    """What the profile says beyond the ledger, the claims about it, and the brief of its newsletter."""
    if profile is None:
        return {}
    return {
        **{name: to_plain(getattr(profile, name)) for name in _WORTH},
        "claims": {name: {**to_plain(c), "holds": c.holds} for name, c in profile.claims.items()},
        "newsletter": to_plain(persona.brief),
    }


def persona_document(persona: Persona) -> dict[str, Any]:
    """One entry of ``personas``."""
    age = estimate_document(persona.age)
    if age is not None and persona.age_quartiles:
        age["middle_half"] = list(persona.age_quartiles)
    return {
        "id": persona.id,
        "segment": persona.segment,
        "name": persona.name,
        "tagline": persona.tagline,
        "tagline_evidence": [evidence_document(e) for e in persona.tagline_evidence],
        "age": age,
        "gender": persona.gender,
        "place": persona.place,
        "size": {name: estimate_document(persona.size.get(name)) for name in _SIZE},
        "archetype": {"name": persona.archetype, "scores": dict(persona.archetype_scores)},
        "rfm": dict(persona.rfm),
        "story": persona.story,
        "statements": [
            {
                "id": s.id, "text": s.text, "claim": s.claim, "kind": s.kind, "block": s.block,
                "evidence": evidence_document(s.evidence[0]) if s.evidence else None,
                "further_evidence": [evidence_document(e) for e in s.evidence[1:]],
                "drawn": s.drawn,
            }
            for s in persona.statements
        ],
        "economics": economics_document(persona.economics),
        "actions": [
            {
                "id": a.id, "title": a.title, "channel": a.channel, "message": a.message, "offer": a.offer,
                "cadence": a.cadence, "trigger": a.trigger, "expected": a.expected, "do_not": a.do_not,
                "breaks_even": a.breaks_even, "test": a.test, "measured": a.measured, "claim": a.claim,
                "evidence": {name: [evidence_document(e) for e in given] for name, given in a.evidence.items()},
            }
            for a in persona.actions
        ],
        "rule": None if persona.rule is None else {
            "text": persona.rule.text, "sql": persona.rule.sql, "fidelity": estimate_document(persona.rule.fidelity),
            "conditions": [list(condition) for condition in persona.rule.conditions],
            "list_size": persona.rule.list_size, "precision": persona.rule.precision, "recall": persona.rule.recall,
        },
        "trust": {
            "stability": estimate_document(persona.stability), "stability_word": persona.stability_word,
            "core_share": persona.core_share,
            "prevalence": {name: persona.prevalence.get(name) for name in ("of_segment", "of_customers")},
        },
        "to_find_out": list(persona.to_find_out),
        "notices": [notice_document(notice) for notice in persona.notices],
    }  # fmt: skip


_SIZE = ("customers", "share", "revenue_share", "contribution_share")


def facts_document(profile: Profile | None) -> dict[str, Any]:
    """Every feature of a group: known share, mean, median and middle half, or the share of each level."""
    facts: dict[str, Any] = {}
    for name, fact in (profile.facts if profile else {}).items():
        facts[name] = {
            "label": fact.feature.label,
            "unit": fact.feature.unit,
            "known": estimate_document(fact.known),
            "mean": estimate_document(fact.mean),
            "median": estimate_document(fact.median),
            "middle_half": None if fact.low_quartile is None else [fact.low_quartile, fact.high_quartile],
            "levels": {level: estimate_document(share) for level, share in fact.levels},
            "effect": estimate_document(fact.effect),
        }
    return facts


def evidence_document(evidence: Evidence) -> dict[str, Any]:
    """The numbers behind one statement."""
    return {
        "feature": evidence.feature,
        "statistic": evidence.statistic,
        "segment": estimate_document(evidence.segment),
        "everyone": estimate_document(evidence.everyone),
        "effect": evidence.effect,
        "others": [estimate_document(other) for other in evidence.others],
    }


def economics_document(economics: Economics) -> dict[str, Any]:
    """Money per customer and year, and the totals of the window."""
    per_customer = {name: estimate_document(getattr(economics, name)) for name in _PER_CUSTOMER}
    totals = {name: estimate_document(getattr(economics, name)) for name in ("total_revenue", "total_contribution")}
    return {"level": economics.level, **per_customer, **totals}


def notice_document(notice: Notice) -> dict[str, Any]:
    """A notice with its keys."""
    return {"code": notice.code, "text": notice.text, "count": notice.count}


def segmentation_document(study: Study) -> dict[str, Any]:
    """Contract, section 5. Where segments were sought inside stages, each stage has a document of its own under it."""
    found = study.segmentation
    document = {"schema_version": SCHEMA_VERSION, **_segmentation(found)}
    if not found.stages:
        return document
    stages = [
        {
            "name": stage.name, "customers": stage.customers, "segments": [stage.first + i for i in range(stage.k)],
            "why": stage.why, "found": None if (alone := study_of(study, stage)) is None
            else _segmentation(alone.segmentation),
        }
        for stage in found.stages
    ]  # fmt: skip
    return {**document, "stage_feature": found.stage_feature, "stages": stages}


def _segmentation(s: Segmentation) -> dict[str, Any]:
    return {
        "algorithm": s.algorithm,
        "k": s.k,
        "k_silhouette": s.k_silhouette,
        "verdict": s.verdict,
        "reasons": list(s.reasons),
        "k_fixed": s.k_fixed,
        "protocol": s.protocol,
        "min_size": s.min_size,
        "seed": s.seed,
        "gate": None if s.gate is None else dict(s.gate),
        "candidates": [{name: getattr(c, name) for name in COLUMNS} for c in s.candidates],
        "stability": [estimate_document(estimate) for estimate in s.stability],
        "lineage": [dict(step) for step in s.lineage],
        "sensitivity": [{"contribution_moved_share": None, **row} for row in s.sensitivity],
        "notices": [notice_document(notice) for notice in s.notices],
        **_record(s),
    }


def _record(s: Segmentation) -> dict[str, Any]:
    """Step 8 of the protocol: what decided beside the table of k, and by which bounds."""
    more = (
        "silhouette_se", "null_low", "null_high", "ari_quartiles", "jaccard", "sizes", "agreement", "natural_groups",
        "borders_untested", "gap", "gap_error", "prediction_strength", "mixture_bic", "mixture_icl", "mixture_ari",
    )  # fmt: skip
    bounds = asdict(replace(THRESHOLDS, p_value={}))
    return {
        "evidence": [{"algorithm": c.algorithm, "k": c.k} | {n: getattr(c, n) for n in more} for c in s.candidates],
        "own_k": dict(s.own_k),
        "guard": s.guard,
        "borders": [asdict(border) for border in s.borders],
        "natural_groups": s.natural_groups,
        "partly_natural": s.partly_natural,
        "k_advised": s.k_advised,
        "shape_banner": s.shape_banner,
        "depends_on_preparation": s.depends_on_preparation,
        "verdict_as_prepared": s.verdict_as_prepared,
        "unusual": s.unusual,
        "unusual_distance": s.unusual_distance,
        "thresholds": {**bounds, "p_value": dict(THRESHOLDS.p_value)},
    }


def features_document(study: Study) -> dict[str, Any]:
    """The feature dictionary."""
    return {
        "schema_version": SCHEMA_VERSION,
        "features": [
            {
                "name": e.feature.name, "label": e.feature.label, "family": e.feature.family, "words": e.feature.words,
                "unit": e.feature.unit, "role": e.role, "transform": e.transform, "missing_share": e.missing_share,
                "share_of_distance": e.share_of_distance, "derived_from": list(e.feature.derived_from), "note": e.note,
            }
            for e in study.dictionary
        ],
    }  # fmt: skip


def audit_document(study: Study) -> dict[str, Any]:
    """What was read, used and set aside; amounts as exact decimal text."""
    return {
        "schema_version": SCHEMA_VERSION,
        "control_totals": [
            {
                "table": line.table, "step": line.step, "label": line.label, "rows": line.rows, "amount": line.amount,
                "customers": line.customers,
            }
            for line in study.audit.lines
        ],
        "interpretation": [dict(source) for source in study.audit.interpretation],
        "notices": [notice_document(notice) for notice in study.audit.notices],
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """What JSON knows: dates as ISO text, numpy scalars as numbers, what is not finite as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if isinstance(value, date):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return str(value)
