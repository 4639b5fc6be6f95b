"""Every guard of the verdict, broken once in every way: some sentence about it must then fail (method.md 11).

A guard is broken by turning its comparison to the other side of the bound (>= to >), by leaving a condition out, and by
halving a threshold. The sentences are those of the tests of the same file, run again on the broken code.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from personas.segmentation import borders, verdict
from tests.segmentation import test_borders, test_verdict

OTHER_SIDE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.GtE: ast.Gt, ast.Gt: ast.GtE, ast.LtE: ast.Lt, ast.Lt: ast.LtE,
}  # fmt: skip
QUICK = {
    verdict: {name: test for name, test in vars(test_verdict).items() if name.startswith("test_")},
    borders: {
        name: getattr(test_borders, name)
        for name in (
            "test_small_pairs_are_untested_and_a_change_of_level_is_categorical",
            "test_the_bound_of_structureless_borders_and_the_graph_of_open_borders",
            "test_a_gap_is_unlikely_in_one_hump_and_deeper_than_structureless_borders",
            "test_borders_are_counted_by_kind",
            "test_every_bound_of_a_border_is_kept_to_the_customer",
            "test_a_column_counts_by_its_spread_inside_the_two_segments",
        )
    },
}
GUARDS = {borders: {"is_gap", "_adjacent", "_measure", "direction_between", "null_bound"}}
"""Only these functions of the file are guards; of the verdict all are."""


def mutants(module: types.ModuleType) -> Iterator[tuple[str, ast.Module]]:
    """Each broken version of the file, with what was broken."""
    tree = ast.parse(inspect.getsource(module))
    for place, node in enumerate(ast.walk(tree)):
        for what, change in _changes(module, tree, node):
            broken = copy.deepcopy(tree)
            change(list(ast.walk(broken))[place])
            yield f"line {getattr(node, 'lineno', 0)}: {what}", broken


def _changes(
    module: types.ModuleType, tree: ast.Module, node: ast.AST
) -> Iterator[tuple[str, Callable[[Any], None]]]:  # fmt: skip
    if isinstance(node, ast.Compare) and type(node.ops[0]) in OTHER_SIDE and _guards(module, tree, node):
        def turned(found: ast.Compare) -> None:
            found.ops[0] = OTHER_SIDE[type(found.ops[0])]()

        yield f"the other side of {ast.unparse(node)}", turned
    is_default = isinstance(node, ast.BoolOp) and isinstance(node.values[-1], ast.Constant)  # such as "or 0"
    if isinstance(node, ast.BoolOp) and not is_default and _guards(module, tree, node):
        for part, condition in enumerate(node.values):
            is_guard = isinstance(condition, ast.Compare | ast.Call | ast.Attribute)
            # What only keeps an unknown from being compared is no guard.
            if is_guard and not ast.unparse(condition).endswith((" is not None", " is None")):
                def without(found: ast.BoolOp, part: int = part) -> None:
                    found.values[part] = ast.Constant(isinstance(found.op, ast.And))

                yield f"without {ast.unparse(condition)}", without
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and _is_threshold(tree, node):
        def halved(found: ast.Constant) -> None:
            found.value = found.value / 2  # type: ignore[operator]

        yield f"{node.value} halved", halved


def _guards(module: types.ModuleType, tree: ast.Module, node: ast.AST) -> bool:
    inside = [f.name for f in tree.body if isinstance(f, ast.FunctionDef) and node in ast.walk(f)]
    return bool(inside) and inside[0] in GUARDS.get(module, {inside[0]})


def _is_threshold(tree: ast.Module, node: ast.AST) -> bool:
    """Whether a number is a named bound of the file: of ``Thresholds``, or a constant in capitals."""
    for part in tree.body:
        if isinstance(part, ast.ClassDef) and part.name == "Thresholds" and node in ast.walk(part):
            return True
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]).isupper() and part.value is node:
            return ast.unparse(part.targets[0]) != "NULL_SETS"  # how many draws are used, not a bound
    return False


@cache
def runs(test: Callable[..., None]) -> tuple[dict[str, Any], ...]:
    """The arguments of every case of a test."""
    marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    if not marks:
        return ({},)
    names, cases = marks[0].args
    words = names.split(", ") if isinstance(names, str) else list(names)
    return tuple(dict(zip(words, case if len(words) > 1 else (case,), strict=True)) for case in cases)


def survives(module: types.ModuleType, tree: ast.Module, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether every sentence still holds for the broken file."""
    broken = types.ModuleType(module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, broken)  # records of the file look their annotations up there
    exec(compile(ast.fix_missing_locations(tree), module.__name__, "exec"), broken.__dict__)
    monkeypatch.undo()
    for test in QUICK[module].values():
        names = [name for name in test.__globals__ if getattr(module, name, None) is test.__globals__[name]]
        for name in names:
            monkeypatch.setitem(test.__globals__, name, getattr(broken, name))
        try:
            for case in runs(test):
                test(**case)
        except Exception:  # a broken guard may do anything
            return False
        finally:
            monkeypatch.undo()
    return True


@pytest.mark.parametrize(("module", "least"), [(verdict, 49), (borders, 13)], ids=["verdict", "borders"])
def test_no_guard_can_be_broken_without_a_sentence_that_fails(
    module: types.ModuleType, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert survives(module, ast.parse(inspect.getsource(module)), monkeypatch), "the unbroken file must pass"
    found = list(mutants(module))
    assert len(found) >= least
    alive = [what for what, tree in found if survives(module, tree, monkeypatch)]
    assert not alive, f"{len(alive)} of {len(found)} survive:\n" + "\n".join(alive)
