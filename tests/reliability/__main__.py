"""Measure what reliability promises, write ``reports/reliability.md``: ``python -m tests.reliability [SECTION ...]``.

Every outcome is kept in ``reports/reliability.json`` under the fault that it answers, so that a long list may be worked
off in slices (``kills --start 40 --count 40``); the page counts what is there and says what was not run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.reliability import hostile, report, sweeps
from tests.reliability.runs import ROOT

SECTIONS: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "kills": sweeps.kills, "disk": sweeps.disk, "limits": sweeps.limits, "stops": sweeps.stops,
    "together": sweeps.together, "bombs": hostile.bombs, "injection": hostile.injection, "yaml": hostile.yaml_files,
    "canaries": hostile.canaries,
}  # fmt: skip
KEPT = ROOT / "reports" / "reliability.json"
PAGE = ROOT / "reports" / "reliability.md"


def main() -> None:
    """Run the sections that are asked for, all of them without a name, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS], default=[])
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--count", type=int, default=0, help="how many faults; without it all of the section")
    wanted = parser.parse_args()
    for name in wanted.sections or SECTIONS:
        keep(name, SECTIONS[name](wanted.start, wanted.count))
        print(name, "done", flush=True)
    PAGE.write_text(report.page(json.loads(KEPT.read_text(encoding="utf-8"))), encoding="utf-8")


def keep(name: str, outcomes: dict[str, Any]) -> None:
    """Add outcomes to those of earlier slices."""
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.is_file() else {}
    kept[name] = dict(sorted({**kept.get(name, {}), **outcomes}.items()))
    text = json.dumps(dict(sorted(kept.items())), indent=1, ensure_ascii=False) + "\n"
    Path(KEPT).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
