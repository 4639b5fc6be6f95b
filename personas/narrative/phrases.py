"""One fact, one sentence, one evidence: every sentence of a story is made here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from personas.estimate import Estimate
from personas.features.feature import Feature
from personas.narrative.formatting import currency_of, figure, percent
from personas.narrative.language import Language, fill, lower_first, upper_first
from personas.narrative.persona import Evidence
from personas.narrative.selection import Figures, Trait, is_counted, proven
from personas.profiles.records import Profile, Rule
from personas.segmentation.verdict import STABLE

STRAIGHT = {ord("“"): "'", ord("”"): "'"}
MONEY_OF = frozenset({"orders_per_year", "average_order", "revenue_per_year"})
"""Money comes from the same orders as these: where one of them formed the segments, its difference is no finding."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence before it has an id."""

    text: str
    claim: str
    evidence: tuple[Evidence, ...]
    kind: str = "measured"
    features: frozenset[str] = frozenset()
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who is spoken of, and in which language."""

    name: str
    pronouns: Mapping[str, str]
    plural: bool
    language: Language

    def say(self, template: str, slots: Mapping[str, str] = {}) -> str:
        """The template filled for this persona."""
        return fill(template, {"name": self.name, **self.pronouns, **slots}, plural=self.plural)


def quantity_word(value: float, on: str, language: Language) -> str | None:
    """The word whose range holds the value, or None: outside the ranges the number alone is told."""
    for quantity in language.quantities:
        if quantity.on == on and quantity.low <= value <= quantity.high:
            return quantity.word
    return None


def versus(segment: Estimate, everyone: Estimate, statistic: str, language: Language, *, plain: bool = False) -> str:
    """How the segment compares with everyone: "about twice the average", "above the average of $67".

    ``plain`` only puts the two side by side where no word fits, for facts that do not stand out.
    """
    words = language.versus
    centre = words.centres[statistic]
    if everyone.value > 0 and segment.value >= 0:
        word = quantity_word(rounded_ratio(segment, everyone), "ratio", language)
        if word:
            return fill(words.ratio, {"word": word, "centre": centre})
    if plain or segment.value == everyone.value:
        return fill(words.plain, {"centre": centre, "a": figure(everyone.value, everyone.unit)})
    template = words.up if segment.value > everyone.value else words.down
    return fill(template, {"centre": centre, "a": figure(everyone.value, everyone.unit)})


def rounded_ratio(segment: Estimate, everyone: Estimate) -> float:
    """Segment by everyone to four decimals, so that writer and checker meet at the borders of the ranges."""
    return round(segment.value / everyone.value, 4)


def of_trait(trait: Trait, speaker: Speaker) -> Draft:
    """The sentence of one trait."""
    label = quoted_if_odd(trait.feature.label)
    plain = trait.direction == "plain"
    slots = {
        "v": figure(trait.segment.value, trait.segment.unit),
        "vs": versus(trait.segment, trait.everyone, trait.statistic, speaker.language, plain=plain),
        "level": (trait.level or "") if trait.statistic == "level" else quoted_if_odd(trait.level or ""),
        "label": label,
        "quoted": f"“{trait.feature.label.translate(STRAIGHT)}”",
        "unit": unit_after(trait.feature.unit),
    }
    text = speaker.say(trait.phrase.said(trait.direction), slots)
    return Draft(text, trait.claim, (evidence_of(trait),), features=frozenset({trait.feature.name}), drawn=trait.drawn)


def evidence_of(trait: Trait) -> Evidence:
    """The figures of a trait."""
    of_level = trait.statistic == "level"
    name = f"{trait.feature.name}={trait.level}" if of_level else trait.feature.name
    return Evidence(name, "share" if of_level else trait.statistic, trait.segment, trait.everyone, trait.effect)


def said_as_drawn(drafts: list[Draft], speaker: Speaker) -> list[Draft]:
    """The drafts, the first of a difference that our cut made opened by words that say so."""
    first = next((i for i, draft in enumerate(drafts) if draft.drawn), None)
    if first is None:
        return drafts
    text = drafts[first].text
    inside = text if text.startswith(speaker.name) else lower_first(text)
    opened = replace(drafts[first], text=fill(speaker.language.sentences["drawn"], {"text": inside}))
    return [*drafts[:first], opened, *drafts[first + 1 :]]


def unit_after(unit: str) -> str:
    """The unit as it stands behind a number: " points", " of 100" for a score from 1 to 100, nothing for money.

    >>> unit_after("score 1-100"), unit_after("EUR/month"), unit_after("points")
    (' of 100', '', ' points')
    """
    if unit.startswith("score ") and "-" in unit:
        return f" of {unit.rpartition('-')[2]}"
    bare = currency_of(unit) or unit in {"share", "category", "number", ""}
    return "" if bare else f" {unit}"


def quoted_if_odd(text: str) -> str:
    """A name of the shop's in quotation marks when it has digits or signs, so that nobody reads them as a figure."""
    text = text.translate(STRAIGHT)
    return text if all(ch.isalpha() or ch in " ,-’'&" for ch in text) else f"“{text}”"


def scene(profile: Profile, figures: Figures, speaker: Speaker, basis: frozenset[str]) -> Draft | None:
    """The first sentence: when and where one meets this customer; None where the shop knows no orders."""
    language = speaker.language
    for sentence in language.scenes:
        if not figures.holds(sentence):
            continue
        needed = [name for name in sentence.needs if name in figures.segment]
        slots = {f"v:{n}": figure(figures.segment[n].value, figures.segment[n].unit) for n in needed}
        if "{Rhythm}" in sentence.text:
            orders = figures.segment["orders_per_year"].value
            slots["Rhythm"] = upper_first(quantity_word(orders, "orders/year", language) or "")
        if "{place}" in sentence.text:
            channel, share_name = place_of(figures)
            slots["place"] = language.places[channel]
            needed += [share_name] if share_name else []
        evidence = tuple(
            Evidence(n, statistic_of(n, language), figures.segment[n], figures.everyone[n], figures.effects[n])
            for n in dict.fromkeys(needed)
        )
        claim = "definition" if any(n in basis for n in needed) else "association"
        return Draft(speaker.say(sentence.text, slots), claim, evidence, features=frozenset(needed))
    return None


def place_of(figures: Figures) -> tuple[str, str | None]:
    """Where most orders are placed (at least 65% of them), or nowhere in particular."""
    for channel in ("online", "store", "phone"):
        name = f"{channel}_share"
        if name in figures.segment and figures.segment[name].value >= 0.65:
            return channel, name
    return "mixed", None


def statistic_of(feature: str, language: Language) -> str:
    """Whether the mean or the median of a feature is told."""
    return language.features[feature].statistic if feature in language.features else "mean"


def orders_and_spend(figures: Figures, speaker: Speaker, basis: frozenset[str]) -> Draft | None:
    """How often and how much, in one sentence."""
    if not {"orders_per_year", "average_order"} <= set(figures.segment):
        return None
    orders, spend = figures.segment["orders_per_year"], figures.segment["average_order"]
    everyone = figures.everyone["average_order"]
    text = speaker.say(
        speaker.language.sentences["orders_and_spend"],
        {
            "v": figure(orders.value, orders.unit),
            "w": figure(spend.value, spend.unit),
            "vs": versus(spend, everyone, "mean", speaker.language),
        },
    )
    evidence = (
        Evidence("average_order", "mean", spend, everyone, figures.effects["average_order"]),
        Evidence("orders_per_year", "mean", orders, None, figures.effects["orders_per_year"]),
    )
    claim = "definition" if basis & {"orders_per_year", "average_order"} else "association"
    return Draft(text, claim, evidence, features=frozenset({"orders_per_year", "average_order"}))


def money(profile: Profile, everyone: Profile, speaker: Speaker, basis: frozenset[str]) -> Draft | None:
    """What a customer leaves, at the deepest level that is known; None where there is no money at all."""
    claim = "definition" if basis & MONEY_OF else "association"
    for level in ("contribution", "gross_margin", "revenue"):
        mine, theirs = getattr(profile.economics, level), getattr(everyone.economics, level)
        if mine is None or theirs is None:
            continue
        loss = level == "contribution" and mine.value < 0
        template = speaker.language.sentences["contribution_loss" if loss else level]
        with_marketing = profile.economics.marketing_cost is not None
        slots = {
            "costs": speaker.language.sentences["costs_with_marketing" if with_marketing else "costs"],
            "v": figure(abs(mine.value) if loss else mine.value, mine.unit),
            "vs": "" if loss else versus(mine, theirs, "mean", speaker.language),
        }
        return Draft(speaker.say(template, slots), claim, (Evidence(level, "mean", mine, theirs),))
    return None


def tension(profile: Profile, figures: Figures, speaker: Speaker, basis: frozenset[str]) -> Draft | None:
    """What pulls in two directions, inferred; None where nothing does.

    It is a definition as soon as one of its figures formed the segments; what it compares beside them must hold.
    """
    for rule in speaker.language.tensions:
        compared = [n for n in (rule.above, rule.below) if n]
        names = dict.fromkeys([*rule.needs, *compared])
        formed = {n for n in names if n in basis or (n == "contribution" and basis & MONEY_OF)}
        unproven = [n for n in compared if n not in formed and n != "contribution" and not proven(profile, n)]
        if unproven or not figures.holds(rule):
            continue
        evidence = tuple(
            Evidence(n, statistic_of(n, speaker.language), figures.segment[n], figures.everyone[n]) for n in names
        )
        claim = "definition" if formed else "association"
        return Draft(speaker.say(rule.text), claim, evidence, kind="inferred")
    return None


def size(profile: Profile, speaker: Speaker) -> Draft:
    """How many customers the persona stands for."""
    text = speaker.say(
        speaker.language.sentences["size"],
        {"v": figure(profile.customers.value, "customers"), "share": percent(profile.share.value)},
    )
    return Draft(
        text,
        "definition",
        (Evidence("customers", "count", profile.customers), Evidence("share", "share", profile.share)),
    )


def stability(profile: Profile, speaker: Speaker, *, low_only: bool) -> Draft | None:
    """How often the segment comes back, when that is a warning."""
    if profile.stability is None or (low_only and profile.stability.value >= STABLE):
        return None
    low = profile.stability.value < STABLE
    shown = figure(profile.stability.value, profile.stability.unit)
    text = speaker.say(speaker.language.sentences["stability_low" if low else "stability"], {"v": shown})
    return Draft(text, "definition", (Evidence("stability", "share", profile.stability),))


def rule_words(rule: Rule, profile: Profile, speaker: Speaker) -> str:
    """The conditions of a rule as a reader says them: "average order at least $180", "score 40 to 61 of 100"."""
    said: dict[str, str] = {}
    limits: dict[str, dict[str, float]] = {}
    for name, operator, value in rule.conditions:
        feature, sentences = profile.facts[name].feature, speaker.language.sentences
        if isinstance(value, str):
            known = value.lower() in (*speaker.language.yes_levels, "no")
            template = sentences["rule_yes" if known else "rule_is"] if operator == "=" else sentences["rule_is_not"]
            said[f"{name} {operator} {value}"] = fill(template, {"label": feature.label, "v": value})
            continue
        own = limits.setdefault(name, {})
        own[operator] = value
        said[name] = _limits_in_words(feature, own, speaker)
    return ", ".join(said.values())


def _limits_in_words(feature: Feature, limits: Mapping[str, float], speaker: Speaker) -> str:
    """A lower limit, an upper one, or both in one breath."""
    given = feature.name not in speaker.language.features and not is_counted(feature)
    unit = unit_after(feature.unit) if given or feature.unit.startswith("score ") else ""
    ends = [figure(limits[operator], feature.unit) for operator in (">=", "<=") if operator in limits]
    unit = unit.removesuffix("s") if ends[-1] == "1" else unit
    kind = "rule_between" if len(ends) == 2 else "rule_at_least" if ">=" in limits else "rule_at_most"
    slots = {"label": feature.label, "v": ends[0], "w": ends[-1], "unit": unit}
    return fill(speaker.language.sentences[kind], slots)


def core(profile: Profile, speaker: Speaker) -> Draft | None:
    """How much of the segment sits clearly inside it; None where it was not measured."""
    if profile.core_share is None:
        return None
    share = Estimate(profile.core_share, profile.core_share, profile.core_share, "share", profile.customers.n, "exact")
    text = speaker.say(speaker.language.sentences["core"], {"v": percent(share.value)})
    return Draft(text, "definition", (Evidence("core_share", "share", share),))


def like_everyone(profile: Profile, speaker: Speaker) -> Draft:
    """That nothing else stands out."""
    text = speaker.say(speaker.language.sentences["like_everyone"])
    return Draft(text, "association", (Evidence("customers", "count", profile.customers),), kind="inferred")


def outline(profile: Profile, speaker: Speaker) -> Draft:
    """That the story is short because little was measured."""
    text = speaker.say(speaker.language.sentences["outline"])
    return Draft(text, "association", (Evidence("customers", "count", profile.customers),), kind="inferred")


def open_question(profile: Profile, speaker: Speaker) -> Draft:
    """That the reasons are not in the data."""
    text = speaker.say(speaker.language.sentences["quality"])
    return Draft(text, "association", (Evidence("customers", "count", profile.customers),), kind="inferred")
