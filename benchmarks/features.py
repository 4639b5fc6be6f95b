"""Row 6: one row of features per customer from Parquet."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from benchmarks import expected_features as expected
from benchmarks import naive_features as naive
from benchmarks.data import study
from benchmarks.measure import Row, in_child, in_turns, row
from personas import features, sources
from personas.engines import open_engine
from personas.simulate import simulate_market


def rows(long: bool) -> list[Row]:
    """The rows of this group: ten lines for each customer."""
    customers = 1_000_000 if long else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_market(folder, customers=customers)
        config = study(folder)

        def ours() -> pa.Table:
            with open_engine("duckdb") as engine:
                tables = sources.prepare(engine, config)
                built = features.build(engine, tables, config)
                return engine.fetch(f"SELECT * FROM {built.table.name}", 2 * customers)

        sides = in_turns(ours, lambda: naive.features(folder), 3, single=long)
        gate, held = expected.gate(sides.found[0], folder, sides.found[1]["net"])
        lines = f"{customers * 10:,}"
        note = "ours with reading, cleaning and audit; theirs without"
        both = row("6", f"features, {lines} order lines", sides, 2.5, gate, held, note)
        speed = [
            replace(both, part=f"{both.part}{what}", figure=f"{of[1] / of[0]:.1f} ×", target=f"{target:g} ×",
                    reached=of[1] / of[0] >= target)
            for what, of, target in ((", wall", sides.wall, 4), (", CPU", sides.cpu, 2.5))
        ]
        peaks = [in_child(script, name)[1] for script in (OURS, THEIRS)]
    share = peaks[0] / peaks[1]
    memory = Row(
        "6", f"peak memory, {lines} order lines", f"{peaks[0]:.2f} GB", f"{peaks[1]:.2f} GB", f"{share:.2f}",
        "at most 0.5", share <= 0.5, "", None,
    )  # fmt: skip
    return [*speed, memory]


OURS = """
import sys
from pathlib import Path
from benchmarks.data import study
from personas import features, sources
from personas.engines import open_engine
config = study(Path(sys.argv[1]))
with open_engine("duckdb", memory_limit="2GB") as engine:
    features.build(engine, sources.prepare(engine, config), config)
"""
THEIRS = """
import sys
from pathlib import Path
from benchmarks import naive_features
naive_features.features(Path(sys.argv[1]))
"""
