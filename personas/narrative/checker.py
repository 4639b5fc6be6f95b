"""Re-reads the finished text against its numbers and stops the run on a mismatch.

The checker knows nothing of how a sentence was made: it reads numbers, units and comparing words from the text and
looks each of them up in the evidence. A changed digit, unit or comparison is found because nothing in the evidence
agrees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from personas.estimate import Estimate
from personas.narrative.formatting import day, figure, shared_digits
from personas.narrative.language import Language
from personas.narrative.persona import CLAIMS, Evidence, Persona, Statement
from personas.narrative.phrases import unit_after

NUMBER = re.compile(
    r"(?P<minus>[\u2212-])?(?P<currency>[$€£¥₫₺฿]|NT\$|[A-Z]{3}\u00a0|[A-Z]{2,3}(?=\d)|[A-Z]{1,2}\$)?"
    r"(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)(?P<scale>[kKMB](?![a-z]))?(?P<percent>\u00a0?%)?"
)


DAY = re.compile(r"\b(\d{1,2}) ([A-Z][a-z]+) (\d{4})\b")
MOST_OF_THE_ORDERS = 0.65
SCENE = "s1"
"""The first statement sets the scene: there a place and a rhythm stand for figures."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in a text that its evidence does not bear out."""

    statement: str
    text: str
    what: str


def check_story(persona: Persona, language: Language) -> tuple[Finding, ...]:
    """Everything in the story and the statements of a persona that the numbers do not bear out.

    Checked: the story is its statements and nothing more; it has 60 to 120 words; every statement has evidence and
    one of the four claims; every number is in the evidence with its unit and as it would be printed; every evidence
    with a place in the text is in it; every comparing word agrees with the figures; no word claims a cause.
    """
    findings = []
    expected = " ".join(s.text for s in persona.statements if s.block == "story")
    if persona.story != expected:
        findings.append(Finding("story", persona.story, "the story is not made of its statements only"))
    words = len(persona.story.split())
    if not 60 <= words <= 120:
        findings.append(Finding("story", persona.story, f"{words} words where 60 to 120 are allowed"))
    for statement in persona.statements:
        findings += [Finding(statement.id, statement.text, what) for what in check_statement(statement, language)]
    return tuple(findings)


def check_statement(statement: Statement, language: Language) -> list[str]:
    """What is wrong with one statement, in words; an empty list when nothing is."""
    wrong = []
    if statement.claim not in CLAIMS:
        wrong.append(f"'{statement.claim}' is no class of claim")
    if not statement.evidence:
        wrong.append("no evidence")
    lowered = f" {statement.text.lower()} "
    wrong += [f"the word '{word.strip()}' claims a cause" for word in language.forbidden if word in lowered]
    wrong += _numbers_wrong(statement, language)
    wrong += _words_wrong(statement, language)
    return wrong


def check_text(text: str, evidence: tuple[Evidence, ...], language: Language) -> list[str]:
    """What is wrong with a text that tells some of these figures."""
    lowered = f" {text.lower()} "
    own = Statement("", text, "scenario", evidence, "inferred")
    wrong = [f"the word '{word.strip()}' claims a cause" for word in language.forbidden if word in lowered]
    return wrong + _numbers_wrong(own, language) + _words_wrong(own, language)


def _numbers_wrong(statement: Statement, language: Language) -> list[str]:
    """Numbers of the text without a figure in the evidence, and figures that should be told and are not."""
    text, wrong = _without_days(without_quotes(statement.text), statement.evidence)
    numbers = [match for match in NUMBER.finditer(text) if not _is_scale(match, text, statement.evidence)]
    own = [e for item in statement.evidence for e in (item.segment, *item.others)]
    everyone = [item.everyone for item in statement.evidence if item.everyone is not None]
    for match in numbers:
        of_everyone = _stands_for_everyone(match, text, language)
        if not any(_agrees(match, text, e, language, of_everyone) for e in (everyone if of_everyone else own)):
            wrong.append(f"'{match.group().strip()}' is not in the evidence")
    if statement.kind == "measured" and numbers:
        told = [match for match in numbers if not _stands_for_everyone(match, text, language)]
        for evidence in statement.evidence:
            said = any(_agrees(match, text, evidence.segment, language, False) for match in told)
            if not said and evidence.feature not in _told_in_words(statement, language):
                wrong.append(f"the figure of '{evidence.feature}' is not told")
    return wrong


def _is_scale(match: re.Match[str], text: str, evidence: tuple[Evidence, ...]) -> bool:
    """Whether a number belongs to a unit: the 10 of "6.1 of 10", the 100 of "per 100", the 95% of an interval."""
    units = [e.segment.unit for e in evidence]
    ends = {unit.rpartition("-")[2] for unit in units if unit.startswith("score ")} | {"100"}
    before, after = text[: match.start()], text[match.end() :]
    per = {unit.rpartition(" per ")[2] for unit in units if " per " in unit}
    if match.group() in per and before.endswith(" per "):
        return True
    if match.group() == "95%" and after.startswith(" interval "):
        return any("95%" in e.segment.basis for e in evidence)
    return match.group() in ends and re.search(r"\d of $", before) is not None


def _stands_for_everyone(match: re.Match[str], text: str, language: Language) -> bool:
    """Whether a number is that of all customers: "above the average of $67"."""
    return text[: match.start()].endswith(tuple(f"{centre} of " for centre in language.versus.centres.values()))


def _without_days(text: str, evidence: tuple[Evidence, ...]) -> tuple[str, list[str]]:
    """The text with its days blanked, and those days that no evidence names."""
    wrong = []
    known = {day(date.fromisoformat(iso)) for e in evidence for iso in re.findall(r"\d{4}-\d\d-\d\d", e.statistic)}
    for match in DAY.finditer(text):
        if match.group() not in known:
            wrong.append(f"'{match.group()}' is not in the evidence")
    return DAY.sub(lambda match: " " * len(match.group()), text), wrong


def without_quotes(text: str) -> str:
    """The text with everything between quotation marks blanked: names of the shop may contain any digit."""
    return re.sub(r"“[^”]*”", lambda match: " " * len(match.group()), text)


def _told_in_words(statement: Statement, language: Language) -> set[str]:
    """Features whose figure stands in a scene as a place or a rhythm instead of a number."""
    places = {f"{channel}_share" for channel, words in language.places.items() if words in statement.text}
    if statement.id == SCENE:
        places |= {"orders_per_year"}
    return places


def _agrees(match: re.Match[str], text: str, estimate: Estimate, language: Language, of_everyone: bool) -> bool:
    """Whether a number of the text is this figure, printed as figures are printed and followed by its unit."""
    token, unit = match.group().strip(), estimate.unit
    after = text[match.end() :].lstrip()
    if unit == "share" and re.match(r"of 100\b", after):
        return token == str(int(estimate.value * 100 + 0.5))
    precise = shared_digits(estimate)  # beside its interval a figure is as precise as the interval
    printed = {
        figure(value, unit, digits=digits).lstrip("<>")
        for value in (estimate.value, abs(estimate.value)) for digits in {None, precise}
    }  # fmt: skip
    if token not in printed:
        return False
    if match["percent"] or match["currency"] or of_everyone:
        return True  # the unit of everyone's figure stands with the segment's own
    given = (unit_after(unit).strip(),)
    words = [word for word in language.unit_words.get(unit, given) if word]
    return not words or unit == "number" or any(re.match(rf"{re.escape(word)}(?!\w)", after) for word in words)


def _words_wrong(statement: Statement, language: Language) -> list[str]:
    """Comparing words that the figures contradict."""
    wrong = []
    text = without_quotes(statement.text).lower()
    compared = [e for e in statement.evidence if e.everyone is not None]
    for signs, key in (((1,), "up"), ((-1,), "down"), ((-1, 0), "at_most")):
        for word in language.comparisons.get(key, ()):
            if word in text and not any(_sign(e) in signs for e in compared):
                wrong.append(f"'{word}' does not agree with the figures")
    for channel, words in language.places.items():
        if statement.id == SCENE and words in text and not _is_place(channel, statement.evidence, language):
            wrong.append(f"'{words}' does not agree with the figures")
    for word, on in _quantities_in(text, language):
        if not any(_holds(word, on, e, language) for e in statement.evidence):
            wrong.append(f"'{word}' does not agree with the figures")
    return wrong


def _is_place(channel: str, evidence: tuple[Evidence, ...], language: Language) -> bool:
    """Whether most orders are placed there; no channel in particular when the evidence names none."""
    shares = {e.feature: e.segment.value for e in evidence if e.feature in {f"{c}_share" for c in language.places}}
    if channel == "mixed":
        return not shares
    return shares.get(f"{channel}_share", 0.0) >= MOST_OF_THE_ORDERS


def _sign(evidence: Evidence) -> int:
    assert evidence.everyone is not None
    return (evidence.segment.value > evidence.everyone.value) - (evidence.segment.value < evidence.everyone.value)


def _quantities_in(text: str, language: Language) -> list[tuple[str, str]]:
    """The quantity words of a text, longest first so that "about half the average" is not read as "about half"."""
    found = []
    centres = tuple(f" {centre}" for centre in language.versus.centres.values())
    for quantity in sorted(language.quantities, key=lambda q: (-len(q.word), q.on)):
        at = text.find(quantity.word)
        if at < 0:
            continue
        is_ratio = text[at + len(quantity.word) :].startswith(centres)
        if is_ratio == (quantity.on == "ratio"):
            found.append((quantity.word, quantity.on))
            text = text.replace(quantity.word, " " * len(quantity.word), 1)
    return found


def _holds(word: str, on: str, evidence: Evidence, language: Language) -> bool:
    """Whether a quantity word is true of one evidence."""
    quantity = next(q for q in language.quantities if (q.word, q.on) == (word, on))
    if on == "ratio":
        if evidence.everyone is None or evidence.everyone.value <= 0:
            return False
        value = round(evidence.segment.value / evidence.everyone.value, 4)
    elif on in {"share", "orders/year"}:
        if evidence.segment.unit != on:
            return False
        value = evidence.segment.value
    else:
        return False
    return quantity.low <= value <= quantity.high
