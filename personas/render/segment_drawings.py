"""Charts of single segments: how much of each returns by k, how far apart they lie, and what they are like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from personas.narrative.formatting import fixed, percent
from personas.render.charts import Canvas, twice
from personas.render.drawings import fitting, k_axis, rails, spread, ticks
from personas.segmentation.verdict import PATTERN, STABLE


@dataclass(frozen=True, slots=True)
class Returns:
    """Jaccard of every segment at one k."""

    k: int
    values: tuple[float, ...]


def jaccard_by_k(rows: Sequence[Returns], chosen: int) -> tuple[str, str]:
    """A dot per segment and k, filled at the chosen k, grey below ``STABLE``; a line through the weakest."""
    low = min(0.5, *(min(row.values) for row in rows))
    low = max(0.0, int(low * 10) / 10)

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right, top, bottom = 40, canvas.width - (8 if narrow else 96), 14, canvas.height - 44
        x = spread([row.k for row in rows], left + 22, right - 22)

        def y(value: float) -> float:
            return bottom - (value - low) / (1 - low) * (bottom - top)

        canvas.box(left, y(1), right - left, y(STABLE) - y(1), "wash")
        rails(canvas, [t for t in (0.2, 0.4, 0.5, PATTERN, STABLE, 0.85, 1.0) if t >= low], y, left, right)
        canvas.line([(x[row.k], y(min(row.values))) for row in rows], "ref", 1, "3 3")
        for row in rows:
            for value in sorted(row.values):
                canvas.dot(x[row.k], y(value), 4, "ref" if value < STABLE else "ink", hollow=row.k != chosen)
        k_axis(canvas, x, chosen, (left, right, bottom))
        if not narrow:
            canvas.text(right + 6, y(min(rows[-1].values)) + 4, "weakest", "s m")

    said = "; ".join(f"{row.k}: {', '.join(fixed(v, 2) for v in sorted(row.values, reverse=True))}" for row in rows)
    return twice(draw, 248, f"How much of each segment returns (Jaccard), by number of segments. {said}.", 238)


@dataclass(frozen=True, slots=True)
class Gorge:
    """One segment: counts by similarity to its centroid from 0 to 1, of its members and of all others."""

    name: str
    token: str
    members: tuple[int, ...]
    others: tuple[int, ...]

    @property
    def sure(self) -> float:
        """Share of members that are more similar to this segment than to all others together."""
        return sum(self.members[len(self.members) // 2 :]) / max(1, sum(self.members))


def gorges(rows: Sequence[Gorge]) -> tuple[str, str]:
    """A row per segment: members in colour, all others in grey, each as high as its own largest count."""
    tall = 46

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right = (82 if narrow else 120), canvas.width - (46 if narrow else 70)
        for turn, row in enumerate(rows):
            base = 20 + (turn + 1) * (tall + 10)
            width = (right - left) / len(row.members)
            for counts, token, opacity in ((row.others, "fill", 0.6), (row.members, row.token, 0.85)):
                most = max(1, *counts)
                for step, count in enumerate(counts):
                    if count:
                        height = tall * count / most
                        x = left + step * width
                        corners = [(x, base), (x + width - 1, base), (x + width - 1, base - height), (x, base - height)]
                        canvas.area(corners, token, opacity)
            canvas.line([(left, base), (right, base)], "rule")
            canvas.text(0, base - tall / 2 + 4, fitting(row.name, 10 if narrow else 15), "b")
            canvas.text(right + 8, base - tall / 2 + 4, percent(row.sure), "b")
        bottom = 20 + len(rows) * (tall + 10)
        for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
            canvas.text(left + tick * (right - left), bottom + 17, fixed(tick, 2), "s m", "middle")
        canvas.text(left, 14, "similarity to the segment", "s m")

    said = ", ".join(f"{row.name} {percent(row.sure)}" for row in rows)
    label = f"Similarity to each segment, members against all others. Members closer to it than to the rest: {said}."
    return twice(draw, 50 + len(rows) * (tall + 10), label)


@dataclass(frozen=True, slots=True)
class Trait:
    """One forming feature: how far each segment lies from all customers, in typical spreads of the feature."""

    label: str
    values: tuple[float, ...]


def profile_dots(traits: Sequence[Trait], names: Sequence[str], tokens: Sequence[str]) -> tuple[str, str]:
    """A row per feature, a dot per segment; the upright line is all customers."""
    most = max(1.0, *(abs(value) for trait in traits for value in trait.values)) * 1.08

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right, step = (8 if narrow else 200), canvas.width - 14, (44 if narrow else 28)
        bottom = 30 + step * len(traits)

        def x(value: float) -> float:
            return left + (value + most) / (2 * most) * (right - left)

        for tick in ticks(-most, most, 5 if narrow else 7):
            canvas.line([(x(tick), 22), (x(tick), bottom)], "ink2" if abs(tick) < 1e-9 else "rule")
            canvas.text(x(tick), bottom + 17, fixed(tick, 1), "s m", "middle")
        canvas.text(x(0), 14, "all customers", "s m", "middle")
        for turn, trait in enumerate(traits):
            y = 30 + step * turn + (30 if narrow else 14)
            place, most_letters = ((left, y - 14), 40) if narrow else ((0, y + 4), 30)
            canvas.text(*place, fitting(trait.label, most_letters), "s")
            for value, token in sorted(zip(trait.values, tokens, strict=True)):
                canvas.dot(x(value), y, 4.5, token)

    said = "; ".join(
        f"{t.label}: {', '.join(f'{n} {fixed(v, 1)}' for n, v in zip(names, t.values, strict=True))}" for t in traits
    )
    return twice(
        draw, 56 + 28 * len(traits), f"Segments by forming feature, distance from all customers. {said}.",
        60 + 44 * len(traits),
    )  # fmt: skip
