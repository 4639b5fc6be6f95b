"""The drawings of the money chapter: from revenue to contribution, persona by persona, and the whale curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personas.narrative.formatting import money, percent
from personas.render.charts import Canvas, twice
from personas.render.drawings import fitting, ticks


@dataclass(frozen=True, slots=True)
class Stretch:
    """One row of a lying waterfall, from ``start`` to ``end``. ``cost`` is outlined, a loss is hollow."""

    name: str
    token: str
    start: float
    end: float
    cost: bool = False
    total: bool = False

    @property
    def amount(self) -> float:
        """What the row adds or takes; a total stands for itself."""
        return self.end if self.total else self.end - self.start


def waterfall(rows: Sequence[Stretch], currency: str, what: str) -> tuple[str, str]:
    """Rows beneath each other, each beginning where the one above ended."""
    values = [v for row in rows for v in (row.start, row.end)]
    low, high = min(0.0, *values), max(0.0, *values) or 1.0

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right = (96 if narrow else 130), canvas.width - (64 if narrow else 80)

        def x(value: float) -> float:
            return left + (value - low) / (high - low) * (right - left)

        for turn, row in enumerate(rows):
            y = 10 + 30 * turn
            canvas.text(0, y + 14, fitting(row.name, 13 if narrow else 18), "b" if row.total else "")
            start, end = sorted((x(row.start), x(row.end)))
            hollow = row.cost or row.amount < 0
            width = max(end - start, 1.5)
            canvas.box(start, y, width, 18, "page" if hollow else row.token, row.token if hollow else "")
            canvas.text(max(start, end) + 8, y + 14, money(row.amount, currency), "s b" if row.total else "s")
            if turn + 1 < len(rows) and not rows[turn + 1].total:
                canvas.line([(x(row.end), y + 18), (x(row.end), y + 30)], "ref")
        canvas.line([(x(0), 4), (x(0), 10 + 30 * len(rows) - 8)], "ink2")

    said = "; ".join(f"{row.name} {money(row.amount, currency)}" for row in rows)
    return twice(draw, 12 + 30 * len(rows), f"{what}: {said}.")


@dataclass(frozen=True, slots=True)
class WhaleLine:
    """A whale curve ready to be drawn: shares of customers and of the total (or amounts where there is none)."""

    points: tuple[tuple[float, float], ...]
    peak: tuple[float, float]
    as_share: bool
    currency: str
    tokens: tuple[str, ...]
    names: tuple[str, ...]
    mix: tuple[tuple[float, ...], ...]


def whale_curve(line: WhaleLine) -> tuple[str, str]:
    """Contribution added up over customers, with the mix of personas in each tenth beneath it."""
    high = max(v for _, v in line.points) * 1.12 or 1.0
    low = min(0.0, *(v for _, v in line.points))

    def told(value: float) -> str:
        return percent(value) if line.as_share else money(value, line.currency)

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right, top, bottom = 52, canvas.width - (18 if narrow else 70), 14, canvas.height - 96

        def x(share: float) -> float:
            return left + share * (right - left)

        def y(value: float) -> float:
            return bottom - (value - low) / (high - low) * (bottom - top)

        marks = ticks(low, high, 5) if line.as_share else [0.0, line.points[-1][1], line.peak[1]]
        for tick in marks:
            canvas.line([(left, y(tick)), (right, y(tick))], "rule")
            canvas.text(left - 6, y(tick) + 4, told(tick), "s m", "end")
        canvas.line([(x(share), y(value)) for share, value in line.points], "ink", 2)
        canvas.dot(x(line.peak[0]), y(line.peak[1]), 4.5, "ink")
        canvas.text(x(line.peak[0]), y(line.peak[1]) - 10, f"{told(line.peak[1])} at {percent(line.peak[0])}", "b hal",
                    "middle" if line.peak[0] < 0.85 else "end")  # fmt: skip
        if not narrow:
            canvas.text(right + 6, y(line.points[-1][1]) + 4, told(line.points[-1][1]), "s")
        _mixed(canvas, line, x, bottom)
        canvas.text((left + right) / 2, canvas.height - 4, "customers, the most profitable first", "s m", "middle")

    text = (
        f"Whale curve of contribution. It peaks at {told(line.peak[1])} with {percent(line.peak[0])} of the customers "
        f"and ends at {told(line.points[-1][1])}. First tenth: {_tenth(line, 0)}. Last tenth: {_tenth(line, -1)}."
    )
    return twice(draw, 340, text, 320)


def _mixed(canvas: Canvas, line: WhaleLine, x: object, bottom: float) -> None:
    """One column of stacked shares for each tenth of the customers."""
    assert callable(x)
    tall = 44
    for tenth, shares in enumerate(line.mix):
        start, end = x(tenth / len(line.mix)) + 1, x((tenth + 1) / len(line.mix)) - 1
        at = bottom + 24.0
        for token, share in zip(line.tokens, shares, strict=True):
            if share > 0:
                canvas.box(start, at, end - start, share * tall, token)
            at += share * tall
        canvas.text((start + end) / 2, bottom + 16, f"{round(100 * (tenth + 1) / len(line.mix))}", "s m", "middle")


def _tenth(line: WhaleLine, place: int) -> str:
    shares = sorted(zip(line.mix[place], line.names, strict=True), key=lambda pair: -pair[0])
    return ", ".join(f"{name} {percent(share)}" for share, name in shares[:2] if share > 0)
