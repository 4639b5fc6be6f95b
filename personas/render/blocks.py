"""What pages are built of: frozen records in which every string is ready to be read. Templates only place them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table. ``bar`` is an SVG beside the text, ``best`` puts a mark behind it, ``far`` stands out."""

    text: str = ""
    small: str = ""
    bar: str = ""
    best: bool = False
    far: bool = False
    colour: str = ""
    """Class of a persona's colour, ``p1`` to ``p7``."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: its head and its cells. ``group`` rows are headings inside the table and have no cells."""

    head: str
    cells: tuple[Cell, ...] = ()
    pick: bool = False
    group: bool = False
    small: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column. ``words`` columns start at the left, ``bar`` columns hold nothing but a bar."""

    title: str
    words: bool = False
    bar: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its caption (read aloud, not shown), note beneath, and totals in ``foot``."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    foot: tuple[Row, ...] = ()
    note: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing twice, 760 and 340 units wide, with the line that says how to read it."""

    wide: str
    narrow: str
    caption: str
    numbers: Table | None = None
    """The same numbers as a table, folded away beneath."""


@dataclass(frozen=True, slots=True)
class Section:
    """A finding: the heading states the result, chart and tables show it."""

    anchor: str
    kicker: str
    heading: str
    sub: str = ""
    body: tuple[str, ...] = ()
    chart: Chart | None = None
    tables: tuple[Table, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    """(term, text)"""
    note: str = ""


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """One large figure with what it is. ``details`` stand in lines beneath."""

    value: str
    label: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of the ladder of verdicts."""

    name: str
    text: str
    current: bool


@dataclass(frozen=True, slots=True)
class RollEntry:
    """One persona in the roll under the title: name, share of customers, tag line, and the card it leads to."""

    name: str
    share: str
    tagline: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A stretch of prose. ``kind`` is ``measured``, ``inferred`` or ``assumed``."""

    text: str
    kind: str = "measured"
    lead: str = ""
    """Words that stand out in front."""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """A row of the card: a label, the figure of the persona with its bar, the figure of all customers."""

    label: str
    value: str
    bar: str
    everyone: str
    total: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """An action: a title and (term, text) lines."""

    title: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Proof:
    """A row of the evidence table."""

    what: str
    value: str
    interval: str
    everyone: str
    kind: str


@dataclass(frozen=True, slots=True)
class Card:
    """A persona card. Empty tuples and strings mean that the block shows its empty state."""

    anchor: str
    """Safe for an id and a file name."""
    colour: str
    lang: str
    direction: str
    name: str
    column: str
    """The name at the head of a column, at most 14 long."""
    figure: str
    who: tuple[Phrase, ...]
    """Identity line: the lead is the word, the text the figure."""
    tagline: str
    story: tuple[Phrase, ...]
    has_marks: bool
    sizes: tuple[KeyFigure, ...]
    does: tuple[Measure, ...]
    does_note: str
    kind_of_customer: str
    also_does: tuple[Phrase, ...]
    costs: tuple[Measure, ...]
    costs_unit: str
    costs_note: str
    worth: tuple[tuple[str, str, str], ...]
    """(term, figure, rest)"""
    costs_said: tuple[Phrase, ...]
    assumptions: tuple[str, ...]
    speaks: tuple[Phrase, ...]
    speaks_note: str
    why: tuple[Phrase, ...]
    asks: tuple[str, ...]
    deeds: tuple[Deed, ...]
    do_not: str
    act_note: str
    rule: str
    rule_sql: str
    find: tuple[tuple[str, str], ...]
    trust: tuple[tuple[str, str], ...]
    evidence: tuple[Proof, ...]
    notices: tuple[str, ...]
    brief: tuple[tuple[str, str], ...] = ()
    """(term, text) of the newsletter to this persona."""


@dataclass(frozen=True, slots=True)
class SheetHead:
    """A persona at the head of a column of the contrast sheet."""

    anchor: str
    colour: str
    name: str
    small: str
    figure: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """All personas beside each other."""

    title: str
    sub: str
    heads: tuple[SheetHead, ...]
    rows: tuple[Row, ...]
    figure: str
    """The figure that is explained."""
    figure_text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The box to sign."""

    heading: str
    kicker: str
    text: str
    reopen: str


@dataclass(frozen=True, slots=True)
class ReportContext:
    """The whole report, in the order in which it is read."""

    lang: str
    direction: str
    title: str
    eyebrow: tuple[str, ...]
    finding: str
    lede: tuple[str, ...]
    roll: tuple[RollEntry, ...]
    key_figures: tuple[KeyFigure, ...]
    verdict_heading: str
    ladder: tuple[Step, ...]
    reasons: tuple[str, ...]
    summary: tuple[Section, ...]
    """What follows the verdict: where customers and money are."""
    sheet: Sheet | None
    cards: tuple[Card, ...]
    dossier_sub: str
    dossier: tuple[Section, ...]
    decision: Decision
    data_heading: str
    data: tuple[Section, ...]
    footer: tuple[str, ...]
    money: tuple[Section, ...] = ()
    """From revenue to what stays, who loses money and why, what is to come."""
    first_call: tuple[str, tuple[str, ...]] | None = None
    """Heading and sentences: whom to help first."""
