"""The shape of the code, kept by reading it: walls, homes of libraries, sizes, names, no clock, no luck."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "personas"
FILES = sorted(PACKAGE.rglob("*.py"))
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

# Imports go one way: a room may import from its own level and from those above it in this list.
LEVELS = (
    {"errors", "estimate", "registry", "yamlfile", "codec"},
    {"engines"},
    {"config", "sourceconfig", "moneyconfig", "audience"},
    {"sources"},
    {"features"},
    {"segmentation"},
    {"profiles"},
    {"narrative"},
    {"study", "storage", "place", "journal", "stages", "wholefiles"},
    {"render"},
    {
        "pipeline", "simulated", "readiness", "plugins", "demo", "initial", "audiences", "rules", "comparison",
        "trials", "prospects",
    },
    {"console", "verbs"},
    {"cli", "sklearn", "__init__", "__main__"},
)
# A study can save itself and show itself in a notebook: its methods look these two up when they are called.
LOOKED_UP_BY_METHODS = {("study.py", "render"), ("study.py", "pipeline")}
STANDS_ALONE = {"simulate": {"errors", "simulate"}}  # what it may import; pipeline and later may import it

# Third parties have one home; what is not listed here is not a dependency.
HOMES = {
    "duckdb": ("engines/duckdb.py", "engines/duckdbfile.py"),
    "pyspark": ("engines/spark.py",),
    "sqlglot": ("engines/portable.py", "engines/sparksql.py"),
    "sklearn": ("segmentation/", "profiles/", "sklearn.py"),
    "scipy": ("segmentation/", "profiles/"),
    "numba": ("segmentation/", "profiles/"),
    "umap": ("segmentation/",),
    "pynndescent": ("segmentation/",),
    "threadpoolctl": ("segmentation/", "profiles/"),
    "matplotlib": ("render/charts.py",),
    "jinja2": ("narrative/writer.py", "render/"),
    "markupsafe": ("narrative/writer.py", "render/"),  # comes with jinja2
    "python_calamine": ("sources/excel.py",),
    "psycopg": ("sources/postgres.py",),
    "babel": ("narrative/", "render/"),
    "ruamel": ("config.py", "yamlfile.py", "sources/", "narrative/"),
    "pydantic": (
        "config.py", "sourceconfig.py", "moneyconfig.py", "audience.py", "yamlfile.py", "sources/", "narrative/",
    ),
    "typer": ("cli.py", "console.py", "verbs.py"),
    "rich": ("console.py",),
    "numpy": ("",),
    "pandas": ("",),
    "pyarrow": ("",),
}
HEAVY = ("numpy", "pandas", "pyarrow", "duckdb", "sklearn", "scipy", "numba", "umap", "matplotlib")
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
ROOMS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))


def imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything imported, at any depth, but for what only the type checker reads."""
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the import in full, from personas"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        nodes.extend(ast.iter_child_nodes(node))


def room_of(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


def level_of(room: str) -> int:
    for level, rooms in enumerate(LEVELS):
        if room in rooms:
            return level
    raise AssertionError(f"'{room}' has no place in LEVELS: decide what may import it")


def wall_broken(file: str, imported: str) -> str | None:
    """Why ``file`` may not import ``imported``, or None."""
    if not imported.startswith("personas."):
        return None
    here, there = room_of(file), imported.split(".")[1]
    if there not in {room_of(other) for other in TREES}:
        return None if here in LEVELS[-1] or there == "__version__" else f"{file} imports {imported} from the top"
    if here in STANDS_ALONE:
        return None if there in STANDS_ALONE[here] else f"{file} imports {imported}, but stands alone"
    if there in STANDS_ALONE:
        return None if level_of(here) >= level_of("pipeline") else f"{file} imports {imported}"
    if (file, there) in LOOKED_UP_BY_METHODS:
        return None
    return None if level_of(there) <= level_of(here) else f"{file} imports {imported}, which comes after it"


@pytest.mark.parametrize(
    ("file", "imported", "allowed"),
    [
        ("features/assemble.py", "personas.sources.canonical.Tables", True),
        ("sources/prepare.py", "personas.features.feature.Feature", False),
        ("engines/duckdb.py", "personas.config.Config", False),
        ("simulate/shop.py" if "simulate/__init__.py" in TREES else "simulate.py", "personas.config.Config", False),
    ],
)
def test_the_wall_is_seen_where_it_stands(file: str, imported: str, allowed: bool) -> None:
    assert (wall_broken(file, imported) is None) == allowed


def test_imports_go_one_way() -> None:
    broken = [wall for file, tree in TREES.items() for name in imports(tree) if (wall := wall_broken(file, name))]
    assert not broken, "\n".join(broken)


def test_every_library_is_imported_only_in_its_home() -> None:
    strays = []
    for file, tree in TREES.items():
        for name in imports(tree):
            library = name.split(".")[0]
            if library in sys.stdlib_module_names or library in {"personas", "__future__"}:
                continue
            if not any(file.startswith(home) for home in HOMES.get(library, ())):
                strays.append(f"{file} imports {library}; its home: {HOMES.get(library, 'none, it is no dependency')}")
    assert not strays, "\n".join(strays)


def test_nothing_reaches_for_the_network_or_for_pickles() -> None:
    banned = {"socket", "urllib", "http", "ftplib", "smtplib", "pickle", "shelve", "marshal"}
    found = [(file, name) for file, tree in TREES.items() for name in imports(tree) if name.split(".")[0] in banned]
    assert not [pair for pair in found if not pair[1].startswith("urllib.parse")]  # that only takes addresses apart


def code_lines(source: str) -> set[int]:
    """Numbers of the lines that hold code: no blank ones, no comments, no docstrings."""
    docs: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docs.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines: set[int] = set()
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in skipped:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines - docs


def functions() -> Iterator[tuple[str, int]]:
    """Every function of the package with its number of code lines; docstrings may be as long as they need."""
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        lines = code_lines(source)
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                count = len(lines & set(range(node.lineno, (node.end_lineno or node.lineno) + 1)))
                yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", count


def test_a_line_of_code_is_told_from_a_docstring_and_a_comment() -> None:
    # line 1 def, 2 docstring, 3 comment, 4 blank, 5 to 7 a text over three lines
    source = 'def f():\n    """Doc."""\n    # why\n\n    x = """a\n    b\n    c"""\n'
    assert code_lines(source) == {1, 5, 6, 7}


def test_no_file_is_over_350_lines_and_half_are_under_200() -> None:
    sizes = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert not [f"{file}: {size}" for file, size in sizes.items() if size > 350]
    assert median(sizes.values()) <= 200


def test_no_function_is_over_60_lines_and_half_are_under_9() -> None:
    sizes = dict(functions())
    assert not [f"{name}: {size}" for name, size in sizes.items() if size > 60]
    assert median(sizes.values()) <= 9


def test_names_say_what_a_thing_is() -> None:
    found = [str(path) for path in PACKAGE.rglob("*") if path.stem.lower() in BANNED_NAMES]
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            name = getattr(node, "name", None) or getattr(node, "arg", None) or getattr(node, "id", None)
            words = set(name.lower().split("_")) if isinstance(name, str) else set()
            if words & {"user", "users"} or (isinstance(node, ast.ClassDef) and "Manager" in node.name):
                found.append(f"{file}:{getattr(node, 'lineno', 0)} {name}: write customer, reader or caller")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("room", ROOMS, ids=lambda path: path.name)
def test_every_room_says_in_at_most_40_lines_what_it_takes_and_gives(room: Path) -> None:
    readme = room / "README.md"
    assert readme.is_file(), f"{readme} is missing: takes, gives, does not, why"


def test_no_readme_of_a_folder_is_over_40_lines() -> None:
    folders = [ROOT / name for name in ("personas", "configs", "tests", "benchmarks")]
    inside = [path for folder in folders for path in folder.rglob("README.md")] + [ROOT / "reports" / "README.md"]
    sizes = {str(p.relative_to(ROOT)): len(p.read_text("utf-8").splitlines()) for p in inside if p.is_file()}
    assert not {file: size for file, size in sizes.items() if size > 40}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for file, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield file, ast.unparse(node.func), node


WRITERS = {
    "wholefiles.py",  # what verbs leave behind
    "place.py", "journal.py", "storage.py", "stages.py", "pipeline.py", "render/__init__.py",  # inside of a place
    "simulate/files.py", "simulate/market.py", "simulate/shop.py",  # made anew by their seed
    "engines/duckdb.py", "engines/spark.py", "sources/child.py", "initial.py",  # in a temporary folder or file
    "segmentation/map2d.py",  # into a pipe
}  # fmt: skip


def test_files_are_written_by_the_few_modules_that_keep_them_whole() -> None:
    modes = {f"{kind}{more}" for kind in "wxa" for more in ("", "b", "t", "+", "b+", "+b")}
    writing = (".write_text", ".write_bytes", ".write_table", ".to_csv", "ParquetWriter", "np.save")
    found = set()
    for file, name, call in calls():
        given = {arg.value for arg in (*call.args, *(k.value for k in call.keywords)) if isinstance(arg, ast.Constant)}
        if name.endswith(writing) or (name.endswith(("open", "fdopen")) and given & modes):
            found.add(file)
    assert found == WRITERS


def test_only_the_command_line_prints() -> None:
    found = [f"{file}:{call.lineno}" for file, name, call in calls() if name == "print"]
    assert not [place for place in found if place.split(":")[0] not in {"cli.py", "console.py", "verbs.py"}]


def test_nothing_below_the_pipeline_looks_at_the_clock() -> None:
    clocks = {
        "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now",
        "datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.perf_counter",
        "perf_counter", "monotonic", "time.sleep",
        "time.localtime", "time.gmtime", "time.strftime",
    }  # fmt: skip
    found = [f"{file}:{call.lineno} {name}" for file, name, call in calls() if name in clocks]
    assert not [line for line in found if line.split(":")[0] not in {"pipeline.py", "cli.py"}]


def test_all_luck_comes_from_a_seed() -> None:
    sound = {"Generator", "SeedSequence", "default_rng", "PCG64", "Philox", "BitGenerator"}
    found = []
    for file, tree in TREES.items():
        found += [f"{file}: {name}" for name in imports(tree) if name.split(".")[0] in {"random", "secrets", "uuid"}]
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"np.random", "numpy.random"}:
                found += [f"{file}:{node.lineno} {node.attr}"] if node.attr not in sound else []
    for file, name, call in calls():
        unseeded = name.endswith(("default_rng", "SeedSequence")) and not call.args and not call.keywords
        found += [f"{file}:{call.lineno} {name}() without a seed"] if unseeded else []
    assert not found, "\n".join(found)


def test_a_test_that_lacks_what_it_needs_fails_on_ci() -> None:
    """No test skips on its own: ``lacking`` of conftest knows when it must not."""
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if name.endswith((".skip", ".importorskip", ".skipif", "unittest.skip")):
                found.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
    assert [line.split("(")[0] for line in found] == [
        "tests/conftest.py: pytest.skip", "tests/sources/test_child.py: pytest.mark.skipif"
    ]  # fmt: skip
    assert "sys.platform" in found[1]


@pytest.mark.parametrize("what", ["import personas", "personas --help"])
def test_help_and_import_load_nothing_heavy(what: str) -> None:
    start = "import personas" if what == "import personas" else (
        "import sys; sys.argv = ['personas', '--help']\n"
        "from personas.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass"
    )  # fmt: skip
    report = f"{start}\nimport sys; print('LOADED', *(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]
