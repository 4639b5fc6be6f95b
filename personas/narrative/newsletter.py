"""The brief of a newsletter to one persona: angle, categories, offer, timing, and what not to send."""

from __future__ import annotations

from personas.narrative.formatting import count, percent
from personas.narrative.language import fill
from personas.narrative.persona import Action, Newsletter
from personas.narrative.phrases import Speaker
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
    do_not = (actions[0].do_not, texts["no_percent"] if no_percent else "", texts["no_monthly"] if silent else "")
    return Newsletter(
        angle=actions[0].message,
        categories="; ".join(_categories(profile, speaker)),
        offer=offer or actions[0].offer,
        timing=timing,
        do_not=" ".join(dict.fromkeys(text for text in do_not if text)),
    )


def _mean(profile: Profile, name: str) -> float | None:
    fact = profile.facts.get(name)
    return fact.mean.value if fact and fact.mean else None


def _categories(profile: Profile, speaker: Speaker) -> list[str]:
    """At most two categories that take at least 15% of the money, the largest first."""
    shares = [
        (fact.mean.value, fact.feature.label.rpartition(" on ")[2])
        for name, fact in profile.facts.items()
        if name.startswith("category_share_") and fact.mean
    ]
    large = sorted((pair for pair in shares if pair[0] >= LARGE_CATEGORY), key=lambda pair: (-pair[0], pair[1]))
    text = speaker.language.newsletter["category"]
    return [fill(text, {"name": name, "v": percent(share)}) for share, name in large[:2]]


def _offer(profile: Profile, speaker: Speaker) -> tuple[str, bool]:
    """What to offer where the share of discounted orders says it, and whether percent off is out of place."""
    discounted, texts = _mean(profile, "discount_share"), speaker.language.newsletter
    if discounted is None:
        return "", False
    if discounted >= MANY:
        return fill(texts["discounted"], {"v": percent(discounted)}), False
    if 1 - discounted >= FULL_PRICE:
        return fill(texts["full_price"], {"v": percent(1 - discounted)}), True
    return "", False


def _timing(profile: Profile, speaker: Speaker) -> tuple[str, bool]:
    """When to send, and whether to be silent between the occasions."""
    texts, parts = speaker.language.newsletter, []
    occasion, fact = _mean(profile, "occasion_share"), profile.facts.get("gap_days")
    silent = occasion is not None and occasion >= MANY
    if silent and occasion is not None:
        parts.append(fill(texts["occasion"], {"v": percent(occasion)}))
    elif fact is not None and fact.median is not None and fact.known.value >= MANY:
        parts.append(fill(texts["rhythm"], {"v": count(fact.median.value)}))
    months = profile.months or ()
    if months and speaker.language.months and max(months) >= PEAK:
        best = max(range(12), key=lambda month: (months[month], -month))
        parts.append(fill(texts["peak"], {"month": speaker.language.months[best], "v": percent(months[best])}))
    return "; ".join(parts), silent
