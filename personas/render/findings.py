"""Further findings of the dossier: family tree, differences, rules, choices, the picture."""

from __future__ import annotations

from collections.abc import Mapping

from personas.narrative.formatting import count, fixed, percent, show
from personas.narrative.selection import SMALLEST_DELTA
from personas.render.bars import bar
from personas.render.blocks import Cell, Chart, Column, Row, Section, Table
from personas.render.facts import label_of, typical
from personas.render.styles import persona_token
from personas.render.text import and_list, first_upper, in_words, short
from personas.render.tree import Flow, Node, family_tree
from personas.segmentation.sensitivity import WITHOUT_FAMILY
from personas.study import Study

APPROXIMATE, TOO_ROUGH = 0.85, 0.7
"""A rule that is right less often, or finds less of its persona, is approximate, or no use (method.md 8.2)."""
MOSTLY = 0.5
"""From this share on of a segment that is left out, it is said."""
MUCH_MONEY = 0.2
"""More of the money than this moved by a neutral choice is a stop sign (method.md 10.1)."""


def segment_names(study: Study) -> dict[int, str]:
    """Names by segment; "Segment 3" where there is no persona."""
    names = {segment: f"Segment {segment + 1}" for segment in range(study.segmentation.k)}
    return names | {p.segment: short(p.name) for p in study.personas}


def _float(row: Mapping[str, object], key: str) -> float | None:
    value = row.get(key)
    return float(value) if isinstance(value, int | float) else None


def lineage_section(study: Study) -> Section | None:
    """Where the segments of each k come from when one more is allowed: a tree with its table."""
    segmentation = study.segmentation
    sizes = {c.k: c.sizes for c in segmentation.candidates if c.algorithm == segmentation.algorithm}
    flows, rows = [], []
    for step in segmentation.lineage:
        k, segment, origins = _float(step, "k"), _float(step, "segment"), step.get("from")
        if k is None or segment is None or not isinstance(origins, list | tuple):
            continue
        parts = [(int(part["segment"]), float(part["share"])) for part in origins if isinstance(part, dict)]
        rows.append(_lineage_row(study, int(k), int(segment), parts))
        own = sizes.get(int(k), ())
        if int(segment) < len(own):
            flows += [Flow(int(k) - 1, origin, int(segment), share * own[int(segment)]) for origin, share in parts]
    if not rows:
        return None
    columns = [Column("k"), Column("Segment", True), Column("Customers")]
    columns += [Column("Money")] if study.profiles.branches else []
    columns += [Column("Its customers were, one step before", True)]
    note = "Shares under 5% are not listed."
    if study.profiles.branches:
        note += f" Money: share of the {study.profiles.branches[0].what} of the customers who were clustered."
    table = Table("Family tree of segments, k to k + 1", tuple(columns), tuple(rows), wide=True, note=note)
    chart = _tree(study, sizes, flows, table)
    said = _taken_apart(study, sizes, flows)
    tables = () if chart else (table,)
    return Section("tree", "", "What one more segment takes apart", body=said, chart=chart, tables=tables)


def _taken_apart(study: Study, sizes: dict[int, tuple[int, ...]], flows: list[Flow]) -> tuple[str, ...]:
    """Which segment one more takes apart most: the one whose customers stay together least."""
    k = study.segmentation.k
    onward = [flow for flow in flows if flow.k == k]
    if not onward or study.about.verdict == "none":
        return ()
    names, kept = segment_names(study), {}
    for segment in range(k):
        own = [flow.customers for flow in onward if flow.origin == segment]
        kept[segment] = max(own, default=0.0) / max(1.0, sum(own))
    split = min(kept, key=lambda segment: (kept[segment], segment))
    smallest = min(sizes.get(k + 1, (0,)))
    worth = {b.segment: b.share for b in study.profiles.branches if b.k == k + 1}
    least = worth.get(sizes[k + 1].index(smallest)) if k + 1 in sizes else None
    money = "" if least is None else f" and {percent(least)} of the money"
    return (
        f"{first_upper(in_words(k + 1))} segments would take apart {names[split]} most: {percent(kept[split])} of it "
        f"would stay together. The smallest of them would have {count(smallest)} customers{money}. It is worth it if "
        "the parts call for actions of their own.",
    )


def _lineage_row(study: Study, k: int, segment: int, parts: list[tuple[int, float]]) -> Row:
    name = segment_names(study).get(segment, "") if k == study.segmentation.k else f"Segment {segment + 1}"
    taken = study.segmentation.algorithm
    sizes = next((c.sizes for c in study.segmentation.candidates if (c.algorithm, c.k) == (taken, k)), ())
    told = [f"{percent(share)} from segment {origin + 1}" for origin, share in parts if share >= 0.05]
    cells = [Cell(name), Cell(count(sizes[segment]) if segment < len(sizes) else "unknown")]
    if study.profiles.branches:
        share = money_share(study, k, segment)
        cells.append(Cell("unknown" if share is None else percent(share)))
    return Row(str(k), (*cells, Cell(and_list(told) if told else "new")))


def money_share(study: Study, k: int, segment: int) -> float | None:
    """Share of the clustered customers' money in a segment of any k; None where it is unknown."""
    return next((b.share for b in study.profiles.branches if (b.k, b.segment) == (k, segment)), None)


def _tree(study: Study, sizes: dict[int, tuple[int, ...]], flows: list[Flow], table: Table) -> Chart | None:
    """The tree up to one step beyond the chosen k; None where a row of it is not known."""
    chosen, names = study.segmentation.k, segment_names(study)
    ks = sorted({flow.k for flow in flows} | {flow.k + 1 for flow in flows})
    ks = [k for k in ks if k <= chosen + 1]
    whole = all(k in sizes and (k - 1 not in ks or any(f.k == k - 1 for f in flows)) for k in ks)
    if len(ks) < 2 or ks != list(range(ks[0], ks[-1] + 1)) or not whole or study.about.verdict == "none":
        return None
    order = [p.segment for p in study.personas]
    nodes = [
        Node(
            k, segment, customers, short(names[segment], 16) if k == chosen else "",
            persona_token(order.index(segment)) if k == chosen and segment in order else "",
            money_share(study, k, segment),
        )
        for k in ks
        for segment, customers in enumerate(sizes[k])
    ]  # fmt: skip
    wide, narrow = family_tree(nodes, [f for f in flows if f.k + 1 in ks], chosen)
    caption = "Width: share of customers. Rows: number of segments. Grey areas: the customers that stay together."
    return Chart(wide, narrow, caption, table)


def differences_section(study: Study) -> Section | None:
    """Variables that did not form the segments and still tell them apart."""
    if not study.personas or study.about.verdict == "none":
        return None
    locale, names = study.about.language, segment_names(study)
    formed = study.profiles.definitions
    describing = [e for e in study.dictionary if e.role == "profile" and e.feature.name not in formed]
    rows: list[tuple[float, Row]] = []
    tested, proven = False, 0.0
    for entry in describing:
        found = [
            (e.value, p.segment, e) for p in study.profiles.segments if (e := typical(p.facts.get(entry.feature.name)))
        ]
        if len(found) < 2:
            continue
        low, high = min(found, key=lambda item: item[:2]), max(found, key=lambda item: item[:2])
        effects = [
            abs(f.effect.value) for p in study.profiles.segments if (f := p.facts.get(entry.feature.name)) and f.effect
        ]
        largest = max(effects, default=0.0)
        ends = [Cell(f"{names[end[1]]}, {show(end[2], locale)}") for end in (high, low)]
        effect = Cell(fixed(largest, 2) if effects else "", bar="")
        claims = [p.claims[entry.feature.name] for p in study.profiles.segments if entry.feature.name in p.claims]
        held = [abs(claim.effect.value) for claim in claims if claim.holds]
        tested, proven = tested or bool(claims), max([proven, *held])
        holds = Cell(f"{len(held)} of {len(claims)}" if claims else "not tested")
        drawn = Cell(bar=bar(largest, 1, kind="soft") if effects else "")
        rows.append((largest, Row(label_of(entry.feature, True), (*ends, effect, drawn, holds))))
    if not rows:
        return None
    rows.sort(key=lambda item: (-item[0], item[1].head))
    columns = (
        Column("Variable, not used to form"),
        Column("Highest", True),
        Column("Lowest", True),
        Column("Largest effect"),
        Column("", bar=True),
        Column("Holds in"),
    )
    table = Table(
        "Differences on variables not used", columns, tuple(row for _, row in rows[:10]), wide=True,
        note="Effect: Cliff's delta of one segment against all others, 0 none to 1 complete. Holds in: segments whose "
        "difference stays when customers and segments are drawn again (95% for all of them at once). Differences on "
        "the forming variables are definitions and are not tested.",
    )  # fmt: skip
    heading = f"On variables that did not form them they differ little{'' if proven else ', if at all'}"
    if not tested:
        heading = "Whether they differ on variables that did not form them was not tested"
    elif proven >= SMALLEST_DELTA:
        heading = "They differ where it matters, on variables that did not form them"
    return Section("differences", "", heading, tables=(table,))


def rules_section(study: Study) -> Section | None:
    """The rule of every persona with its accuracy."""
    locale = study.about.language
    rows = tuple(
        Row(
            short(p.name),
            (
                Cell(p.rule.text),
                Cell(count(p.rule.list_size, locale)),
                Cell(percent(p.rule.precision, locale)),
                Cell(percent(p.rule.recall, locale)),
            ),
        )
        for p in study.personas
        if p.rule
    )
    if not rows:
        return None
    columns = (Column("Persona"), Column("Rule", True), Column("List"), Column("Right"), Column("Found"))
    note = "Right: share of the list that belongs there. Found: share of the persona that is on the list."
    table = Table("Rules and their accuracy", columns, rows, note=note, wide=True)
    return Section("rules", "", _how_well(study), tables=(table,))


def _how_well(study: Study) -> str:
    """Whether the rules find the personas again: by the smaller of right and found."""
    sure = {short(p.name): min(p.rule.precision, p.rule.recall) for p in study.personas if p.rule}
    heading = "A rule of at most three conditions finds them again in the CRM"
    rough = [name for name, share in sure.items() if share < APPROXIMATE]
    if rough:
        heading += f"; approximate for {and_list(rough)}" if len(rough) < len(sure) else ", but only approximately"
    poor = [name for name, share in sure.items() if share < TOO_ROUGH]
    if poor:
        heading += f". Too rough for {and_list(poor)}: merge personas or form them by other variables"
    return heading


def _sampled(row: Mapping[str, object], locale: str) -> str:
    """The error of a share that only a sample of customers has shown."""
    error = _float(row, "customers_moved_error")
    return "" if error is None else f"±{percent(error, locale)}"


def sensitivity_section(study: Study) -> Section | None:
    """The choices ledger: how much hangs on one choice."""
    locale = study.about.language
    ledger = [row for row in study.segmentation.sensitivity if _float(row, "ari") is not None]
    if not ledger:
        return None
    ledger = sorted(ledger, key=lambda row: (_float(row, "ari") or 0.0, str(row.get("choice"))))
    largest = max((_float(row, "customers_moved_share") or 0.0) for row in ledger)
    with_money = any(_float(row, "contribution_moved_share") is not None for row in ledger)
    rows = []
    for row in ledger:
        moved, earned = _float(row, "customers_moved_share"), _float(row, "contribution_moved_share")
        cells = [
            Cell(fixed(_float(row, "ari") or 0.0, 2)),
            Cell("unknown" if moved is None else percent(moved, locale), _sampled(row, locale)),
            Cell(bar=bar(moved, largest, kind="soft") if moved else ""),
        ]  # fmt: skip
        if with_money:
            cells.append(Cell("unknown" if earned is None else percent(earned, locale)))
        rows.append(Row(first_upper(short(str(row.get("choice", "")))), tuple(cells)))
    columns = [Column("Choice"), Column("Agreement"), Column("Customers moved"), Column("", bar=True)]
    columns += [Column("Contribution moved")] if with_money else []
    table = Table("Choices ledger", tuple(columns), tuple(rows), wide=True)
    heading = f"Most hangs on one choice: {rows[0].head[:1].lower() + rows[0].head[1:]}"
    if (_float(ledger[0], "ari") or 0.0) >= 0.9:
        heading = "Little hangs on any single choice"
    sub = "What changes if one choice is made otherwise and the rest stays."
    neutral = [row for row in ledger if not str(row.get("choice")).startswith(WITHOUT_FAMILY)]
    most = max((_float(row, "contribution_moved_share") or 0.0 for row in neutral), default=0.0)
    if most > MUCH_MONEY:
        sub += f" Stop sign: a choice of scale or model moves {percent(most, locale)} of the contribution."
    return Section("choices", "", heading, sub=sub, body=_taken_away(study), tables=(table,))


def _taken_away(study: Study) -> tuple[str, ...]:
    """Segments that mostly go when the farthest customers are left out: small and real, or a handful of strays."""
    names, gone = segment_names(study), []
    for row in study.segmentation.sensitivity:
        shares = row.get("left_out_shares")
        for segment, share in enumerate(shares if isinstance(shares, list | tuple) else ()):
            if share > MOSTLY:
                choice = first_upper(str(row["choice"]).partition(": ")[2] or str(row["choice"]))
                gone.append(f"{choice} takes {percent(share)} of {names[segment]} away: a small segment, or strays.")
    return tuple(gone)
