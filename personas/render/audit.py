"""The last chapter: what was read and set aside, what every feature means, what must be known, how it was made."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from personas.errors import count_of
from personas.estimate import Notice
from personas.narrative.formatting import assumed, count, fixed, money, percent
from personas.render.bars import bar
from personas.render.blocks import Cell, Column, Row, Section, Table
from personas.render.candidates import NAMES
from personas.render.text import first_upper, sentence, short
from personas.segmentation.reasons import bounds_words
from personas.sources.canonical import AuditLine
from personas.study import Study


def data_sections(study: Study) -> tuple[Section, ...]:
    """Audit, interpretation, feature dictionary, notices, assumptions, method."""
    sections = [
        _audit(study),
        _interpretation(study),
        _dictionary(study),
        _notices(study),
        _assumptions(study),
        _method(study),
    ]
    return tuple(section for section in sections if section is not None)


def _audit(study: Study) -> Section | None:
    lines = study.audit.lines
    if not lines:
        return None
    tables = tuple(dict.fromkeys(line.table for line in lines))
    return Section(
        "audit", "Audit", audit_heading(lines, study.about.language),
        sub="Rows and money read, used and set aside, by reason. They add up exactly.",
        tables=tuple(_audit_table(study, name) for name in tables),
    )  # fmt: skip


def audit_heading(lines: tuple[AuditLine, ...], locale: str) -> str:
    """The share of the rows inside the window that is in the study, of the orders, else of the first table there is."""
    order = [t for t in ("orders", "order_lines", "customers") if any(line.table == t for line in lines)]
    table = order[0] if order else lines[0].table
    rows = {line.step: line.rows for line in lines if line.table == table}
    inside = rows.get("read", 0) - rows.get("before-window", 0)
    if inside <= 0:
        return "What was read and what was set aside"
    where = " inside the window" if "before-window" in rows else ""
    return (
        f"{percent(rows.get('used', 0) / inside, locale, 1)} of the {table.replace('_', ' ')}{where} are in the study"
    )


def _audit_table(study: Study, table: str) -> Table:
    locale, currency = study.about.language, study.about.currency
    lines = [line for line in study.audit.lines if line.table == table]
    with_money = any(line.amount is not None for line in lines)
    with_customers = any(line.customers is not None for line in lines)
    titles = ["Step", "Rows", *(["Amount"] if with_money else []), *(["Customers"] if with_customers else [])]
    rows: list[Row] = []
    foot: list[Row] = []
    for line in lines:
        cells = [Cell(count(line.rows, locale))]
        if with_money:
            cells.append(Cell("" if line.amount is None else full_amount(line.amount, currency, locale)))
        if with_customers:
            cells.append(Cell("" if line.customers is None else count(line.customers, locale)))
        (foot if line.step == "used" else rows).append(Row(first_upper(short(line.label)), tuple(cells)))
    name = first_upper(table.replace("_", " "))
    return Table(
        f"{name}: what was read, set aside and used", (Column(name), *map(Column, titles[1:])), tuple(rows), tuple(foot)
    )


def full_amount(amount: str, currency: str, locale: str) -> str:
    """Exact money as the books have it, to the cent: totals of an audit are neither shortened nor rounded."""
    try:
        value = Decimal(amount)
    except InvalidOperation:
        return short(amount)
    return money(float(value), currency, locale, digits=max(0, -int(value.as_tuple().exponent)))


def _interpretation(study: Study) -> Section | None:
    rows = []
    for source in study.audit.interpretation:
        facts = [
            f"{key.replace('_', ' ')} {value}"
            for key in ("encoding", "delimiter", "format")
            if (value := source.get(key))
        ]
        records = source.get("records")
        rows.append(
            Row(
                short(str(source.get("source") or source.get("table") or "source")),
                (
                    Cell(short(str(source.get("file", "")))),
                    Cell(count(float(str(records)), study.about.language) if isinstance(records, int) else ""),
                    Cell("; ".join(facts)),
                    Cell(_columns_in_words(source.get("columns"))),
                ),
            )
        )
    if not rows:
        return None
    columns = (
        Column("Source"),
        Column("File", True),
        Column("Records"),
        Column("Read as", True),
        Column("Columns", True),
    )
    table = Table("How the files were understood", columns, tuple(rows), wide=True)
    return Section("sources", "Sources", "How the files were understood", tables=(table,))


def _columns_in_words(columns: object) -> str:
    """Found columns with the role they were given, as far as the audit tells."""
    if isinstance(columns, dict):
        return "; ".join(f"{short(str(role))} from {_origin(found)}" for role, found in columns.items())
    if isinstance(columns, list | tuple):
        told = []
        for item in columns:
            if isinstance(item, dict):
                role, found = short(str(item.get("column", ""))), _origin(item)
                told.append(f"{role} from {found}" if found and found != role else role)
            else:
                told.append(short(str(item)))
        return "; ".join(told)
    return ""


def _origin(found: object) -> str:
    """The found column or columns that a canonical one was made of."""
    if isinstance(found, dict):
        found = found.get("from") or found.get("column") or ""
    return short(" + ".join(map(str, found)) if isinstance(found, list | tuple) else str(found))


def _dictionary(study: Study) -> Section | None:
    if not study.dictionary:
        return None
    locale, largest = study.about.language, max(e.share_of_distance for e in study.dictionary)
    rows = tuple(
        Row(
            first_upper(short(e.feature.label)),
            (
                Cell(e.family_title), Cell(f"{e.feature.words}{f' ({e.note})' if e.note else ''}"),
                Cell(e.feature.unit), Cell(e.role), Cell(e.transform),
                Cell("" if e.missing_share is None else percent(e.missing_share, locale)),
                Cell(percent(e.share_of_distance, locale, 1) if e.share_of_distance else ""),
                Cell(bar=bar(e.share_of_distance, largest, kind="soft") if e.share_of_distance else ""),
            ),
        )
        for e in study.dictionary
    )  # fmt: skip
    columns = (
        Column("Feature"), Column("Family", True), Column("In words", True), Column("Unit", True), Column("Role", True),
        Column("Transform", True), Column("Missing"), Column("Share of distance"), Column("", bar=True),
    )  # fmt: skip
    forming, describing = (sum(e.role == role for e in study.dictionary) for role in ("basis", "profile"))
    left_out = len(study.dictionary) - forming - describing
    heading = f"{count_of(forming, 'feature')} form the segments, {count(describing, locale)} only describe them"
    heading += f", {count(left_out, locale)} could not be measured" if left_out else ""
    return Section(
        "features", "Feature dictionary", heading, tables=(Table("Feature dictionary", columns, rows, wide=True),)
    )


def _notices(study: Study) -> Section | None:
    every: dict[tuple[str, str], Notice] = {}
    for notice in (*study.notices, *study.audit.notices, *study.segmentation.notices, *study.profiles.notices):
        every.setdefault((notice.code, notice.text), notice)
    if not every:
        return None
    locale = study.about.language
    rows = tuple(
        Row(
            notice.code.replace("-", " "),
            (Cell(sentence(notice.text)), Cell(count(notice.count, locale) if notice.count else "")),
        )
        for notice in every.values()
    )
    table = Table("Notices", (Column("What"), Column("In words", True), Column("Rows or customers")), rows, wide=True)
    return Section("notices", "Notices", "What was left out, repaired or is unknown", tables=(table,))


def _assumptions(study: Study) -> Section | None:
    if not study.profiles.assumptions:
        return None
    facts = tuple((first_upper(a.what), assumed(a, study.about.language)) for a in study.profiles.assumptions)
    return Section("assumptions", "Assumptions", "What money rests on and nobody has measured", facts=facts)


def _method(study: Study) -> Section:
    about, segmentation, locale = study.about, study.segmentation, study.about.language
    algorithm = NAMES.get(segmentation.algorithm, segmentation.algorithm)
    text = (
        f"{first_upper(algorithm)}, k = {segmentation.k}, seed {about.seed}, {segmentation.protocol} protocol, "
        f"smallest allowed segment {count(segmentation.min_size, locale)} customers. "
        f"Clustered: {count(int((segmentation.labels >= 0).sum()), locale)} customers. "
        f"Engine: {about.engine}. Version {about.version}. "
        "Same files, same configuration, same seed and same versions give the same page."
    )
    facts = []
    gate = segmentation.gate or {}
    p_value, draws = gate.get("p_value"), gate.get("draws")
    if isinstance(p_value, int | float):
        null = f"{gate.get('null', 'structureless data')}, p = {fixed(float(p_value), 3)}"
        facts.append(("Test of structure", f"{null}{f', {draws} draws' if draws else ''}"))
    facts.append(("Bounds of the verdict", bounds_words()))
    facts += [(f"Input: {short(name)}", f"content hash {digest[:16]}") for name, digest in study.input_hashes]
    return Section("method", "Method", "Made to be repeated", body=(text,), facts=tuple(facts))
