"""Which measured facts stand on a card and on the sheet, and how one of them is shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from personas.estimate import Estimate
from personas.features.feature import Feature
from personas.narrative.formatting import currency_of, interval, show
from personas.profiles.records import Fact, Profile, Profiles
from personas.render.text import first_upper, short

DOES = ("purchase", "channel", "product", "loyalty")
_MOST = {"purchase": 4, "channel": 2, "product": 2, "loyalty": 2}
_MOST_ROWS = 8
_BEHAVIOUR = ("orders", "order_lines")
_OWN_BLOCK = (*DOES, "service", "influence")
"""Families whose forming features stand in a block already."""
_WITH_MEDIAN = frozenset({"days", "people", "years"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A feature that has a row: its label and the figure that fills a bar."""

    feature: Feature
    label: str
    scale: float
    level: str | None = None
    """Of a category: the level whose share is shown."""

    def of(self, profile: Profile) -> Estimate | None:
        """The figure of a group."""
        fact = profile.facts.get(self.feature.name)
        if fact is None or self.level is None:
            return typical(fact)
        return dict(fact.levels).get(self.level)


def typical(fact: Fact | None) -> Estimate | None:
    """The figure that stands for a group: the median of days, years and people (they are skewed), else the mean."""
    if fact is None:
        return None
    if fact.feature.unit in _WITH_MEDIAN:
        return fact.median or fact.mean
    return fact.mean or fact.median


def ends_of(estimate: Estimate, locale: str) -> str:
    """The interval; exact only where it was counted, because an interval may have two equal ends."""
    return interval(estimate, locale) or ("exact" if estimate.basis == "exact" else "both ends alike")


def label_of(feature: Feature, median: bool = False) -> str:
    """The label as a row head: a capital first, "median" where it is one."""
    text = first_upper(short(feature.label))
    return f"{text}, median" if median and feature.unit in _WITH_MEDIAN else text


def does_rows(profiles: Profiles, own: Profile | None = None) -> tuple[Shown, ...]:
    """What personas do, at most eight rows in the order of their families; without orders what the shop gave instead.

    Rhythm and size of orders come first, then forming features before describing ones, then those that tell
    segments apart best (largest Cliff's delta of any segment); ties go by name. With ``own`` the product rows are those
    that this segment buys more than others, so that a card names its own categories.
    """
    chosen: list[Feature] = []
    ordered = any(fact.feature.table in _BEHAVIOUR for fact in profiles.everyone.facts.values())
    for family in DOES:
        features = [f for f in _measured(profiles) if f.family == family and not _about_money(f)]
        of_one = own is not None and family == "product"
        features.sort(key=lambda f: _product_key(profiles, own, f) if own and of_one else _does_key(profiles, f))
        chosen.extend(features[: _MOST[family]] if ordered else features)
    chosen = chosen[:_MOST_ROWS] if ordered else sorted(chosen, key=lambda f: _does_key(profiles, f))
    given = [f for f in _described(profiles) if f.role == "basis" and f.family not in _OWN_BLOCK and f not in chosen]
    given.sort(key=lambda f: _does_key(profiles, f))
    rest = [f for f in _described(profiles) if not ordered and f not in chosen and f not in given and _tells(f)]
    rest.sort(key=lambda f: _does_key(profiles, f))
    rows = [row for f in (*given, *chosen, *rest) for row in _rows_of(profiles, f)]
    forming = [row for row in rows if row.feature.role == "basis"]
    return tuple([*forming, *(row for row in rows if row not in forming)][:_MOST_ROWS] if not ordered else rows)


def _does_key(profiles: Profiles, feature: Feature) -> tuple[object, ...]:
    first = 0 if feature.unit == "orders/year" else 1 if feature.unit.endswith("/order") else 2
    return (first, feature.role != "basis", -_reach_of_effect(profiles, feature.name), feature.name)


def _product_key(profiles: Profiles, own: Profile, feature: Feature) -> tuple[object, ...]:
    fact = own.facts.get(feature.name)
    effect = fact.effect.value if fact and fact.effect else -1.0
    return (feature.unit != "share", -effect, -_reach_of_effect(profiles, feature.name), feature.name)


def _about_money(feature: Feature) -> bool:
    """Money a year and margins have their own block."""
    return "margin" in feature.name or (currency_of(feature.unit) is not None and feature.unit.endswith("/year"))


def family_rows(profiles: Profiles, family: str, most: int) -> tuple[Shown, ...]:
    """The features of one family that tell segments apart best."""
    own = [f for f in _measured(profiles) if f.family == family]
    own.sort(key=lambda f: (-_reach_of_effect(profiles, f.name), f.name))
    return tuple(_shown(profiles, feature) for feature in own[:most])


def effort_row(profiles: Profiles) -> Shown | None:
    """The service effort score, if the shop has one."""
    own = [f for f in _measured(profiles) if f.family == "service" and f.unit.startswith("score")]
    return _shown(profiles, own[0]) if own else None


def _measured(profiles: Profiles) -> list[Feature]:
    everyone = profiles.everyone.facts
    return [everyone[name].feature for name in sorted(everyone) if typical(everyone[name]) is not None]


def _described(profiles: Profiles) -> list[Feature]:
    """Numbers and categories that anybody has a value of."""
    everyone = profiles.everyone.facts
    return [everyone[name].feature for name in sorted(everyone) if typical(everyone[name]) or everyone[name].levels]


def _tells(feature: Feature) -> bool:
    """Whether a describing feature is worth a row: age and gender stand at the head of the card."""
    return feature.name not in ("age", "gender") and feature.family not in ("service", "influence")


def _rows_of(profiles: Profiles, feature: Feature) -> list[Shown]:
    """One row for a number; for a category the level, or the two, whose shares differ most between segments."""
    levels = [level for level, _ in profiles.everyone.facts[feature.name].levels]
    if not levels:
        return [_shown(profiles, feature)]
    yes = [level for level in levels if level.strip().lower() == "yes"]
    label = label_of(feature)
    if len(levels) == 2 and yes:
        return [Shown(feature, label, 1.0, yes[0])]
    shares = {level: [dict(p.facts[feature.name].levels).get(level) for p in profiles.segments] for level in levels}
    spread = {level: _range([e.value for e in found if e]) for level, found in shares.items()}
    widest = sorted(levels, key=lambda level: (-round(spread[level], 6), level))[:2]
    return [Shown(feature, f"{label}: {short(level)}", 1.0, level) for level in widest]


def _range(values: Sequence[float]) -> float:
    return max(values) - min(values) if values else 0.0


def _reach_of_effect(profiles: Profiles, name: str) -> float:
    effects = [abs(fact.effect.value) for p in profiles.segments if (fact := p.facts.get(name)) and fact.effect]
    if effects:
        return max(effects)
    whole = typical(profiles.everyone.facts[name])
    values = [e.value for p in profiles.segments if (e := typical(p.facts.get(name)))]
    if whole is None or not values or whole.value == 0:
        return 0.0
    return min(0.99, max(abs(math.log((abs(v) + 1e-9) / abs(whole.value))) for v in values) / 5)


def _shown(profiles: Profiles, feature: Feature) -> Shown:
    values = [e.value for p in (profiles.everyone, *profiles.segments) if (e := typical(p.facts.get(feature.name)))]
    scale = (
        1.0
        if feature.unit == "share"
        else _end_of_scale(feature.unit)
        if feature.unit.startswith("score")
        else max(map(abs, values), default=1)
    )
    label = label_of(feature, median=True)
    if feature.unit.startswith("score "):
        label += f", {feature.unit.removeprefix('score ').replace('-', ' to ')}"
    elif feature.table == "customers" and _adds_a_unit(feature):
        label += f", {short(feature.unit)}"
    return Shown(feature, label, float(scale) or 1.0)


def _end_of_scale(unit: str) -> float:
    """The 100 of "score 1-100"; 10 where the unit names no end."""
    end = unit.rpartition("-")[2]
    return float(end) if end.isdigit() else 10.0


def _adds_a_unit(feature: Feature) -> bool:
    """Whether the unit of a given column says what neither the label nor the figure does."""
    silent = feature.unit in ("", "share", "category", "number") or currency_of(feature.unit) is not None
    return not silent and feature.unit not in feature.label


def fact_value(profile: Profile, name: str, unknown: str = "unknown", locale: str = "en") -> str:
    """A fact of a group as text."""
    return show(typical(profile.facts.get(name)), locale, unknown)


def far(value: Estimate | None, everyone: Estimate | None) -> bool:
    """Whether a figure is more than 1.5 times, or less than two thirds, of all customers'."""
    if value is None or everyone is None or everyone.value == 0:
        return False
    ratio = value.value / everyone.value
    return ratio > 1.5 or ratio < 2 / 3


def feature_labels(profiles: Profiles, dictionary: Sequence[tuple[str, str]] = ()) -> dict[str, str]:
    """Row heads by name: features as they are labelled, figures of the profile in words."""
    named = {
        "share": "Share of customers", "customers": "Customers", "revenue": "Revenue a year",
        "gross_margin": "Gross margin a year", "service_cost": "Cost of service a year",
        "return_cost": "Cost of returns a year", "marketing_cost": "Cost of marketing a year",
        "contribution": "Contribution a year", "roi": "Return per 1 of service and marketing",
        "lifetime_value": "Lifetime value", "break_even": "Break-even", "revenue_share": "Share of revenue",
        "contribution_share": "Share of contribution", "total_revenue": "Revenue, all together",
        "total_contribution": "Contribution, all together", "losing_share": "Cost more than they bring",
        "acquisition_cost": "Cost of winning new ones a year", "after_acquisition": "Contribution after winning them",
    }  # fmt: skip
    named.update({name: first_upper(short(label)) for name, label in dictionary})
    named.update({name: label_of(fact.feature) for name, fact in profiles.everyone.facts.items()})
    return named
