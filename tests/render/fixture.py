# ruff: noqa: E501 - tables of invented figures read best in one line
"""The study of "Lantern & Loom", a fictional shop with six invented personas, built by hand: nothing is computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa

from personas.estimate import Assumption, Estimate, Notice, exact
from personas.features.coding import Coding
from personas.features.feature import Feature
from personas.narrative.persona import Action, Evidence, Persona, Statement
from personas.profiles.money_records import Claim
from personas.profiles.records import Economics, Fact, Profile, Profiles, Rule
from personas.segmentation.records import Candidate, Segmentation
from personas.sources.canonical import Audit, AuditLine
from personas.study import About, FeatureEntry, Study

NAMES = ("Joe", "Margaret", "Sarah", "Lucia", "Derek", "Victor")
AGES = (37, 58, 19, 33, 41, 46)
SIZES = (1498, 2246, 2621, 2996, 2371, 748)
TOTAL = 12480
MINUTES = tuple(exact(cost, "USD/minute", 0) for cost in (0.8, 0.6, 1))
TAGLINES = (
    "A few large purchases a year, for an occasion, in the store", "Every few weeks, a little, and rarely back",
    "One small parcel a month, and 3,000 people listening", "One order, and then silence", "Waits for the sale, then fills the basket",
    "Orders five sizes and sends four of them back",
)  # fmt: skip
PLACES = (
    "Hill Park, the better part of town",
    "The old town",
    "Northbank, the student quarter",
    "Southfield",
    "Mill End",
    None,
)
STABILITY = (0.96, 0.87, 0.94, 0.74, 0.81, 0.90)
WORDS = ("very stable", "very stable", "very stable", "a pattern, not yet stable", "stable", "very stable")
MONTHS = (
    (0.03, 0.05, 0.03, 0.04, 0.20, 0.04, 0.03, 0.03, 0.04, 0.05, 0.18, 0.28),
    *([tuple([1 / 12] * 12)] * 2),
    (0.06, 0.06, 0.07, 0.07, 0.08, 0.08, 0.07, 0.07, 0.08, 0.09, 0.13, 0.14),
    (0.14, 0.06, 0.05, 0.05, 0.06, 0.06, 0.14, 0.05, 0.06, 0.06, 0.20, 0.07),
    tuple([1 / 12] * 12),
)

# name, label, unit, family, role, everyone, per persona
FEATURES = (
    ("orders_per_year", "orders a year", "orders/year", "purchase", "basis", 6.3, (3.8, 9.6, 11.4, 1.3, 5.2, 7.1)),
    ("average_order", "average order", "USD/order", "purchase", "basis", 67, (310, 74, 27, 58, 48, 58)),
    ("occasion_share", "orders before a holiday", "share", "purchase", "basis", 0.26, (0.71, 0.16, 0.11, 0.29, 0.24, 0.13)),
    ("recency_days", "days since the last order", "days", "purchase", "basis", 58, (71, 20, 16, 190, 44, 30)),
    ("online_share", "orders placed online", "share", "channel", "basis", 0.643, (0.11, 0.46, 0.97, 0.64, 0.72, 0.88)),
    ("discount_share", "orders at a discount", "share", "loyalty", "basis", 0.349, (0.08, 0.15, 0.22, 0.35, 0.86, 0.31)),
    ("stationery_share", "spend on stationery and prints", "share", "product", "profile", 0.17, (0.05, 0.14, 0.38, 0.2, 0.1, 0.08)),
    ("returned_share", "orders sent back", "share", "service", "basis", 0.08, (0.05, 0.03, 0.04, 0.07, 0.09, 0.44)),
    ("service_effort", "service effort", "score 1-10", "service", "basis", 3.14, (6.1, 3.2, 1.8, 1.6, 2.9, 8.7)),
    ("followers", "followers", "people", "influence", "basis", 220, (None, 180, 3000, 310, 95, 240)),
    ("mentions_per_year", "mentions of the shop a year", "mentions/year", "influence", "basis", 1.2, (0, 0.6, 4.2, 0.3, 0.2, 0.9)),
    ("age", "age", "years", "demographics", "profile", 38, AGES),
    ("mail_opened_share", "mail opened", "share", "channel", "profile", 0.24, (0.04, 0.47, 0.22, 0.2, 0.28, 0.12)),
)  # fmt: skip
TITLES = {
    "purchase": "Purchase rhythm and size", "channel": "Channel", "loyalty": "Price and loyalty", "product": "Product",
    "service": "Service", "influence": "Influence", "demographics": "Who they are",
}  # fmt: skip
MONEY = {  # per customer and year: revenue, gross margin, service, marketing, contribution
    "everyone": (424, 165, 35, 21, 108), "Joe": (1178, 542, 88, 26, 428), "Margaret": (710, 285, 25, 24, 236),
    "Sarah": (308, 117, 9, 22, 86), "Lucia": (75, 34, 6, 22, 6), "Derek": (250, 50, 27, 20, 3), "Victor": (410, 160, 236, 21, -97),
}  # fmt: skip
TOTALS = {
    "everyone": (5_290_702, 1_350_000), "Joe": (1_764_644, 641_144), "Margaret": (1_594_660, 530_056),
    "Sarah": (807_268, 225_406), "Lucia": (224_700, 17_976), "Derek": (592_750, 7_113), "Victor": (306_680, -72_556),
}  # fmt: skip


def about_estimate(value: float, unit: str, n: int = 1000, spread: float = 0.03) -> Estimate:
    """An estimate with an interval of 3% to each side."""
    half = abs(value) * spread
    return Estimate(value, value - half, value + half, unit, n, "bootstrap-t, 95%")


def feature(row: tuple) -> Feature:
    name, label, unit, family, role, *_ = row
    return Feature(
        name, "count(*)", "orders", unit, label, f"{label}, from the orders of the window", family, role=role
    )


def fact(row: tuple, value: float | None, n: int, effect: float | None) -> Fact:
    made = feature(row)
    if value is None:
        return Fact(made, exact(0, "share", n))
    estimate = about_estimate(value, made.unit, n)
    return Fact(
        made, about_estimate(0.74 if made.name == "followers" else 1.0, "share", n, 0), estimate, estimate, 0.63 * value, 1.6 * value,
        effect=None if effect is None else Estimate(effect, effect - 0.05, effect + 0.05, "effect", n, "bootstrap"),
    )  # fmt: skip


def economics(name: str, costs: bool) -> Economics:
    revenue, margin, service, marketing, contribution = MONEY[name]
    total, earned = TOTALS[name]
    known = Economics(
        "gross margin", about_estimate(revenue, "USD/year"), about_estimate(margin, "USD/year"),
        total_revenue=exact(total, "USD", 100),
    )  # fmt: skip
    if not costs:
        return known
    return replace(
        known, level="contribution", service_cost=about_estimate(service, "USD/year"),
        marketing_cost=about_estimate(marketing, "USD/year"), contribution=about_estimate(contribution, "USD/year"),
        roi=about_estimate(contribution / (service + marketing), "ratio", spread=0.14),
        lifetime_value=about_estimate(2 * contribution, "USD", spread=0.19), total_contribution=exact(earned, "USD", 100),
        losing_share=about_estimate(0.79 if contribution < 0 else 0.05, "share"),
    )  # fmt: skip


def profile(place: int, costs: bool) -> Profile:
    name, n = NAMES[place], SIZES[place]
    facts = {}
    for row in FEATURES:
        value, everyone = row[6][place], row[5]
        effect = None if value is None else max(-0.99, min(0.99, float(np.log((value + 0.01) / (everyone + 0.01))) / 3))
        facts[row[0]] = fact(row, value, n, effect)
    share = n / TOTAL
    return Profile(
        place, exact(n, "customers", n), Estimate(share, share - 0.007, share + 0.007, "share", n, "normal, 95%"), facts,
        economics(name, costs), about_estimate(TOTALS[name][0] / TOTALS["everyone"][0], "share"),
        about_estimate(TOTALS[name][1] / TOTALS["everyone"][1], "share") if costs else None,
        months=MONTHS[place], archetype="loyal", stability=stability(place), core_share=0.83, rule=rule(place),
        claims={
            row[0]: Claim(row[0], None, about_estimate(effect.value, "delta"), 0.01)
            for row in FEATURES if row[4] == "profile" and (effect := facts[row[0]].effect)
        },
    )  # fmt: skip


def stability(place: int) -> Estimate:
    value = STABILITY[place]
    return Estimate(value, value - 0.03, min(1.0, value + 0.03), "share", 100, "bootstrap, 95%")


def rule(place: int) -> Rule:
    return Rule(
        (("orders_per_year", ">=", 8.0), ("online_share", ">=", 0.9)), "at least 8 orders a year, at least 90% of them online",
        "orders_per_year >= 8 AND online_share >= 0.9", SIZES[place] - 87, 0.91, 0.88, exact(0.9, "share", TOTAL),
    )  # fmt: skip


def persona(place: int, made: Profile, everyone: Profile) -> Persona:
    name = NAMES[place]
    orders, order, mentions = (FEATURES[i][6][place] for i in (0, 1, 10))
    texts = (
        f"{name} orders {orders:g} times a year, ${order} at a time.",
        "The tension: to the order book the orders are small; to others they are how the shop becomes known.",
        "Some of them may buy more often; nobody has counted yet.",
    )
    statements = (
        Statement("s1", texts[0], "definition", (
            Evidence("orders_per_year", "mean", made.facts["orders_per_year"].mean, everyone.facts["orders_per_year"].mean),
            Evidence("average_order", "mean", made.facts["average_order"].mean, everyone.facts["average_order"].mean,
                     others=(about_estimate(1717 + place, "days"),)),
        )),
        Statement("s2", texts[1], "association", (
            Evidence("mentions_per_year", "mean", about_estimate(mentions, "mentions/year"), exact(1.2, "mentions/year", 9), 0.48),
        ), "inferred"),
        Statement("s3", texts[2], "scenario", (), "assumed"),
        Statement("s4", f"Spends {made.facts['stationery_share'].mean.value:.0%} on stationery and prints.", "association", (
            Evidence("stationery_share", "mean", made.facts["stationery_share"].mean, everyone.facts["stationery_share"].mean, 0.71),
        ), block="does"),
    )  # fmt: skip
    return Persona(
        f"{name.lower()}-7c1e", place, name, TAGLINES[place], about_estimate(AGES[place], "years"), (AGES[place] - 3.0, AGES[place] + 4.0),
        None, PLACES[place],
        {
            "customers": made.customers, "share": made.share, "revenue_share": made.revenue_share,
            "contribution_share": made.contribution_share,
        },
        "loyal", {"loyal": 0.6, "impulse": 0.2, "bargain_hunter": 0.1, "wandering": 0.05, "need_based": 0.05}, {"champions": 0.4},
        " ".join(texts), statements, made.economics, actions(place), rule(place), stability(place), WORDS[place], 0.83,
        {"of_segment": 0.46, "of_customers": 0.101}, ("Where did you first see us? Ask at checkout.",),
        (Notice("unknown-followers", "Followers are unknown for 26%", 300),), MONTHS[place],
        {
            "online_share": made.facts["online_share"].mean, "average_order": made.facts["average_order"].mean,
            "reach": made.facts["followers"].median,
        },
    )  # fmt: skip


def actions(place: int) -> tuple[Action, ...]:
    return (
        Action(f"a{place}", f"A note for {NAMES[place]} when something new arrives", "e-mail", "three pictures, one line each",
               "free delivery from $35", "at most once a month", "20 days after an order",
               "+$9 a year each (+$1 to +$17) if it adds 1 order; breaks even at 11 extra orders per 100", "send percent-off: 78% of the orders are at full price"),
        Action(f"b{place}", "A card in the parcel that asks to be shown", "parcel insert", "the artist's name and a code", "the friend gets free delivery",
               "every third parcel", "a parcel leaves", "unknown until codes come back", ""),
    )  # fmt: skip


@dataclass(frozen=True)
class HandMade:
    """A fitted model that nobody asks anything."""

    algorithm: str = "kmeans"
    k: int = 6


def candidates() -> tuple[Candidate, ...]:
    rows = (  # k, silhouette, null mean, CH, DB, BIC, ARI, weakest, gaps, borders
        (2, 0.312, 0.246, 5214, 1.38, 412_600, 0.97, 0.93, 1, 1), (3, 0.296, 0.226, 4630, 1.31, 405_100, 0.81, 0.79, 2, 3),
        (4, 0.301, 0.217, 4402, 1.27, 399_800, 0.74, 0.71, 3, 4), (5, 0.327, 0.211, 4518, 1.16, 393_700, 0.88, 0.80, 5, 7),
        (6, 0.352, 0.207, 4611, 1.04, 388_900, 0.93, 0.74, 7, 9), (7, 0.337, 0.203, 4288, 1.07, 388_100, 0.84, 0.66, 7, 11),
        (8, 0.308, 0.200, 3940, 1.15, 388_600, 0.66, 0.52, 6, 13),
    )  # fmt: skip
    made = []
    for k, s, null, ch, db, bic, ari, weakest, gaps, borders in rows:
        sizes = SIZES if k == 6 else tuple([TOTAL // k] * (k - 1) + [TOTAL - TOTAL // k * (k - 1)])
        jaccard = STABILITY if k == 6 else tuple([weakest, *([min(1.0, weakest + 0.1)] * (k - 1))])
        values = tuple(float(v) for v in np.linspace(max(0, ari - 0.12), min(1, ari + 0.06), 40))
        made.append(
            Candidate("kmeans", k, s, 0.012, s + 0.1, sizes, 1e5 / k, ch, db, bic, None, null, null - 0.02, null + 0.019, s - null,
                      ari, (ari - 0.05, min(1, ari + 0.03)), values, jaccard, borders_tested=borders, borders_gap=gaps)
        )  # fmt: skip
    return tuple(made)


def lineage() -> tuple[dict, ...]:
    """Segment 0 of each k gives the new one; half of it stays."""
    steps = []
    for k in range(3, 8):
        for segment in range(k):
            parents = (
                [{"segment": segment, "share": 0.9}, {"segment": 0, "share": 0.1}]
                if 0 < segment < k - 1
                else [{"segment": 0, "share": 1.0}]
            )
            steps.append({"k": k, "segment": segment, "from": parents, "stability": 1.0})
    return tuple(steps)


def segmentation(verdict: str) -> Segmentation:
    # 600 dots on six circles, drawn by a seed: a picture, nothing more
    random = np.random.default_rng(7)
    labels = np.repeat(np.arange(6, dtype=np.int32), 100)
    centres = np.array([(0, 0), (5, 1), (9, 0), (2, 5), (7, 5), (11, 4)], dtype=float)
    points = centres[labels] + random.normal(0, 0.7, (600, 2))
    return Segmentation(
        "kmeans", 6, 6, verdict,
        ("Six beats structureless data (p = 0.01) and comes back (median agreement 0.93).",
         "It is not called natural, because two of nine borders are a slope rather than a gap."),
        labels, HandMade(), candidates(), np.full(600, 0.9), np.full(600, 0.8), tuple(stability(i) for i in range(6)), 250, 0, "full", False,
        gate={"p_value": 0.01, "excess": 0.145, "null": "unimodal-margin copula", "draws": 99},
        lineage=lineage(),
        sensitivity=({"choice": "Order sizes without logarithm", "ari": 0.72, "customers_moved_share": 0.141, "contribution_moved_share": 0.13},
                     {"choice": "Without influence", "ari": 0.86, "customers_moved_share": 0.061, "contribution_moved_share": None}),
        map_points=points, map_rows=np.arange(600), map_kind="umap",
    )  # fmt: skip


def audit() -> Audit:
    return Audit(
        (
            AuditLine("orders", "read", "Read", 81_940, "5512380.25", 13_114),
            AuditLine("orders", "test", "Test orders", 214, "11904.00", None),
            AuditLine("orders", "without-customer", "No customer", 3_058, "209774.00", None),
            AuditLine("orders", "used", "In the study", 78_668, "5290702.25", 12_480),
            AuditLine("tickets", "read", "Read", 9_000, None), AuditLine("tickets", "used", "In the study", 9_000, None),
        ),
        ({"source": "orders", "file": "orders.csv", "sha256": "ab" * 32, "encoding": "utf-8", "delimiter": "comma", "records": 81_940,
          "columns": {"customer_id": "Customer ID", "ordered_on": {"column": "Created at", "proof": "only day first parses"}}},),
        (Notice("orders-without-customer", "3,058 orders name no customer and were set aside", 3058),),
    )  # fmt: skip


def dictionary() -> tuple[FeatureEntry, ...]:
    forming = [row for row in FEATURES if row[4] == "basis"]
    return tuple(
        FeatureEntry(feature(row), row[4], "log(1 + x)" if row[4] == "basis" else "", 0.0, 1 / len(forming) if row[4] == "basis" else 0.0,
                     TITLES[row[3]])
        for row in FEATURES
    )  # fmt: skip


def lantern(costs: bool = True, verdict: str = "reproducible", reach: bool = True) -> Study:
    """The shop. ``costs`` False: service and marketing cost unknown. ``reach`` False: no influence features at all."""
    facts = {row[0]: fact(row, row[5], TOTAL, None) for row in FEATURES}
    everyone = Profile(
        -1, exact(TOTAL, "customers", TOTAL), exact(1, "share", TOTAL), facts, economics("everyone", costs), exact(1, "share", TOTAL),
        exact(1, "share", TOTAL) if costs else None,
    )  # fmt: skip
    segments = tuple(profile(place, costs) for place in range(6))
    if not reach:
        everyone, segments = without_reach(everyone), tuple(without_reach(p) for p in segments)
    assumptions = (Assumption("service minute", "{}; the ranges run from {} to {}", MINUTES),) if costs else ()
    profiles = Profiles(everyone, segments, "USD", (("one very large customer", 1, 88_410.0),), (), assumptions)
    personas = tuple(persona(place, made, everyone) for place, made in enumerate(segments)) if reach else tuple(
        replace(persona(place, profile(place, costs), everyone), figures={"online_share": None, "average_order": None, "reach": None}, months=None)
        for place in range(6)
    )  # fmt: skip
    about = About(
        "Lantern & Loom", "lantern-and-loom", date(2026, 11, 1), 365, "USD", TOTAL, 13_114, verdict, 6, 0, "en", "duckdb", "1.0",
    )  # fmt: skip
    table = pa.table(
        {"customer_id": ["c1"], "segment": [0], "persona": ["joe-7c1e"], "membership": [0.9], "confidence": [0.9]}
    )
    return Study(
        about, {}, audit(), dictionary(), Coding(()), segmentation(verdict), profiles, personas if verdict != "none" else (), table,
        (Notice("gender-partly-known", "Gender is recorded for 31%, so none is stated"),), (("orders", "ab" * 32),), {},
    )  # fmt: skip


def without_reach(made: Profile) -> Profile:
    return replace(made, facts={name: f for name, f in made.facts.items() if f.feature.family != "influence"})
