"""Leads from the command line: which persona each is like, from the few columns that a lead has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from personas.audiences import harmless
from personas.config import Config
from personas.engines import Engine, Table, open_engine
from personas.engines.portable import quoted
from personas.errors import ConfigError, InputError, did_you_mean
from personas.profiles.leads import LeadScorer, fit_leads
from personas.sources.privacy import PROTECTED
from personas.study import Study
from personas.wholefiles import table_text, write_whole

Values = dict[str, NDArray[np.generic]]
NO_FIELD = frozenset({"customer_id", "created_on", "acquisition_cost", "service_level"})
"""Columns that only somebody has who is a customer already."""
KNOWN = 0.5
"""Share of the leads of which a column must be known to be used without being asked for (our choice)."""
MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class ScoredLeads:
    """One row per lead, and what the scorer is worth."""

    ids: tuple[str, ...]
    segments: tuple[int | None, ...]
    probabilities: NDArray[np.float64]
    scorer: LeadScorer


ELSEWHERE = {"postgres": None, "data": None, "package": None, "sheet": None, "format": "auto"}
"""Where customers may come from; leads come from their own file, whatever that is."""


def score_leads(
    config: Config, study: Study, leads: Path, fields: Sequence[str] = (), seed: int | None = None
) -> ScoredLeads:
    """The segment of each lead, None where the scorer cannot tell.

    The file of leads is read like the customers of the configuration. Fields are the columns that both have; protected
    ones (age, gender, country ...) only when ``fields`` names them.

    Raises
    ------
    ConfigError
        When the configuration has no customers, or ``fields`` names a column that is not there.
    InputError
        When no column is left, or too few customers have a segment.
    """
    from personas import sources
    from personas.simulated import simulate_if_asked
    from personas.sources.load import load

    if "customers" not in config.sources:
        raise ConfigError("leads are scored from columns of the customers, and the configuration has no such source")
    simulate_if_asked(config)
    with open_engine(**config.engine.model_dump()) as engine:
        source = config.sources["customers"].model_copy(update={**ELSEWHERE, "file": leads.name})
        given = load(engine, "customers", source, leads.resolve().parent, config.study, frozenset({"customer_id"}))
        rows = engine.make("lead_rows", f"SELECT * FROM {quoted(given.table.name)}")  # the customers take its name
        tables = sources.prepare(engine, config)
        segments = engine.read("lead_segments", study.segments.select(["customer_id", "segment"]))
        chosen = _fields(engine, tables.customers, rows, fields)
        known = engine.make("lead_customers", labelled_sql(tables.customers.name, segments.name, chosen))
        ids, values = _values(engine, known, chosen)
        labels = _column(engine, known, "segment").astype(np.int32)
        lead_ids, lead_values = _values(engine, rows, chosen)
    if not len(ids):
        raise InputError("no customer of the configuration has a segment in this study; are they of one another?")
    scorer = fit_leads(values, labels, chosen, study.about.seed if seed is None else seed)
    return ScoredLeads(tuple(lead_ids), tuple(scorer.score(lead_values)), scorer.probabilities(lead_values), scorer)


def labelled_sql(customers: str, segments: str, fields: Sequence[str]) -> str:
    """Customers who have a segment, with the fields."""
    columns = "".join(f",\n  c.{quoted(name)}" for name in fields)
    return f"""SELECT
  c.customer_id AS customer_id,
  s.segment AS segment{columns}
FROM {quoted(customers)} AS c
JOIN {quoted(segments)} AS s ON s.customer_id = c.customer_id
WHERE s.segment IS NOT NULL"""


def _fields(engine: Engine, customers: Table, leads: Table, asked: Sequence[str]) -> list[str]:
    """The columns to score by, sorted."""
    both = sorted((set(customers.columns) & set(leads.columns)) - NO_FIELD)
    missing = [name for name in asked if name not in both]
    if missing:
        raise ConfigError(
            f"leads and customers do not both have '{missing[0]}'. {did_you_mean(missing[0], both)} "
            f"Both have: {', '.join(both) or 'nothing'}."
        )
    if asked:
        return sorted(set(asked))
    counts = ", ".join(f"COUNT({quoted(name)}) AS n{i}" for i, name in enumerate(both))
    sql = f"SELECT COUNT(*) AS n{', ' if both else ''}{counts} FROM {quoted(leads.name)}"
    row = engine.fetch(sql, 1).to_pylist()[0]
    found = [
        name for i, name in enumerate(both) if name not in PROTECTED and row[f"n{i}"] >= KNOWN * max(row["n"], 1)
    ]
    if not found:
        left_out = [name for name in both if name in PROTECTED]
        hint = f" Protected columns are used only when --fields names them: {', '.join(left_out)}." if left_out else ""
        raise InputError(f"leads and customers share no column that is known for half of the leads.{hint}")
    return found


def _values(engine: Engine, table: Table, fields: Sequence[str]) -> tuple[list[str], Values]:
    """Ids and fields, sorted by id: numbers as float64, everything else as text or None."""
    types = engine.columns(table)
    readings = []
    for name in fields:
        kind = "VARCHAR" if types[name].upper().startswith(("VARCHAR", "BOOL", "DATE")) else "DOUBLE"
        readings.append(f",\n  CAST({quoted(name)} AS {kind}) AS {quoted(name)}")
    sql = f"SELECT\n  CAST(customer_id AS VARCHAR) AS customer_id{''.join(readings)}\nFROM {quoted(table.name)}"
    rows = engine.fetch(f"{sql}\nWHERE customer_id IS NOT NULL", MOST).sort_by("customer_id")
    values: Values = {}
    for name in fields:
        column = rows[name].combine_chunks().to_numpy(zero_copy_only=False)
        values[name] = column.astype(np.float64) if column.dtype != np.object_ else column
    return rows["customer_id"].to_pylist(), values


def _column(engine: Engine, table: Table, name: str) -> NDArray[np.int64]:
    sql = f"SELECT CAST(customer_id AS VARCHAR) AS customer_id, {quoted(name)} FROM {quoted(table.name)}"
    return np.asarray(engine.fetch(sql, MOST).sort_by("customer_id")[name].to_numpy(), dtype=np.int64)


def out_for(leads: Path, out: Path | None) -> Path:
    """Where scored leads go; without ``out`` into the working folder, under a name made of that of the leads.

    Raises ConfigError when that would overwrite the leads themselves.
    """
    wanted = out or Path(f"{leads.stem}-personas.csv")
    if wanted.exists() and leads.exists() and wanted.samefile(leads):
        raise ConfigError(f"--out {wanted} is the file of leads itself. Choose another --out.")
    return wanted


def write_leads(found: ScoredLeads, study: Study, out: Path) -> None:
    """One row per lead: segment and persona (empty where it cannot be told) and the largest probability."""
    names = {persona.segment: persona.name for persona in study.personas}
    rows = []
    for who, segment, shares in zip(found.ids, found.segments, found.probabilities, strict=True):
        told = ["", "cannot tell"] if segment is None else [str(segment), names.get(segment, "")]
        rows.append([harmless(who), *told, f"{float(shares.max()):.3f}"])
    write_whole({out: table_text(["customer_id", "segment", "persona", "probability"], rows)})


def summary(found: ScoredLeads, study: Study) -> dict[str, object]:
    """What the scorer is worth by cross-validation, and how many leads it answers for."""
    scorer = found.scorer
    names = {persona.segment: persona.name for persona in study.personas}
    told = [segment for segment in found.segments if segment is not None]
    return {
        "leads": len(found.ids),
        "answered": len(told),
        "by_persona": {names.get(g, str(g)): told.count(g) for g in scorer.segments if told.count(g)},
        "fields": list(scorer.fields),
        "cross_validation": {
            "accuracy": scorer.accuracy, "answered": scorer.answered, "largest_segment": scorer.baseline,
            "calibration_gap": scorer.calibration,
        },
    }  # fmt: skip


def report(found: ScoredLeads, study: Study) -> str:
    """The summary in words."""
    scorer, told = found.scorer, sum(segment is not None for segment in found.segments)
    lines = [f"{told:,} of {len(found.ids):,} leads are like one persona; the others cannot be told."]
    names = {persona.segment: persona.name for persona in study.personas}
    counts = [(sum(segment == g for segment in found.segments), names.get(g, str(g))) for g in scorer.segments]
    lines += [f"{n:>12,}  {name}" for n, name in counts if n]
    lines.append(
        f"Among customers, by cross-validation: an answer for {scorer.answered:.0%}, right for {scorer.accuracy:.0%} "
        f"of them; naming the largest persona each time would be right for {scorer.baseline:.0%}."
    )
    lines.append(f"Fields: {', '.join(scorer.fields)}. Probabilities are off by at most {scorer.calibration:.0%}.")
    return "\n".join(lines)
