"""JSON Schemas (draft 2020-12) of ``personas.json`` and ``segmentation.json``; further keys pass."""

from __future__ import annotations

from typing import Any

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT, _NUMBER, _COUNT = {"type": "string"}, {"type": "number"}, {"type": "integer", "minimum": 0}
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def _list(items: dict[str, Any], least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


ESTIMATE: dict[str, Any] = _object(
    {"value": _NUMBER, "low": _NUMBER, "high": _NUMBER, "unit": _TEXT, "n": _COUNT, "basis": _TEXT}
)
_KNOWN, _NOTICE = {"$ref": "#/$defs/estimate"}, {"$ref": "#/$defs/notice"}
_MAYBE = _or_null(_KNOWN)
_DEFINITIONS = {"estimate": ESTIMATE, "notice": _object({"code": _TEXT, "text": _TEXT, "count": _COUNT})}
VERDICT = {"enum": ["natural", "reproducible", "constructive", "none"]}
_EVIDENCE = _object(
    {"feature": _TEXT, "statistic": _TEXT, "segment": _KNOWN, "everyone": _MAYBE, "effect": _or_null(_NUMBER)}
)
_STATEMENT = _object(
    {
        "id": _TEXT,
        "text": _TEXT,
        "claim": {"enum": ["definition", "association", "prediction", "scenario"]},
        "evidence": _or_null(_EVIDENCE),
    },
    {
        "further_evidence": _list(_EVIDENCE),
        "kind": {"enum": ["measured", "inferred", "assumed"]},
        "block": _TEXT,
        "drawn": {"type": "boolean"},
    },
)
_ACTION = _object(
    {name: _TEXT for name in ("title", "channel", "message", "offer", "cadence", "trigger", "expected", "do_not")}
)
_MONEY = (
    "revenue", "gross_margin", "service_cost", "marketing_cost", "contribution", "roi", "lifetime_value", "break_even",
    "total_revenue", "total_contribution",
)  # fmt: skip
_PERSONA = _object(
    {
        "id": {"type": "string", "minLength": 1},
        "segment": _COUNT,
        "name": _TEXT,
        "tagline": _TEXT,
        "age": _MAYBE,
        "gender": _or_null(_TEXT),
        "size": _object({name: _MAYBE for name in ("customers", "share", "revenue_share", "contribution_share")}),
        "archetype": _object({"name": _or_null(_TEXT), "scores": {"type": "object", "additionalProperties": _NUMBER}}),
        "rfm": {"type": "object", "additionalProperties": _SHARE},
        "story": _TEXT,
        "statements": _list(_STATEMENT),
        "economics": _object({name: _MAYBE for name in _MONEY}, {"level": _TEXT}),
        "actions": _list(_ACTION),
        "rule": _or_null(_object({"text": _TEXT, "sql": _TEXT, "fidelity": _KNOWN})),
        "trust": _object(
            {
                "stability": _MAYBE,
                "stability_word": _TEXT,
                "core_share": _or_null(_SHARE),
                "prevalence": _object({name: _or_null(_SHARE) for name in ("of_segment", "of_customers")}),
            }
        ),
        "notices": _list(_NOTICE),
    }
)


def personas_schema() -> dict[str, Any]:
    """The schema of ``personas.json`` (contract, section 4)."""
    study = _object(
        {
            "name": _TEXT,
            "snapshot_date": {"type": "string", "format": "date"},
            "window_days": {"type": "integer", "minimum": 1},
            "currency": _TEXT,
            "customers": _COUNT,
            "verdict": VERDICT,
            "k": _COUNT,
            "seed": _COUNT,
            "language": _TEXT,
        }
    )
    version = {"const": "1.0"}
    body = _object(
        {"schema_version": version, "study": study, "personas": _list(_PERSONA)}, {"notices": _list(_NOTICE)}
    )
    return {"$schema": _DRAFT, "title": "personas.json", **body, "$defs": _DEFINITIONS}


def segmentation_schema() -> dict[str, Any]:
    """The schema of ``segmentation.json`` (contract, section 5)."""
    number = _or_null(_NUMBER)
    candidate = _object(
        {
            "algorithm": _TEXT, "k": {"type": "integer", "minimum": 1}, "silhouette": _NUMBER,
            "silhouette_error": _NUMBER, "silhouette_squared": _NUMBER, "calinski_harabasz": number,
            "davies_bouldin": number, "inertia": number,
            "bic": number, "icl": number, "null_mean": number, "excess": number, "ari_median": number,
            "jaccard_min": number, "smallest_share": _SHARE, "borders_tested": _or_null(_COUNT),
            "borders_gap": _or_null(_COUNT),
        }
    )  # fmt: skip
    origin = _object({"segment": _COUNT, "share": _SHARE})
    choice = _object(
        {"choice": _TEXT, "ari": number, "customers_moved_share": number, "contribution_moved_share": number},
        {"customers_moved_error": _NUMBER},
    )
    gate = _object({"p_value": number, "excess": number, "null": _TEXT, "draws": _or_null(_COUNT)})
    body = _object(
        {
            "schema_version": {"const": "1.0"},
            "algorithm": _TEXT,
            "k": _COUNT,
            "k_silhouette": _COUNT,
            "verdict": VERDICT,
            "reasons": _list(_TEXT),
            "gate": _or_null(gate),
            "candidates": _list(candidate),
            "lineage": _list(_object({"k": _COUNT, "segment": _COUNT, "from": _list(origin)})),
            "sensitivity": _list(choice),
        }
    )
    return {"$schema": _DRAFT, "title": "segmentation.json", **body, "$defs": _DEFINITIONS}
