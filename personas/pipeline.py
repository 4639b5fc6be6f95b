"""The product on one screen: customers and orders in, personas out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personas.config import Config, load_config
from personas.engines import open_engine
from personas.errors import count_of
from personas.journal import Journal
from personas.simulated import simulate_if_asked
from personas.stages import Stages, own_version, versions
from personas.study import About, Study

if TYPE_CHECKING:
    from types import ModuleType

    import pyarrow as pa

    from personas.engines import Engine, Table
    from personas.estimate import Notice
    from personas.features.coding import FeatureMatrix
    from personas.features.feature import Customers
    from personas.narrative.persona import Persona
    from personas.place import Place
    from personas.profiles.records import Profiles
    from personas.segmentation.records import Segmentation
    from personas.sources.canonical import Tables

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole run that is done, 0 to 1."""

STAGES = {
    "reading the sources": 0.0,
    "measuring every customer": 0.15,
    "preparing the features": 0.22,
    "looking for segments": 0.25,
    "assigning every customer": 0.75,
    "describing the segments": 0.78,
    "writing the personas": 0.93,
}
NOT_KEPT = Journal(None)
MOST_SEGMENT_ROWS = 50_000_000


def run(
    config: Config | str | Path,
    *,
    progress: Progress | None = None,
    engine: Engine | None = None,
    journal: Journal = NOT_KEPT,
    former: Study | None = None,
) -> Study:
    """Customers and orders in, personas out. Each stage takes what the one before it gave.

    Parameters
    ----------
    config : Config or path of a YAML file
    progress : callable, optional
        Called as ``progress(what, share)`` while the run goes on.
    engine : Engine, optional
        An engine of yours, such as ``SparkEngine(spark)`` on a session that is there already; it stays open. Without it
        one is opened as ``config.engine`` says, and closed.
    journal : Journal, optional
        Where finished stages are kept and taken up again (``personas run --resume``).
    former : Study, optional
        An earlier study of the same customers: a persona that is the same one keeps its id and name (method.md 8.3).

    Returns
    -------
    Study
        Not yet on disk; ``study.save(folder)`` writes it.

    Raises
    ------
    ConfigError, InputError, LimitError
        With what is wrong, where, what was found and what to do.
    """
    from personas import features, narrative, profiles, segmentation, sources
    from personas.comparison import known_personas
    from personas.rules import kept_apart
    from personas.segmentation.threads import at_most

    config = config if isinstance(config, Config) else load_config(config)
    narrative.check_words(config.study)
    clock = _Clock(progress)
    simulate_if_asked(config)
    opened = nullcontext(engine) if engine else open_engine(**config.engine.model_dump())
    with at_most(config.engine.threads), opened as engine:
        with clock.stage("reading the sources") as step:
            tables = sources.prepare(engine, config, step)
        with clock.stage("measuring every customer") as step:
            customers, said = kept_apart(engine, tables, features.build(engine, tables, config, step), config)
        with clock.stage("preparing the features"):
            matrix = features.sample(customers, config)
        stages = Stages(journal, config, tables, matrix)
        with clock.stage("looking for segments") as step:
            segments = stages.segmentation(lambda: _discover(segmentation, matrix, config, step))
        with clock.stage("assigning every customer"):
            labels = segmentation.assign(customers, matrix, segments)
        with clock.stage("describing the segments") as step:
            read = profiles.customer_values(customers, labels, customers.features)
            described = stages.profiles(
                lambda: profiles.describe(customers, labels, tables, matrix, segments, config, step, read)
            )
        with clock.stage("writing the personas"):
            _, of, values = read
            rows = segment_rows(engine, customers, labels)
            known = known_personas(former, rows, matrix.coding, segments) if former else None
            personas: tuple[Persona, ...] = ()
            if segments.verdict != "none":  # the smallest number is kept for inspection only
                personas = narrative.narrate(
                    described, forming(matrix), values, of, tables.snapshot_date, config, known
                )
            dictionary = features.dictionary(customers, matrix)
    return Study(
        about=about(config, tables, segments, rows, engine.name),
        config=recorded(config),
        audit=tables.audit,
        dictionary=dictionary,
        coding=matrix.coding,
        segmentation=profiles.with_moved_money(segments, described.moved_money),
        profiles=described,
        personas=personas,
        segments=with_personas(rows, personas),
        rules=customers.apart_names,
        rule_cuts=customers.apart_cuts,
        notices=(*said, *notices_of(tables, customers, matrix, segments, described)),
        input_hashes=(*tables.input_hashes, *((("former", known.sha256),) if known else ())),
        seconds=clock.seconds,
    )


def _discover(segmentation: ModuleType, matrix: FeatureMatrix, config: Config, progress: Progress) -> Segmentation:
    wanted = config.segmentation
    discover = segmentation.discover
    if wanted.within == "lifecycle":
        from personas.features.families import lifecycle

        name = lifecycle.LIFECYCLE
        discover = partial(segmentation.discover_within, stages=matrix.raw[name], names=lifecycle.STAGES, feature=name)
    found: Segmentation = discover(
        matrix.X,
        k=wanted.k,
        algorithm=wanted.algorithm,
        protocol=wanted.protocol,
        min_size=wanted.min_size,
        seed=config.study.seed,
        families=matrix.families,
        blocks=matrix.coding.blocks,
        map_kind=config.report.map,
        progress=progress,
    )
    return found


def recorded(config: Config) -> dict[str, Any]:
    """The configuration as the study keeps it: how many customer numbers a rule lists, and not which."""
    plain: dict[str, Any] = config.model_dump(mode="json", by_alias=True)
    rules = plain["segmentation"]["rules"]
    for name, rule in rules.items():
        if isinstance(rule, list):
            rules[name] = count_of(len(rule), "customer number")
    return plain


def forming(matrix: FeatureMatrix) -> tuple[str, ...]:
    """Names of the features that formed the segments."""
    return tuple(feature.name for feature in matrix.features)


def about(config: Config, tables: Tables, segments: Segmentation, rows: pa.Table, engine: str) -> About:
    """What was studied, in one record."""
    return About(
        name=config.study.name,
        slug=slug(config.study.name),
        snapshot_date=tables.snapshot_date,
        window_days=tables.window_days,
        currency=tables.currency,
        customers=rows.num_rows - rows.column("segment").null_count,
        customers_known=rows.num_rows,
        verdict=segments.verdict,
        k=segments.k,
        seed=config.study.seed,
        language=config.study.language,
        engine=engine,
        version=own_version(),
    )


def notices_of(
    tables: Tables, customers: Customers, matrix: FeatureMatrix, segments: Segmentation, profiles: Profiles
) -> tuple[Notice, ...]:
    """Everything a reader must know, in the order in which it came up, each once."""
    early = (*tables.audit.notices, *customers.left_out, *matrix.dropped, *matrix.notices)
    return tuple(dict.fromkeys((*early, *segments.notices, *profiles.notices)))


def save(study: Study, folder: str | Path, place: Place | None = None) -> Path:
    """Write the study folder of the contract and publish it by rename; a failure leaves a former study as it was.

    ``place`` is the place of ``folder`` where the caller holds it already.
    """
    from personas import render
    from personas.storage import json_text, publish, save_model

    def write(work: Path) -> None:
        render.write_study(study, work)
        save_model(study, work)
        (work / "manifest.json").write_text(json_text(manifest(study)), encoding="utf-8")

    place.publish(write) if place else publish(Path(folder), write)
    return Path(folder)


def manifest(study: Study) -> Mapping[str, Any]:
    """What was run on what, with which versions, and how long each stage took: the only bytes that depend on the
    clock.
    """
    return {
        "schema_version": "1.0",
        "personas": study.about.version,
        "libraries": versions(),
        "engine": study.about.engine,
        "compiler": kernels(),
        "seed": study.about.seed,
        "snapshot_date": study.about.snapshot_date,
        "config": study.config,
        "inputs": [{"source": name, "sha256": digest} for name, digest in study.input_hashes],
        "seconds": study.seconds,
    }


def kernels() -> str:
    """What the inner loops run on: numba with its version, or "none": then they are numpy and take longer."""
    from personas.segmentation import compute

    return f"numba {version('numba')}" if compute.compiled() else "none"


def segment_rows(engine: Engine, customers: Customers, labels: Table) -> pa.Table:
    """One row per known customer, sorted by id; the segment is null for those who were set aside.

    With named rules a last column says who is kept apart by which.
    """
    import pyarrow as pa

    apart = customers.apart
    sql = segments_sql(customers.table.name, labels.name, apart.name if apart else None)
    rows = engine.fetch(sql, MOST_SEGMENT_ROWS)
    rows = rows.set_column(1, "segment", rows.column("segment").cast(pa.int32()))
    if apart is None:
        return rows
    told = pa.array(customers.apart_names, type=pa.string())
    rule = told.take(rows.column("rule").cast(pa.int32()).combine_chunks())
    return rows.set_column(rows.num_columns - 1, "rule", rule)


def with_personas(rows: pa.Table, personas: tuple[Persona, ...]) -> pa.Table:
    """The rows with the persona of each segment; null like the segment, and for a segment without a persona."""
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = {persona.segment: persona.id for persona in personas}
    by_segment = pa.array([ids.get(s) for s in range(max(ids, default=-1) + 1)], type=pa.string())
    segment = rows.column("segment").combine_chunks()
    return rows.add_column(2, "persona", by_segment.take(pc.if_else(pc.less(segment, len(by_segment)), segment, None)))


def segments_sql(customers: str, labels: str, apart: str | None = None) -> str:
    """Every known customer with the segment, or nulls; and the rule that keeps it apart, where there are rules."""
    from personas.engines.portable import quoted

    rule = ",\n            p.rule" if apart else ""
    join = f"\n        LEFT JOIN {quoted(apart)} AS p\n            ON p.customer_id = c.customer_id" if apart else ""
    return f"""
        SELECT
            c.customer_id,
            l.segment,
            l.membership,
            l.confidence{rule}
        FROM {quoted(customers)} AS c
        LEFT JOIN {quoted(labels)} AS l
            ON l.customer_id = c.customer_id{join}
        ORDER BY c.customer_id
    """


def slug(name: str) -> str:
    """The name of a study as a name of a folder.

    >>> slug("Lantern & Loom, spring")
    'lantern-loom-spring'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "study"


class _Clock:
    """Seconds per stage, and the progress that the caller sees."""

    def __init__(self, progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress or (lambda what, share: None)

    @contextmanager
    def stage(self, name: str) -> Iterator[Progress]:
        shares = [*STAGES.values(), 1.0]
        start = STAGES[name]
        end = shares[list(STAGES).index(name) + 1]
        self._progress(name, start)
        began = time.perf_counter()
        yield lambda what, share: self._progress(f"{name}: {what}", start + share * (end - start))
        self.seconds[name] = round(time.perf_counter() - began, 3)
        self._progress(name, end)
