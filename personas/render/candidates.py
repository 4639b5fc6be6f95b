"""Is there structure, and what every index says of every k: with intervals, votes and disagreement in sight."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from personas.narrative.formatting import count, fixed, number, percent
from personas.render.blocks import Cell, Chart, Column, Row, Section, Table
from personas.render.drawings import Level, silhouettes
from personas.render.text import and_list, first_upper, in_words
from personas.segmentation.records import Candidate, Segmentation
from personas.study import Study

NAMES = {"kmeans": "k-means", "gmm": "Gaussian mixture"}


def of_algorithm(segmentation: Segmentation) -> list[Candidate]:
    """The candidates of the algorithm that was taken, by k."""
    return sorted((c for c in segmentation.candidates if c.algorithm == segmentation.algorithm), key=lambda c: c.k)


def structure_section(study: Study) -> Section | None:
    """Silhouette by k over the band of structureless data, with what was compared and what decided."""
    segmentation = study.segmentation
    candidates = of_algorithm(segmentation)
    if not candidates:
        return None
    levels = [Level(c.k, _compared(c), _error(c), c.null_low, c.null_high, c.null_mean) for c in candidates]
    wide, narrow = silhouettes(levels, segmentation.k)
    p_value = (segmentation.gate or {}).get("p_value")
    body, heading = [], "How clear the groups are, by their number"
    if isinstance(p_value, int | float):
        heading = "There is structure beyond what chance shapes"
        if (segmentation.gate or {}).get("passed") is False:
            heading = "No structure was proven beyond what chance shapes"
        body.append(_gate_words(study, float(p_value)))
    body += _decided_by(segmentation, candidates)
    caption = "Mean silhouette, higher is clearer."
    if any(c.silhouette_se is not None for c in candidates):
        caption += " Lines: one standard error to each side."
    elif any(c.silhouette_error for c in candidates):
        caption += " Lines: 95% interval."
    if any(c.null_low is not None for c in candidates):
        caption += (
            " Grey band: middle 95% of draws without structure, around their mean; the line is measured by their "
            "recipe (few starts, at most 2,000 customers)."
        )
    chart = Chart(wide, narrow, caption, _structure_numbers(candidates))
    return Section("structure", "", heading, body=tuple(body), chart=chart)


def _error(candidate: Candidate) -> float:
    return candidate.silhouette_error if candidate.silhouette_se is None else candidate.silhouette_se


def _compared(candidate: Candidate) -> float:
    """The silhouette by the recipe of the draws without structure; the candidate's own where nothing was drawn."""
    if candidate.null_mean is None or candidate.excess is None:
        return candidate.silhouette
    return candidate.null_mean + candidate.excess


def _structure_numbers(candidates: Sequence[Candidate]) -> Table:
    titles = ("k", "Silhouette", "Standard error", "By their recipe", "Without structure", "Middle 95%", "Above it")
    columns = tuple(map(Column, titles))

    def known(value: float | None) -> str:
        return "unknown" if value is None else fixed(value, 3)

    rows = []
    for c in candidates:
        band = "unknown"
        if c.null_low is not None and c.null_high is not None:
            band = f"{fixed(c.null_low, 3)} to {fixed(c.null_high, 3)}"
        compared = None if c.null_mean is None else _compared(c)
        figures = (
            known(c.silhouette), known(c.silhouette_se), known(compared), known(c.null_mean), band, known(c.excess),
        )  # fmt: skip
        rows.append(Row(str(c.k), tuple(map(Cell, figures))))
    return Table("Silhouette by number of segments, and without structure", columns, tuple(rows))


def _gate_words(study: Study, p_value: float) -> str:
    gate, chosen = study.segmentation.gate or {}, study.segmentation.chosen
    draws, early = gate.get("draws"), bool(gate.get("stopped_early"))
    drawn = f"{draws} tables were" if draws else "Tables were"
    text = f"{drawn} drawn with each variable as it is and no clusters"
    if chosen.null_mean is not None:
        text += f". At {chosen.k} segments they reach {fixed(chosen.null_mean, 3)} on average"
        if chosen.null_high is not None:
            text += f" and {fixed(chosen.null_high, 3)} at the upper end"
        text += f"; these customers reach {fixed(_compared(chosen), 3)} by the same recipe"
    said = f"p > 0.2 after {draws} draws, where it was stopped" if early else f"p = {fixed(p_value, 3)}"
    return f"{text} ({said})."


def _decided_by(segmentation: Segmentation, candidates: Sequence[Candidate]) -> list[str]:
    """The k of the best silhouette beside the one taken, with the guard between them; and the banners."""
    best = max(candidates, key=lambda c: c.silhouette)
    said = []
    if best.k != segmentation.k:
        said.append(
            f"The silhouette alone is highest at {best.k} ({fixed(best.silhouette, 3)}); {segmentation.k} reaches "
            f"{fixed(segmentation.chosen.silhouette, 3)}. "
            + (segmentation.guard or "It was chosen for the reasons given in the summary.")
        )
    else:
        said.append(f"The silhouette is highest at {best.k} too ({fixed(best.silhouette, 3)}): no guard had to decide.")
    if segmentation.shape_banner:
        said.append("Shape not suited: groups that hang together are cut across, so nothing here is called natural.")
    if segmentation.depends_on_preparation:
        said.append(
            "Depends on preparation: other scales, families or models give other segments, so the verdict stands one "
            f"step lower than {segmentation.verdict_as_prepared or 'as prepared'}."
        )
    return said


@dataclass(frozen=True, slots=True)
class Figure:
    """A column of the evidence: how to read it from a candidate, how to write it, which end is better."""

    title: str
    value: Callable[[Candidate], float | None]
    words: Callable[[float], str]
    better: str
    own: str = ""
    """Name in ``Segmentation.own_k`` where the index has a rule of its own for its k."""


def _thousands(value: float) -> str:
    return f"{number(value / 1000)}k"


FIGURES = (
    Figure("Silhouette", lambda c: c.silhouette, lambda v: fixed(v, 3), "higher", "silhouette"),
    Figure("Above no structure", lambda c: c.excess, lambda v: fixed(v, 3), "higher"),
    Figure("Calinski– Harabasz", lambda c: c.calinski_harabasz, count, "higher", "calinski_harabasz"),
    Figure("Davies– Bouldin", lambda c: c.davies_bouldin, lambda v: fixed(v, 2), "lower", "davies_bouldin"),
    Figure("Gap", lambda c: c.gap, lambda v: fixed(v, 2), "", "gap"),
    Figure("BIC", lambda c: c.mixture_bic if c.bic is None else c.bic, _thousands, "lower", "mixture_bic"),
    Figure("ICL", lambda c: c.mixture_icl if c.icl is None else c.icl, _thousands, "lower", "mixture_icl"),
    Figure("Prediction strength", lambda c: c.prediction_strength, lambda v: fixed(v, 2), "", "prediction_strength"),
    Figure("Agreement", lambda c: c.ari_median, lambda v: fixed(v, 2), "higher"),
    Figure("Weakest segment", lambda c: c.jaccard_min, lambda v: fixed(v, 2), "higher"),
    Figure("Smallest", lambda c: c.smallest_share, percent, ""),
    Figure("Borders with a gap", lambda c: None if c.borders_gap is None else float(c.borders_gap), count, ""),
)


def candidates_section(study: Study) -> Section | None:
    """Every k with every index; the last row says which k each index would take by its own rule."""
    segmentation = study.segmentation
    candidates = sorted(
        segmentation.candidates, key=lambda c: (c.algorithm != segmentation.algorithm, c.algorithm, c.k)
    )
    if not candidates:
        return None
    kept = [figure for figure in FIGURES if any(figure.value(c) is not None for c in candidates)]
    best = {figure.title: _best(candidates, figure) for figure in kept if figure.better}
    several = len({c.algorithm for c in candidates}) > 1
    rows = []
    for c in candidates:
        head = f"{c.k}, {NAMES.get(c.algorithm, c.algorithm)}" if several else str(c.k)
        picked = (c.algorithm, c.k) == (segmentation.algorithm, segmentation.k)
        rows.append(Row(head, tuple(_cell(c, figure, best) for figure in kept), pick=picked))
    own = {figure.title: _own_k(figure, best, segmentation) for figure in kept}
    foot = Row("Its own k", tuple(Cell("" if own[f.title] is None else str(own[f.title])) for f in kept))
    columns = (Column("k"), *(Column(figure.title) for figure in kept))
    title = "Candidates for k with every index"
    table = Table(title, columns, tuple(rows), (foot,), note=_note(kept), wide=True)
    said = [_mixture_words(segmentation)] if segmentation.chosen.mixture_ari is not None else []
    heading = _votes([k for k in own.values() if k is not None], candidates)
    return Section("candidates", "", heading, body=tuple(said), tables=(table,))


def _note(kept: Sequence[Figure]) -> str:
    titles = {figure.title for figure in kept}
    text = (
        "▲ best value of its column; nothing is added up into one score. Davies–Bouldin, BIC and ICL: lower is better. "
        "Agreement: median adjusted Rand index between resamples."
    )
    if "Gap" in titles:
        text += (
            " Own k of the gap statistic: the first that the next one does not exceed by more than its error; of "
            "prediction strength: the largest from 0.80 on; 1 means that they see no segments."
        )
    return text


def _mixture_words(segmentation: Segmentation) -> str:
    chosen = segmentation.chosen
    return (
        f"A Gaussian mixture of {chosen.k} agrees with these segments by {fixed(chosen.mixture_ari or 0.0, 2)} "
        "(adjusted Rand index); BIC and ICL are those of the mixture and count its parts, which may be more than the "
        "segments."
    )


def _best(candidates: Sequence[Candidate], figure: Figure) -> set[tuple[str, int]]:
    """Who has the best value of a column; several where they are equal, nobody where there is only one."""
    known = [(value, c.algorithm, c.k) for c in candidates if (value := figure.value(c)) is not None]
    if len(known) < 2:
        return set()
    top = (max if figure.better == "higher" else min)(value for value, *_ in known)
    return {(algorithm, k) for value, algorithm, k in known if abs(value - top) < 1e-9}


def _own_k(figure: Figure, best: dict[str, set[tuple[str, int]]], segmentation: Segmentation) -> int | None:
    """The k of an index by its own rule, or of its best value; the chosen one among equals."""
    if figure.own in segmentation.own_k:
        return segmentation.own_k[figure.own]
    ks = {k for _, k in best.get(figure.title, set())}
    if not ks:
        return None
    return segmentation.k if segmentation.k in ks else min(ks)


def _cell(c: Candidate, figure: Figure, best: dict[str, set[tuple[str, int]]]) -> Cell:
    value = figure.value(c)
    if value is None:
        return Cell("not run")
    small = f"±{fixed(c.silhouette_error, 3)}" if figure.title == "Silhouette" and c.silhouette_error else ""
    words = figure.words(value)
    text = (
        f"{words} of {c.borders_tested}"
        if figure.title == "Borders with a gap" and c.borders_tested is not None
        else words
    )
    return Cell(text, small, best=(c.algorithm, c.k) in best.get(figure.title, set()))


def _votes(own: Sequence[int], candidates: Sequence[Candidate]) -> str:
    """How many indices prefer which k: agreement or disagreement is the finding."""
    votes = {k: own.count(k) for k in own}
    if not votes:
        return f"Only k = {candidates[0].k} was looked at" if len(candidates) == 1 else "The candidates"
    if len(votes) == 1:
        return f"Every index prefers {in_words(next(iter(votes)))}"
    order = sorted(votes, key=lambda k: (-votes[k], k))
    told = [f"{in_words(votes[k])} {'says' if votes[k] == 1 else 'say'} {in_words(k)}" for k in order]
    return first_upper(f"the indices disagree: {and_list(told)}")
