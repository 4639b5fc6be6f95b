"""Persona, statement, evidence: what the cards are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from personas.estimate import Estimate, Notice
from personas.profiles.records import Economics, Rule

CLAIMS = ("definition", "association", "prediction", "scenario")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The numbers behind one statement.

    ``feature`` is a feature name or a name of the profile (``share``, ``contribution``); ``statistic`` mean, median,
    share, quartiles, total; ``segment`` and ``everyone`` the figures; ``effect`` Cliff's delta or phi, None where it
    has none.
    """

    feature: str
    statistic: str
    segment: Estimate
    everyone: Estimate | None = None
    effect: float | None = None
    others: tuple[Estimate, ...] = ()
    """Further figures that the sentence shows, each of this segment."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence and what it stands on.

    ``kind`` is how it is drawn: ``measured``, ``inferred`` or ``assumed``. ``block`` is where it belongs on the
    card: story, does, costs, speaks, why, act.
    """

    id: str
    text: str
    claim: str
    evidence: tuple[Evidence, ...]
    kind: str = "measured"
    block: str = "story"
    drawn: bool = False
    """Whether the difference is no larger than the same cut makes in data without structure (method.md 9.3)."""


@dataclass(frozen=True, slots=True)
class Action:
    """What to do next. ``expected`` says what it may be worth, or that nobody knows yet and how to find out."""

    id: str
    title: str
    channel: str
    message: str
    offer: str
    cadence: str
    trigger: str
    expected: str
    do_not: str
    breaks_even: str = ""
    """How much it must move to pay, and who moved as much without it; empty where a cost is unknown."""
    test: str = ""
    """How many customers and weeks find out, or that the segment is too small to test."""
    measured: str = ""
    """The money that a test has measured; empty before one."""
    claim: str = "scenario"
    """``prediction`` once a test has measured what the action brings."""
    evidence: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    """The figures of each text, by its name."""


@dataclass(frozen=True, slots=True)
class Newsletter:
    """What a newsletter to this persona is about. Empty where nothing is known."""

    angle: str
    categories: str
    offer: str
    timing: str
    do_not: str
    evidence: Mapping[str, tuple[Evidence, ...]] = field(default_factory=dict)
    """The figures of each text, by its name."""


@dataclass(frozen=True, slots=True)
class Persona:
    """One segment written up. Keys of ``personas.json`` follow the contract, section 4."""

    id: str
    segment: int
    name: str
    tagline: str
    age: Estimate | None
    age_quartiles: tuple[float, float] | None
    gender: str | None
    place: str | None
    size: Mapping[str, Estimate | None]
    """customers, share, revenue_share, contribution_share."""
    archetype: str | None
    archetype_scores: Mapping[str, float]
    rfm: Mapping[str, float]
    story: str
    statements: tuple[Statement, ...]
    economics: Economics
    actions: tuple[Action, ...]
    rule: Rule | None
    stability: Estimate | None
    stability_word: str
    core_share: float | None
    prevalence: Mapping[str, float]
    """of_segment and of_customers: who fits the whole description."""
    to_find_out: tuple[str, ...] = ()
    """Questions to ask where nobody knows why."""
    notices: tuple[Notice, ...] = ()
    months: tuple[float, ...] | None = None
    figures: Mapping[str, Estimate | None] = field(default_factory=dict)
    """What the abstract figure is drawn from: online_share, average_order, reach."""
    brief: Newsletter | None = None
    tagline_evidence: tuple[Evidence, ...] = ()
    """The figures behind each piece of the tag line, in its order."""


@dataclass(frozen=True, slots=True)
class Known:
    """A former study, for one that follows it: ``same`` is segment -> the persona that it goes on as."""

    same: Mapping[int, Persona]
    names: frozenset[str]
    """All names of the former study: none goes to somebody else."""
    sha256: str
    """Of the former personas and of who belonged to them."""
