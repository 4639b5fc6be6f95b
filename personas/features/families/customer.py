"""What the customers file says of a person or a company, and the columns that a shop gives as features of its own."""

from __future__ import annotations

from personas.engines.portable import quoted
from personas.features.feature import FamilyContext, Feature, FeatureFamily


def given(context: FamilyContext, family: str) -> tuple[Feature, ...]:
    """The shop's own columns that the configuration puts into this family, as they stand."""
    return tuple(
        Feature(
            column.name,
            _as_it_stands(quoted(column.name), column.kind),
            "customers",
            "category" if column.kind in ("category", "flag") else column.unit,
            column.label,
            f"the column {column.name} of the customers as it stands",
            family,
            (column.name,),
            None,
            "category" if column.kind == "flag" else column.kind,
            column.role,
        )
        for column in context.tables.given
        if column.family == family
    )


def _as_it_stands(column: str, kind: str) -> str:
    """A flag becomes yes or no, so that a rare one is weighed like a category and not blown up."""
    if kind == "flag":
        return f"CASE WHEN {column} THEN 'yes' WHEN NOT {column} THEN 'no' END"
    return f"CAST({column} AS VARCHAR)" if kind == "category" else column


def _recorded(family: str, name: str, label: str, words: str | None = None) -> Feature:
    """A category of the customers file that describes and does not form segments unless asked to."""
    return Feature(
        name, name, "customers", "category", label, words or f"{label} as recorded", family, (name,), None, "category",
        "profile",
    )  # fmt: skip


def demographics(context: FamilyContext) -> tuple[Feature, ...]:
    """Age, gender, household: they describe; several of them are protected."""
    has_age = context.tables.customers.has("age")
    year = context.snapshot_date.year
    return (
        Feature(
            "age", "age" if has_age else f"{year} - birth_year", "customers", "years", "age",
            "age as recorded" if has_age else f"{year} less the year of birth",
            "demographics", ("age" if has_age else "birth_year",), None, "number", "profile",
        ),
        _recorded("demographics", "age_band", "age band"),
        _recorded("demographics", "gender", "gender"),
        _recorded("demographics", "marital_status", "marital status"),
        _recorded("demographics", "household_size", "people in the household"),
        _recorded("demographics", "income_band", "income band"),
        _recorded("demographics", "education", "education"),
        _recorded("demographics", "home_owner", "home", "owns or rents the home, as recorded"),
        *given(context, "demographics"),
    )  # fmt: skip


def geography(context: FamilyContext) -> tuple[Feature, ...]:
    """Where the customer lives."""
    return (
        _recorded("geography", "country", "country"),
        _recorded("geography", "region", "region"),
        _recorded("geography", "area_type", "area"),
        *given(context, "geography"),
    )


def psychographics(context: FamilyContext) -> tuple[Feature, ...]:
    """Attitudes and answers: only what the shop gives."""
    return given(context, "psychographics")


def firmographics(context: FamilyContext) -> tuple[Feature, ...]:
    """What kind of company the customer is."""
    return (
        _recorded("firmographics", "account_type", "account"),
        _recorded("firmographics", "industry", "industry"),
        Feature(
            "employees", "employees", "customers", "people", "employees", "employees as recorded",
            "firmographics", ("employees",), None, "count", "profile",
        ),
        *given(context, "firmographics"),
    )  # fmt: skip


DEMOGRAPHICS = FeatureFamily("demographics", "Who they are", "who", demographics)
GEOGRAPHY = FeatureFamily("geography", "Where they live", "where", geography)
PSYCHOGRAPHICS = FeatureFamily("psychographics", "What they think", "why", psychographics)
FIRMOGRAPHICS = FeatureFamily("firmographics", "What kind of company they are", "who", firmographics)
