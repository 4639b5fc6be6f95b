"""The kinds of chart of a report, each a function from plain figures to a wide and a narrow drawing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from personas.narrative.formatting import fixed, percent
from personas.render.charts import Canvas, twice
from personas.segmentation.verdict import PATTERN, STABLE


@dataclass(frozen=True, slots=True)
class Pair:
    """One persona in a dumbbell: share of customers, share of money (both 0 to 1; money may be negative)."""

    name: str
    token: str
    customers: float
    money: float | None


def dumbbell(pairs: Sequence[Pair], what: str) -> tuple[str, str]:
    """Share of customers (open) against share of money (filled; hollow left of zero)."""
    values = [v for p in pairs for v in (p.customers, p.money) if v is not None]
    low, high = min(0.0, *values), max(values)
    low, high = low - 0.04 * (high - low), high + 0.1 * (high - low)

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right, bottom = (82 if narrow else 120), canvas.width - (44 if narrow else 60), 34 + 34 * len(pairs)

        def x(value: float) -> float:
            return left + (value - low) / (high - low) * (right - left)

        for tick in ticks(low, high, 4 if narrow else 6):
            canvas.line([(x(tick), 26), (x(tick), bottom)], "ink2" if abs(tick) < 1e-9 else "rule")
            canvas.text(x(tick), bottom + 17, percent(tick), "s m", "middle")
        for turn, pair in enumerate(pairs):
            y = 46 + 34 * turn
            canvas.text(0, y + 4.5, fitting(pair.name, 10 if narrow else 15), "b")
            _one_dumbbell(canvas, pair, x, y)

    shares = "; ".join(
        f"{p.name} {percent(p.customers)} of customers, "
        f"{percent(p.money) if p.money is not None else 'unknown'} of {what}"
        for p in pairs
    )
    return twice(draw, 62 + 34 * len(pairs), f"Share of customers against share of {what}. {shares}.")


def _one_dumbbell(canvas: Canvas, pair: Pair, place: Callable[[float], float], y: float) -> None:
    if pair.money is not None:
        canvas.line([(place(pair.customers), y), (place(pair.money), y)], pair.token, 1.5)
    canvas.dot(place(pair.customers), y, 5, pair.token, hollow=True)
    left_first = pair.money is None or pair.customers <= pair.money
    gap = 10
    canvas.text(
        place(pair.customers) + (-gap if left_first else gap), y + 4, percent(pair.customers), "s hal",
        "end" if left_first else "start",
    )  # fmt: skip
    if pair.money is not None:
        canvas.dot(place(pair.money), y, 5, pair.token, hollow=pair.money < 0)
        canvas.text(
            place(pair.money) + (gap if left_first else -gap), y + 4, percent(pair.money), "s hal",
            "start" if left_first else "end",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Level:
    """Silhouette at one k with half its interval, and what data without structure reach."""

    k: int
    value: float
    error: float
    null_low: float | None
    null_high: float | None
    null_mean: float | None


def silhouettes(levels: Sequence[Level], chosen: int) -> tuple[str, str]:
    """Mean silhouette by k with intervals, over the band of draws without structure; the chosen k is solid."""
    ends = [v for p in levels for v in (p.value - p.error, p.value + p.error, p.null_low, p.null_high) if v is not None]
    low, high = min(ends), max(ends)
    pad = 0.12 * (high - low or 0.1)
    low, high = low - pad, high + pad

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right, top, bottom = 44, canvas.width - (22 if narrow else 150), 14, canvas.height - 44
        x = spread([p.k for p in levels], left + 16, right - 8)

        def y(value: float) -> float:
            return bottom - (value - low) / (high - low) * (bottom - top)

        rails(canvas, ticks(low, high, 5), y, left, right)
        with_null = [p for p in levels if p.null_low is not None and p.null_high is not None]
        if len(with_null) > 1:
            upper = [(x[p.k], y(p.null_high or 0)) for p in with_null]
            lower = [(x[p.k], y(p.null_low or 0)) for p in reversed(with_null)]
            canvas.area(upper + lower, "fill", 0.38)
            last = with_null[-1]
            middle = y(
                last.null_mean if last.null_mean is not None else ((last.null_low or 0) + (last.null_high or 0)) / 2
            )
            if not narrow:
                canvas.text(right + 6, middle + 4, "no structure", "s m")
        canvas.line([(x[p.k], y(p.value)) for p in levels], "ink", 1.5)
        for p in levels:
            canvas.line([(x[p.k], y(p.value - p.error)), (x[p.k], y(p.value + p.error))], "ink2", 1.25)
            canvas.dot(x[p.k], y(p.value), 4.5, "ink", hollow=p.k != chosen)
        k_axis(canvas, x, chosen, (left, right, bottom))
        picked = next((p for p in levels if p.k == chosen), None)
        if picked:
            canvas.text(x[chosen], y(picked.value + picked.error) - 9, fixed(picked.value, 3), "b hal", "middle")
        if not narrow:
            canvas.text(right + 6, y(levels[-1].value) + 4, "these customers", "s")

    said = ", ".join(f"{p.k}: {fixed(p.value, 3)}" for p in levels)
    return twice(draw, 284, f"Mean silhouette by number of segments: {said}. Chosen: {chosen}.", 264)


@dataclass(frozen=True, slots=True)
class Spread:
    """Agreement between resamples at one k: median, middle half and the values."""

    k: int
    median: float
    quartiles: tuple[float, float]
    whiskers: tuple[float, float]


def agreement_boxes(spreads: Sequence[Spread], chosen: int) -> tuple[str, str]:
    """Adjusted Rand index between resamples by k: boxes for the middle half, whiskers for 95%."""
    low = min(0.9, *(s.whiskers[0] for s in spreads))
    low = max(-0.1, int(low * 5) / 5)

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right, top, bottom = 40, canvas.width - (8 if narrow else 40), 14, canvas.height - 44
        x = spread([s.k for s in spreads], left + 22, right - 22)
        half = 7 if narrow else 11

        def y(value: float) -> float:
            return bottom - (value - low) / (1 - low) * (bottom - top)

        rails(canvas, ticks(low, 1.0, 5), y, left, right)
        for s in spreads:
            picked = s.k == chosen
            canvas.line([(x[s.k], y(s.whiskers[0])), (x[s.k], y(s.quartiles[0]))], "ink2", 1.25)
            canvas.line([(x[s.k], y(s.quartiles[1])), (x[s.k], y(s.whiskers[1]))], "ink2", 1.25)
            tall = y(s.quartiles[0]) - y(s.quartiles[1])
            canvas.box(x[s.k] - half, y(s.quartiles[1]), 2 * half, tall, "ink" if picked else "wash", "ink2")
            inside = picked and tall > 5  # a box without height would swallow a light line
            canvas.line([(x[s.k] - half, y(s.median)), (x[s.k] + half, y(s.median))], "paper" if inside else "ink", 2)
            if not narrow:
                canvas.text(x[s.k] + half + 4, y(s.median) + 4, fixed(s.median, 2), "s hal")
        k_axis(canvas, x, chosen, (left, right, bottom))

    said = ", ".join(f"{s.k}: {fixed(s.median, 2)}" for s in spreads)
    return twice(
        draw, 248, f"Agreement between resamples, median adjusted Rand index, by number of segments: {said}.", 238
    )


@dataclass(frozen=True, slots=True)
class Return:
    """How much of one segment returns in a resample: Jaccard with its interval."""

    name: str
    token: str
    value: float
    low: float
    high: float


def jaccard_dots(rows: Sequence[Return]) -> tuple[str, str]:
    """Jaccard per segment with interval, over the zones pattern, stable, very stable; open and dashed if not stable."""
    low = min(0.5, *(max(0.0, r.low - 0.03) for r in rows))

    def draw(canvas: Canvas, narrow: bool) -> None:
        left, right, bottom = (82 if narrow else 120), canvas.width - (46 if narrow else 70), 30 + 30 * len(rows)

        def x(value: float) -> float:
            return left + (max(low, value) - low) / (1 - low) * (right - left)

        for start, end, name, token in (
            (low, STABLE, "pattern", "none"),
            (STABLE, 0.85, "stable", "wash"),
            (0.85, 1, "very stable", "wash"),
        ):
            if token != "none":
                canvas.box(x(start) + 1, 24, x(end) - x(start) - 2, bottom - 24, token)
            canvas.text(
                (x(start) + x(end)) / 2, 16, "very" if narrow and name == "very stable" else name, "s m", "middle"
            )
        for turn, row in enumerate(rows):
            y = 45 + 30 * turn
            canvas.text(0, y + 4.5, fitting(row.name, 10 if narrow else 15), "b")
            canvas.line([(x(row.low), y), (x(row.high), y)], row.token, 2.5)
            unsure = row.value < STABLE
            canvas.dot(x(row.value), y, 5.5, row.token, hollow=unsure, dashed=unsure)
            canvas.text(right + 12, y + 4.5, fixed(row.value, 2), "b")
        for tick in (t for t in (0.4, 0.5, PATTERN, STABLE, 0.85, 1.0) if t >= low):
            canvas.text(x(tick), bottom + 18, fixed(tick, 2), "s m", "middle")

    said = ", ".join(f"{r.name} {fixed(r.value, 2)} ({fixed(r.low, 2)} to {fixed(r.high, 2)})" for r in rows)
    title = f"Jaccard similarity per segment, with the middle 95% of resamples: {said}."
    return twice(draw, 58 + 30 * len(rows), title)


@dataclass(frozen=True, slots=True)
class Cloud:
    """The dots of one segment on the picture, and its name."""

    name: str
    token: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Link:
    """The border of two clouds, by their places in the list: ``gap``, ``gradient`` or not tested."""

    first: int
    second: int
    kind: str


def picture(clouds: Sequence[Cloud], label: str, links: Sequence[Link] = ()) -> tuple[str, str]:
    """Dots of every segment, each with its name at its middle. Axes have no meaning and are not drawn.

    Neighbours are joined: by a line where the border is a gradient, by a line with a bar across where it is a gap, by
    dots where it was not tested.
    """
    every = [p for cloud in clouds for p in cloud.points]
    x0, x1 = min(p[0] for p in every), max(p[0] for p in every)
    y0, y1 = min(p[1] for p in every), max(p[1] for p in every)

    def draw(canvas: Canvas, narrow: bool) -> None:
        scale = min((canvas.width - 24) / (x1 - x0 or 1), (canvas.height - 24) / (y1 - y0 or 1))
        left = (canvas.width - scale * (x1 - x0)) / 2
        top = (canvas.height - scale * (y1 - y0)) / 2
        places = []
        for cloud in clouds:
            placed = [(left + (px - x0) * scale, top + (y1 - py) * scale) for px, py in cloud.points]
            if not placed:
                continue
            kept = placed[:: max(1, len(placed) * len(clouds) // (1200 if narrow else 3000))]
            canvas.dots(kept, 1.0 if narrow else 1.4, cloud.token)
            xs, ys = sorted(p[0] for p in placed), sorted(p[1] for p in placed)
            places.append((cloud, xs[len(xs) // 2], ys[len(ys) // 2]))
        at = {cloud.name: (x, y) for cloud, x, y in places}
        for link in links:
            one, two = (at.get(clouds[place].name) for place in (link.first, link.second))
            if one and two:
                _link(canvas, one, two, link.kind)
        for cloud, x, y in _apart(places):
            canvas.text(x, y, fitting(cloud.name, 16), "b hal", "middle")

    return twice(draw, 460, label, 320)


def _link(canvas: Canvas, one: tuple[float, float], two: tuple[float, float], kind: str) -> None:
    dash = {"gradient": "", "gap": "6 4"}.get(kind, "1 4")
    canvas.line([one, two], "paper", 4)
    canvas.line([one, two], "ink2", 1.5, dash)
    if kind != "gap":
        return
    (x0, y0), (x1, y1) = one, two
    length = max(1e-9, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
    across, middle = (-(y1 - y0) / length * 9, (x1 - x0) / length * 9), ((x0 + x1) / 2, (y0 + y1) / 2)
    ends = [(middle[0] - across[0], middle[1] - across[1]), (middle[0] + across[0], middle[1] + across[1])]
    canvas.line(ends, "paper", 6)
    canvas.line(ends, "ink", 3)


def _apart(places: list[tuple[Cloud, float, float]]) -> list[tuple[Cloud, float, float]]:
    """Labels moved down until none stands on another."""
    done: list[tuple[Cloud, float, float]] = []
    for cloud, x, y in sorted(places, key=lambda place: (place[2], place[1])):
        while any(abs(y - other) < 16 and abs(x - across) < 90 for _, across, other in done):
            y += 4
        done.append((cloud, x, y))
    return done


def rails(canvas: Canvas, at: Sequence[float], place: Callable[[float], float], left: float, right: float) -> None:
    """Hairlines across the chart with their figures at the left."""
    digits = 1 if all(abs(t * 10 - round(t * 10)) < 1e-9 for t in at) else 2
    for tick in at:
        canvas.line([(left, place(tick)), (right, place(tick))], "rule")
        canvas.text(left - 6, place(tick) + 4, fixed(tick, digits), "s m", "end")


def k_axis(canvas: Canvas, x: Mapping[int, float], chosen: int, frame: tuple[float, float, float]) -> None:
    """Every k below the chart's frame (left, right, bottom), the chosen one in bold, and what the axis counts."""
    left, right, bottom = frame
    for k, place in x.items():
        canvas.text(place, bottom + 20, str(k), "s b" if k == chosen else "s m", "middle")
    canvas.text((left + right) / 2, canvas.height - 4, "number of segments", "s m", "middle")


def spread(ks: Sequence[int], left: float, right: float) -> dict[int, float]:
    """Where each k stands on the axis."""
    span = max(ks) - min(ks) or 1
    return {k: left + (k - min(ks)) / span * (right - left) for k in ks}


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most that many round values inside the range."""
    for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0):
        first = -int(-low // step) if low > 0 else int(low / step)
        found = [
            round(turn * step, 4)
            for turn in range(first, int(high / step + 1e-9) + 1)
            if low <= turn * step <= high + 1e-9
        ]
        if len(found) <= most:
            return found
    return [0.0]


def fitting(name: str, most: int) -> str:
    """The name, cut to at most that many letters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
