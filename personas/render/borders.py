"""The borders between neighbours, gap or cut, as a table and on the picture of the customers."""

from __future__ import annotations

from personas.narrative.formatting import count, fixed
from personas.render.blocks import Cell, Chart, Column, Row, Section, Table
from personas.render.drawings import Cloud, Link, picture
from personas.render.findings import segment_names
from personas.render.styles import persona_token
from personas.render.text import and_list, first_upper, in_words
from personas.segmentation.records import Border, Segmentation
from personas.study import Study

WORDS = {
    "gap": "gap", "gradient": "cut through a continuum", "untested": "not tested, too few customers",
    "categorical": "not tested, a change of level",
}  # fmt: skip


def borders_section(study: Study) -> Section | None:
    """Which borders are gaps, with the picture; the picture alone where borders were not tested."""
    segmentation = study.segmentation
    shown = study.about.verdict != "none"
    chart = _picture(study)
    if not segmentation.borders or not shown:
        if chart is None:
            return None
        return Section("picture", "", "The customers in one picture", chart=chart)
    names = segment_names(study)
    rows = [_row(border, names) for border in segmentation.borders]
    columns = (
        Column("Neighbours"), Column("Border", True), Column("Customers"), Column("Dip"), Column("p"),
        Column("p, all borders"), Column("Dip without structure"),
    )  # fmt: skip
    note = (
        "Dip: distance of the customers along the line between the two from one single hump (Hartigan); a gap has p up "
        "to 0.01 and a deeper dip than 95% of the borders in structureless data. Customers: of both, in a sample."
    )
    table = Table("Borders between neighbouring segments", columns, tuple(rows), note=note, wide=True)
    return Section(
        "picture", "", groups_words(segmentation), body=(_said(segmentation, names),), chart=chart, tables=(table,)
    )  # fmt: skip


def groups_words(segmentation: Segmentation) -> str:
    """How many groups with gaps between them the segments form."""
    k, groups = segmentation.k, segmentation.natural_groups or 1
    if groups == k and all(border.kind == "gap" for border in segmentation.borders):
        return f"{first_upper(in_words(k))} segments in {in_words(groups)} natural groups: a gap on every border"
    if groups > 1 and not any(border.kind == "gap" for border in segmentation.borders):
        return f"{first_upper(in_words(k))} segments in {in_words(groups)} groups too far apart to be neighbours"
    plural = "group" if groups == 1 else "groups"
    return f"{first_upper(in_words(k))} segments in {in_words(groups)} natural {plural}"


def _said(segmentation: Segmentation, names: dict[int, str]) -> str:
    kinds = [border.kind for border in segmentation.borders]
    gaps, tested = kinds.count("gap"), kinds.count("gap") + kinds.count("gradient")
    text = f"{gaps} of {tested} tested borders {'is a gap' if gaps == 1 else 'are gaps'}"
    cuts = [f"{names[b.first]} and {names[b.second]}" for b in segmentation.borders if b.kind == "gradient"]
    if cuts:
        more = f", and {len(cuts) - 4} more" if len(cuts) > 4 else ""
        text += f"; our cut, and a convention, is the border between {'; '.join(cuts[:4])}{more}"
    untested = len(kinds) - tested
    return text + (f". {untested} could not be tested." if untested else ".")


def _row(border: Border, names: dict[int, str]) -> Row:
    def known(value: float | None, digits: int) -> Cell:
        return Cell("not tested" if value is None else fixed(value, digits))

    def chance(value: float | None) -> Cell:
        return Cell("<0.001") if value is not None and value < 0.0005 else known(value, 3)

    return Row(
        f"{names[border.first]} – {names[border.second]}",
        (
            Cell(WORDS.get(border.kind, border.kind), far=border.kind == "gap"), Cell(count(border.customers)),
            known(border.dip, 3), chance(border.p_value), chance(border.p_holm), known(border.null_dip, 3),
        ),
    )  # fmt: skip


def _picture(study: Study) -> Chart | None:
    """The customers as dots in two dimensions: for the eye, never for a distance."""
    segmentation = study.segmentation
    points, which = segmentation.map_points, segmentation.map_rows
    if points is None or which is None or segmentation.map_kind == "none" or len(points) < 10:
        return None
    names = segment_names(study)
    order = [p.segment for p in study.personas] or list(range(segmentation.k))
    if study.about.verdict == "none":
        clouds, order = [Cloud("", "ink2", tuple((float(x), float(y)) for x, y in points))], []
    else:
        labels = segmentation.labels[which]
        clouds = [
            Cloud(
                names[segment], persona_token(place), tuple((float(x), float(y)) for x, y in points[labels == segment])
            )
            for place, segment in enumerate(order)
        ]
    links = [
        Link(order.index(b.first), order.index(b.second), b.kind)
        for b in segmentation.borders
        if b.first in order and b.second in order
    ]
    kind = {"umap": "UMAP", "pca": "principal components"}.get(segmentation.map_kind, segmentation.map_kind)
    named = and_list([c.name for c in clouds if c.name]) or "all customers"
    label = f"Picture of {len(points):,} customers in two dimensions by {kind}, one colour for each of: {named}."
    caption = (
        f"Each dot is a customer of a sample, placed by {kind}. For the eye only: distances and gaps on this picture "
        "mean nothing, and no figure of this report was taken from it."
    )
    if links:
        told = [f"{clouds[link.first].name} and {clouds[link.second].name} {link.kind}" for link in links]
        label += f" Borders: {'; '.join(told)}."
        caption += " Lines join neighbours: with a bar across a tested gap, plain a cut, dotted not tested."
    wide, narrow = picture(clouds, label, links)
    return Chart(wide, narrow, caption)
