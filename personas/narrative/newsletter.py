"""The brief of a newsletter to one persona: angle, categories, offer, timing, and what not to send."""

from __future__ import annotations

from dataclasses import replace

from personas.estimate import exact
from personas.narrative.formatting import figure, percent
from personas.narrative.language import fill
from personas.narrative.persona import Action, Evidence, Newsletter
from personas.narrative.phrases import Speaker, quoted_if_odd
from personas.narrative.plans import Told
from personas.profiles.records import Profile

FULL_PRICE = 0.85
"""Share of orders at full price from which a discount would only lower the price (our choice)."""
MANY = 0.5
LARGE_CATEGORY = 0.15
PEAK = 1.5 / 12
"""Share of a year's orders from which a month stands out: half more than an even share."""


def newsletter(profile: Profile, actions: tuple[Action, ...], speaker: Speaker) -> Newsletter | None:
    """The brief from the figures of the profile and the message of its first action; None without either."""
    texts = speaker.language.newsletter
    if not texts or not actions:
        return None
    timing, silent = _timing(profile, speaker)
    offer, no_percent = _offer(profile, speaker)
    categories = _categories(profile, speaker)
    no_percent = no_percent and texts["percent_off"] not in actions[0].do_not.lower()  # once is enough
    do_not = (actions[0].do_not, texts["no_percent"] if no_percent else "", texts["no_monthly"] if silent else "")
    return Newsletter(
        angle=actions[0].message,
        categories="; ".join(told.text for told in categories),
        offer=offer.text or actions[0].offer,
        timing="; ".join(told.text for told in timing),
        do_not=" ".join(dict.fromkeys(text for text in do_not if text)),
        evidence={
            name: tuple(e for told in parts for e in told.evidence)
            for name, parts in (("categories", categories), ("offer", [offer]), ("timing", timing))
        },
    )


def _categories(profile: Profile, speaker: Speaker) -> list[Told]:
    """At most two categories of at least 15% of the money, the largest first; the whole range where there is none."""
    shares = [
        (fact.mean, fact.feature.label.rpartition(" on ")[2], name)
        for name, fact in profile.facts.items()
        if name.startswith("category_share_") and fact.mean and fact.mean.value > 0
    ]
    ranked = sorted(shares, key=lambda row: (-row[0].value, row[1]))
    large = [row for row in ranked if row[0].value >= LARGE_CATEGORY]
    text = speaker.language.newsletter["category" if large else "range"]
    return [
        Told(
            fill(text, {"name": quoted_if_odd(label), "v": percent(share.value)}), (Evidence(name, "mean", share),)
        )
        for share, label, name in (large[:2] or ranked[:1])
    ]


def _offer(profile: Profile, speaker: Speaker) -> tuple[Told, bool]:
    """What to offer where the share of discounted orders says it, and whether percent off is out of place."""
    discounted, texts = profile.mean_of("discount_share"), speaker.language.newsletter
    if discounted is None:
        return Told(""), False
    if discounted.value >= MANY:
        text = fill(texts["discounted"], {"v": percent(discounted.value)})
        return Told(text, (Evidence("discount_share", "mean", discounted),)), False
    if 1 - discounted.value >= FULL_PRICE:
        full = replace(discounted, value=1 - discounted.value, low=1 - discounted.high, high=1 - discounted.low)
        text = fill(texts["full_price"], {"v": percent(full.value)})
        return Told(text, (Evidence("full_price_share", "mean", full),)), True
    return Told(""), False


def _timing(profile: Profile, speaker: Speaker) -> tuple[list[Told], bool]:
    """When to send, and whether to be silent between the occasions."""
    texts, parts = speaker.language.newsletter, []
    occasion, fact = profile.mean_of("occasion_share"), profile.facts.get("gap_days")
    silent = occasion is not None and occasion.value >= MANY
    if silent and occasion is not None:
        text = fill(texts["occasion"], {"v": percent(occasion.value)})
        parts.append(Told(text, (Evidence("occasion_share", "mean", occasion),)))
    elif fact is not None and fact.median is not None and fact.known.value >= MANY:
        text = fill(texts["rhythm"], {"v": figure(fact.median.value, fact.median.unit)})
        parts.append(Told(text, (Evidence("gap_days", "median", fact.median),)))
    months = profile.months or ()
    if months and speaker.language.months and max(months) >= PEAK:
        best = max(range(12), key=lambda month: (months[month], -month))
        share = exact(months[best], "share", profile.customers.n)
        text = fill(texts["peak"], {"month": speaker.language.months[best], "v": percent(share.value)})
        parts.append(Told(text, (Evidence(f"month_{best + 1}", "share", share),)))
    return parts, silent
