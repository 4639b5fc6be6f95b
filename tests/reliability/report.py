"""The page of reliability: what was measured, counted from the outcomes that were kept; what was not run is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

WHOLE = {"kills": 200, "disk": 60, "stops": 50, "canaries": 61}
"""How many outcomes a whole section has."""
Outcomes = Mapping[str, Mapping[str, Any]]
HEAD = """# Reliability, measured

Written by `make reliability`; every outcome stands in `reliability.json`. Real runs of the command line with a fault in
them: a process that has imported everything forks one run per fault, and strikes before the n-th change of a file or
at a time that a seed gives. After each fault a run without one must mend everything.
"""


def page(kept: Mapping[str, Outcomes]) -> str:
    """The page as Markdown."""
    parts = [HEAD, *_table(("what", "tried", "held", "details"), _summary(kept)), ""]
    if bombs := kept.get("bombs"):
        parts += ["", "## Bombs", "", *_table(("file", "bytes", "exit", "seconds", "MiB", "says"), [
            (name, f"{b['bytes']:,}", b["code"], b["seconds"], b["mebibytes"], _escaped(str(b["says"])))
            for name, b in bombs.items()
        ])]  # fmt: skip
    if limits := kept.get("limits"):
        parts += ["", "## Full disks", "", *_table(("limit", "exit", "former study", "in words"), [
            (name, found.get("code", "not run"), _yes(found.get("state") == "former"), _yes(found.get("words")))
            for name, found in limits.items()
        ])]  # fmt: skip
    return "\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    return [f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *rows)]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _summary(kept: Mapping[str, Outcomes]) -> list[tuple[Any, ...]]:
    rows = []
    for name, of in ROWS.items():
        rows += of(kept[name]) if kept.get(name) else [(name, "not run", "", "")]
        if (run := len(kept.get(name, {}))) < WHOLE.get(name, 0):
            rows.append(
                (f"{name}: not run yet", WHOLE[name] - run, "", f"`python -m tests.reliability {name} --start`")
            )
    return rows


def _kills(found: Outcomes) -> list[tuple[Any, ...]]:
    whole = sum(one["after"] in ("former", "new", "none") for one in found.values())
    same = sum(one["same"] for one in found.values())
    after = Counter(str(one["after"]) for one in found.values())
    told = ", ".join(f"{count} {state}" for state, count in sorted(after.items()))
    return [
        ("SIGKILL: a whole study or none stands in the place", len(found), whole, told),
        ("SIGKILL, then --resume: every byte as undisturbed", len(found), same, "seconds in manifest.json aside"),
    ]


def _disk(found: Outcomes) -> list[tuple[Any, ...]]:
    held = sum((one["code"], one["state"]) in ((4, "former"), (0, "new"), (4, "new")) for one in found.values())
    mended = sum(one["mended"] for one in found.values())
    codes = Counter(one["code"] for one in found.values())
    told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    return [
        ("ENOSPC, EIO, EACCES at a change of a file: exit 4, the former study whole", len(found), held, told),
        ("the next run mends it", len(found), mended, ""),
    ]


def _stops(found: Outcomes) -> list[tuple[Any, ...]]:
    # A run whose study was in its place already is a finished one.
    struck = [one for one in found.values() if one["struck"] and (one["code"], one["state"]) != (0, "new")]
    held = sum(one["code"] == 5 and one["seconds"] < 2 and one["state"] in ("former", "new") for one in struck)
    slowest = max((one["seconds"] for one in struck), default=0)
    told = f"slowest {slowest} s; {len(found) - len(struck)} runs were faster than their stop"
    return [
        ("Ctrl-C and SIGTERM: exit 5 in 2 seconds, a whole study in the place", len(struck), held, told),
        ("the next run mends it", len(found), sum(one["mended"] for one in found.values()), ""),
    ]


def _limits(found: Outcomes) -> list[tuple[Any, ...]]:
    run = [one for one in found.values() if "not run" not in one]
    held = sum(one["code"] in (0, 4) and (one["state"] == "former" or one["code"] == 0) for one in run)
    return [("file size limits and small file systems: exit 4 in words", len(run), held, "see below")]


def _together(found: Outcomes) -> list[tuple[Any, ...]]:
    same, own = found["same place"], found["own places"]
    codes = Counter(same["codes"])
    one_wins = same["state"] == "new" and set(codes) <= {0, 2}
    told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    return [
        ("runs at once into one place: whole studies only, the others refused", same["runs"], _yes(one_wins), told),
        ("runs at once into places of their own: every byte right", own["runs"], own["right"], ""),
    ]


def _bombs(found: Outcomes) -> list[tuple[Any, ...]]:
    held = sum(one["code"] in (3, 4) and one["seconds"] < 30 and not one["traceback"] for one in found.values())
    slowest = max(one["seconds"] for one in found.values())
    return [("bombs: exit 3 or 4 in 30 seconds, no traceback", len(found), held, f"slowest {slowest} s")]


def _injection(found: Outcomes) -> list[tuple[Any, ...]]:
    html, names, cells = found["HTML"], found["names of columns in SQL"], found["formulas"]
    return [
        ("HTML payloads into every text slot: no element, handler or address of theirs", html["payloads"],
         f"{html['violations']} violations", f"{html['slots']:,} slots of a study of six personas"),
        ("templates evaluated", html["payloads"], f"{found['templates']['evaluated']} evaluated", ""),
        ("names of columns and customers in SQL: the same tables", names["names"], names["the same tables"], ""),
        ("formulas in an export", cells.get("payloads", "not run"), f"{cells.get('formulas', '?')} formulas",
         f"{cells.get('cells', 0)} cells"),
    ]  # fmt: skip


def _yaml(found: Outcomes) -> list[tuple[Any, ...]]:
    held = sum(one["outcome"] == "refused" for one in found.values())
    fast = sum(bool(one["fast"]) for one in found.values())
    return [("hostile and broken configurations: refused", len(found), held, f"{fast} within a second")]


def _canaries(found: Outcomes) -> list[tuple[Any, ...]]:
    tokens = sum(one["tokens"] for one in found.values())
    codes = Counter(one["code"] for one in found.values())
    told = ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))
    return [("marks of one customer in outputs, messages and work folders", len(found), f"{tokens} found", told)]


ROWS = {
    "kills": _kills, "disk": _disk, "stops": _stops, "limits": _limits, "together": _together, "bombs": _bombs,
    "injection": _injection, "yaml": _yaml, "canaries": _canaries,
}  # fmt: skip
