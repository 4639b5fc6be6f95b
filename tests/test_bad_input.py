"""Bad input ends with 2 or 3 and a message that says what, where, found and what to do; a former study stays as it was.

Odd input that is not bad ends in a report that says what was done with it.
"""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.commands import personas
from tests.conftest import ROOT, as_anybody
from tests.render.test_pages import FORBIDDEN, Reader
from tests.small_shop import CONFIG, HEADER, Row, content_of, order_rows, write_shop, write_table

ID, WHO, DAY, PAID = 0, 1, 2, 3
ORDERS = len(order_rows())


def with_value(column: int, value: str | Callable[[Row], str], every: int = 1) -> dict[str, Any]:
    """The shop with another value in a column of every n-th order."""

    def change(place: int, row: Row) -> Row:
        if place % every == 0:
            row[column] = value(row) if callable(value) else value
        return row

    return {"change": change}


def with_config(old: str, new: str) -> dict[str, Any]:
    assert old in CONFIG
    return {"config": CONFIG.replace(old, new)}


def with_header(**renamed: str) -> dict[str, Any]:
    return {"header": [renamed.get(name, name) for name in HEADER]}


def with_file(name: str, content: bytes | None) -> dict[str, Any]:
    """The shop with one of its files replaced, or gone."""
    return {"file": (name, content)}


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study that no failing run may touch; nothing may be left beside it either."""
    folder = tmp_path_factory.mktemp("former")
    config = write_shop(folder)
    assert personas("run", config, "--out", folder / "study", "--quiet").exit_code == 0
    return folder / "study"


def refused(former: Path, code: int, said: tuple[str, ...], *arguments: object) -> None:
    """The command fails as promised, and the folder of the former study and all beside it stay byte for byte."""
    before = content_of(former.parent)
    result = personas(*arguments)
    assert (result.exit_code, result.stdout) == (code, ""), result.stderr or result.stdout
    assert result.stderr.startswith("personas: ") and "Traceback" not in result.stderr
    for part in said:
        assert part in result.stderr, f"{part!r} is not in\n{result.stderr}"
    assert content_of(former.parent) == before


# Every case: what is done to the shop, further arguments, the exit code, and what the message must say:
# what is wrong, where, what was found, what to do.
BAD: dict[str, tuple[dict[str, Any], list[str], int, tuple[str, ...]]] = {
    "missing file": (
        with_config("orders.csv", "order.csv"), [], 3,
        ("there is no file order.csv", "sources.orders.file", "Did you mean 'orders.csv'?"),
    ),
    "missing column": (
        with_header(ordered_on="purchased"), [], 3,
        ("orders.csv lacks columns", "ordered_on (day of the order) is not found",
         "The file has: order_id, customer_id, purchased, total_amount, channel",
         "Write sources.orders.columns.ordered_on: <one of them>"),
    ),
    "two missing columns at once": (
        with_header(ordered_on="purchased", total_amount="betrag"), [], 3, ("ordered_on (day", "total_amount (what"),
    ),
    "words for days": (
        with_value(DAY, "someday"), [], 3,
        ("column 'ordered_on'", f"{ORDERS} of {ORDERS} values are no day", "line 2: AAAAAAA", "Correct them"),
    ),
    "one day in fifty unreadable": (
        with_value(DAY, "2025-02-30", every=50), [], 3, ("13 of 646 values are no day", "line 52: 9999-99-99"),
    ),
    "days that fit two orders": (
        with_value(DAY, lambda row: f"0{int(row[DAY][9]) % 9 + 1}/0{int(row[DAY][6]) % 9 + 1}/2025"), [], 3,
        ("all values fit both day-month and month-day", "Write sources.orders.dates: dmy  (or mdy)"),
    ),
    "words for amounts": (
        with_value(PAID, "cheap"), [], 3, ("column 'total_amount'", "values are no amount", "line 2: AAAAA"),
    ),
    "NaN amounts": (
        with_value(PAID, "NaN", every=10), [], 3,
        ("column 'total_amount'", "65 of 646 amounts are empty, NaN or infinite", "sources.orders.max_set_aside: 1"),
    ),
    "infinite amounts": (
        with_value(PAID, "-inf", every=10), [], 3, ("65 of 646 amounts are empty, NaN or infinite",),
    ),
    "only NaN amounts": (with_value(PAID, "nan"), [], 3, ("column 'total_amount'", "not one value")),
    "amounts beyond all numbers": (with_value(PAID, "9" * 400), [], 3, ("646 of 646 values are no amount",)),
    "another currency": (
        with_value(PAID, lambda row: f"USD {row[PAID]}"), [], 3,
        ("amounts in USD, but study.currency is EUR", "Write study.currency: USD, or convert them"),
    ),
    "several currencies": (
        with_value(PAID, lambda row: f"{'$' if row[ID] < 'A050' else '€'}{row[PAID]}"), [], 3,
        ("amounts in several currencies ($, €)",),
    ),
    "no bytes": (with_file("orders.csv", b""), [], 3, ("orders.csv is empty (0 bytes)", "Export it again")),
    "blank lines only": (with_file("orders.csv", b"\n \n\n"), [], 3, ("orders.csv is empty", "Export it again")),
    "a header only": ({"rows": []}, [], 3, ("orders.csv has a header but no records", "Export it again")),
    "not a table": (
        with_file("orders.csv", b"PK\x03\x04" + bytes(100)), [], 3,
        ("damaged zip archive or Excel workbook", "Save it again"),
    ),
    "one customer": (with_value(WHO, "C1"), [], 3, ("1 customer in all: nothing to compare",)),
    "no customer": (with_value(WHO, ""), [], 3, ("column 'customer_id'", "not one value")),
    "49 customers": (
        {"rows": order_rows(49)}, [], 3, ("49 customers are too few to segment", "at least 50 are needed"),
    ),
    "three customers of a thousand orders": (
        {"rows": [[f"{i}", f"C{i % 3}", f"{date(2025, 1, 1) + timedelta(days=i % 300)}", "9.00", ""]
                  for i in range(3000)]},
        [], 3, ("3 customers are too few to segment",),
    ),
    "all customers alike": (
        {"rows": [[f"{i}-{j}", f"C{i}", f"2025-0{j}-03", "10.00", "online"] for i in range(100) for j in (1, 2, 3)]},
        [], 3, ("the 100 customers are all alike", "“average order”", "it is the same for all customers"),
    ),
    "refunds only": (
        with_value(PAID, lambda row: f"-{row[PAID]}"), [], 3,
        ("no customer has a sale in the window", "every order is a refund", "study.window_days"),
    ),
    "all orders on one day": (
        with_value(DAY, "2025-06-01"), [], 3,
        ("all orders lie in the 1 day before 2025-06-02", "study.window_days: 90"),
    ),
    "one order in the far future": (
        with_value(DAY, "2099-01-01", every=1000), [], 3,
        ("the last order is of 2099-01-01", "Write study.snapshot_date: 2025-12-30 if it is a mistake"),
    ),
    "no order in the window": (
        with_config("  currency: EUR", "  currency: EUR\n  snapshot_date: 2027-01-01\n  window_days: 30"), [], 3,
        ("no customer has a sale in the window", "Raise study.window_days"),
    ),
    "a snapshot before all orders": (
        with_config("  currency: EUR", "  currency: EUR\n  snapshot_date: 2020-01-01"), [], 3,
        ("every order is on or after study.snapshot_date 2020-01-01", "the first is of 2025-01-01"),
    ),
    "one number for different orders": (with_value(ID, "A1"), [], 3, ("1 number used more than once", "'A1'")),
    "an unknown key": (
        with_config("protocol:", "protocoll:"), [], 2,
        ("shop.yaml has 1 problem", "line 10, segmentation.protocoll: no such key. Did you mean 'protocol'?"),
    ),
    "an unknown feature": (
        {"config": CONFIG + "features:\n  basis: [average_orde]\n"}, [], 2,
        ("features.basis[0]: no feature 'average_orde'. Did you mean 'average_order'?",),
    ),
    "no feature left": (
        {"config": CONFIG + "features:\n  families: [service]\n"}, [], 3,
        ("no feature is left to form segments", "features.basis"),
    ),
    "an unknown preset": (
        with_config("file: orders.csv", "file: orders.csv\n    preset: generik"), [], 2, ("Did you mean 'generic'?",),
    ),
    "an unknown column": (
        with_config("file: orders.csv", "file: orders.csv\n    columns: {total_amount: totl}"), [], 3,
        ("sources.orders.columns.total_amount: there is no column 'totl'", "The file has: order_id"),
    ),
    "more segments than customers carry": (
        {}, ["--k", "40"], 3,
        ("40 segments are more than these 100 customers carry", "the largest possible number is 9", "lower min_size"),
    ),
    "more segments than are ever tried": (
        with_config("[2, 4]", "[2, 70]"), [], 2, ("line 8, segmentation.k: 70 is too many. At most 60",),
    ),
    "k from 6 to 4": (
        with_config("[2, 4]", "[6, 4]"), [], 2,
        ("line 8, segmentation.k: from 6 to 4 is empty. Write the smaller number first: k: [4, 6]",),
    ),
    "one segment": ({}, ["--k", "1"], 2, ("command line, segmentation.k: 1 is too few",)),
    "no currency": (
        with_config("  currency: EUR\n", ""), [], 2, ("sources.orders has money", "Write study.currency: EUR"),
    ),
    "a word for the currency": (
        with_config("EUR", "Euro"), [], 2, ("line 3, study.currency: write three capital letters", "found 'Euro'"),
    ),
    "a currency that does not exist": (
        with_config("EUR", "EUT"), [], 2, ("study.currency: there is no currency 'EUT'. Write its three letters",),
    ),
    "a language that does not exist": (
        with_config("  currency: EUR", "  currency: EUR\n  language: xx"), [], 2, ("no language 'xx'. Known: en",),
    ),
    "a part of the configuration is a word": (
        {"config": "study: hello\nsources: 3\n"}, ["--seed", "3"], 2,
        ("has 2 problems", "line 1, study: write its keys below it (found 'hello')", "line 2, sources"),
    ),
    "a binary configuration": (
        with_file("shop.yaml", bytes(range(256))), [], 2, ("is not UTF-8 text", "save the file as UTF-8"),
    ),
    "an empty configuration": (
        with_file("shop.yaml", b""), [], 2, ("is empty or not a mapping", "Start with `study:` and `sources:`"),
    ),
    "no configuration": (with_file("shop.yaml", None), [], 2, ("there is no configuration",)),
    "an engine that is not there": (
        {}, ["--engine", "sprak"], 2, ("engine.name: 'sprak' is not known. Did you mean 'spark'?",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_words_and_the_former_study_stays(case: str, former: Path, tmp_path: Path) -> None:
    changes, arguments, code, said = BAD[case]
    name, content = changes.get("file", ("", None))
    config = write_shop(tmp_path, **{key: value for key, value in changes.items() if key != "file"})
    if name:
        (tmp_path / name).unlink()
        if content is not None:
            (tmp_path / name).write_bytes(content)
    refused(former, code, said, "run", config, "--out", former, "--quiet", *arguments)


def test_check_refuses_what_run_refuses_and_says_what_is_too_little(former: Path, tmp_path: Path) -> None:
    config = write_shop(tmp_path / "words", **with_value(PAID, "cheap"))
    refused(former, 3, ("values are no amount",), "check", config)
    config = write_shop(tmp_path / "few", order_rows(49))
    result = personas("check", config)
    assert result.exit_code == 0 and "49 customers; at least 50 are needed" in result.stdout


# where it may be written ------------------------------------------------------------------------------------------


def test_a_place_that_is_not_ours_is_refused_before_anything_is_computed(former: Path, tmp_path: Path) -> None:
    config = write_shop(tmp_path / "shop")
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter.txt").write_text("mine", encoding="utf-8")
    before = content_of(tmp_path)
    taken = "is there and is no study. Choose another --out, or move it away"
    for out, said in (
        (tmp_path / "file", taken),
        (tmp_path / "folder", taken),
        (tmp_path / "file" / "study", f"{tmp_path / 'file'} is a file. Choose another --out"),
    ):
        # without --quiet: no stage begins
        for arguments in (("run", config), ("demo", "--customers", 400)):
            result = personas(*arguments, "--out", out)
            assert result.exit_code == 3 and said in result.stderr and "reading the sources" not in result.stderr
    for arguments in (("export", former, "--format", "json"), ("choose-k", former)):
        said = ("cannot write", "Choose another --out", f"{tmp_path / 'file'}")
        refused(former, 2, said, *arguments, "--out", tmp_path / "file")
    assert content_of(tmp_path) == before


def test_a_folder_that_may_not_be_written_to_is_refused(former: Path, tmp_path: Path) -> None:
    config = write_shop(tmp_path / "shop")
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o500)
    run = ("run", config, "--out", locked / "study", "--quiet")
    export = ("export", former, "--format", "json", "--out", locked / "json")
    for arguments, code, said in ((run, 3, "locked may not be written to"), (export, 2, "Permission denied")):
        command = [sys.executable, "-m", "personas", *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, preexec_fn=as_anybody(), capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout) == (code, "") and said in done.stderr, done.stderr
    assert list(locked.iterdir()) == []


@pytest.mark.parametrize("verb", [("export", "--format", "json"), ("choose-k",)])
def test_a_disk_that_takes_no_more_leaves_the_files_of_a_verb_as_they_were(
    verb: tuple[str, ...], former: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert personas(verb[0], former, *verb[1:], "--out", out).exit_code == 0
    whole = content_of(out)
    some = next(iter(whole))
    (out / some).write_text("former", encoding="utf-8")
    before, (soft, hard) = content_of(tmp_path), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, hard))  # the second file is too large, the first one is not
        refused(former, 4, ("File too large", "is as it was. Make room"), verb[0], former, *verb[1:], "--out", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert content_of(tmp_path) == before
    assert personas(verb[0], former, *verb[1:], "--out", out).exit_code == 0
    assert content_of(out) == whole


def test_a_file_that_the_system_does_not_open_is_no_bug_of_ours(former: Path) -> None:
    refused(former, 3, (f"{'x' * 300} cannot be opened: File name too long",), "run", "x" * 300)


# damaged studies --------------------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def without_profiles(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["profiles"]
    path.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("model/study.json", cut, "model/study.json cannot be read"),
        ("model/study.json", empty, "model/study.json cannot be read"),
        ("model/study.json", without_profiles, "model/study.json cannot be read"),
        ("model/labels.npy", Path.unlink, "model/labels.npy is missing"),
        ("model/labels.npy", cut, "model/labels.npy cannot be read"),
        ("model/labels.npy", empty, "model/labels.npy cannot be read"),
        ("model/fitted_centroids.npy", Path.unlink, "model/fitted_centroids.npy is missing"),
        ("model/resampled_to_ours.npy", Path.unlink, "model/resampled_to_ours.npy is missing"),
        ("segments.parquet", Path.unlink, "segments.parquet is missing"),
        ("segments.parquet", cut, "segments.parquet cannot be read"),
        ("model/study.json", Path.unlink, "there is no model/study.json. `personas run` makes one"),
    ],
)
def test_a_damaged_study_is_refused_with_the_name_of_the_file(
    name: str, damage: Callable[[Path], None], said: str, former: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    shutil.copytree(former, study)
    damage(study / name)
    before = content_of(tmp_path)
    for arguments in (("export", study, "--format", "html"), ("choose-k", study)):
        refused(former, 3, (str(study), said), *arguments, "--out", tmp_path / "out")
    assert content_of(tmp_path) == before


# odd, but not bad --------------------------------------------------------------------------------------------------


def report_of(config: Path, *arguments: object) -> dict[str, Any]:
    """personas.json of a run that must end well."""
    out = config.parent / "out"
    result = personas("run", config, "--out", out, "--quiet", *arguments)
    assert (result.exit_code, result.stdout) == (0, f"{out / 'report.html'}\n"), result.stderr
    written: dict[str, Any] = json.loads((out / "personas.json").read_text(encoding="utf-8"))
    return written


def noticed(written: dict[str, Any]) -> str:
    return "\n".join(notice["text"] for notice in written["notices"])


def sizes(written: dict[str, Any]) -> list[float]:
    return sorted(persona["size"]["customers"]["value"] for persona in written["personas"])


def test_every_order_twice_is_counted_once_with_a_notice(former: Path, tmp_path: Path) -> None:
    written = report_of(write_shop(tmp_path, [row for row in order_rows() for _ in range(2)]))
    assert f"{ORDERS} exact copies of other orders dropped" in noticed(written)
    clean = json.loads((former / "personas.json").read_text(encoding="utf-8"))
    assert [p["story"] for p in written["personas"]] == [p["story"] for p in clean["personas"]]


def test_ids_of_any_script_and_with_markup_are_kept_as_they_are(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    names = ("ลูกค้า", "İstanbul", "🙂", "<b>Ann</b>", "'; --")
    written = report_of(write_shop(tmp_path, **with_value(WHO, lambda row: names[int(row[WHO][1:]) % 5] + row[WHO])))
    assert sum(sizes(written)) == 100
    ids = pq.read_table(tmp_path / "out" / "segments.parquet").column("customer_id").to_pylist()
    assert sorted(ids) == sorted(f"{names[i % 5]}C{i:03d}" for i in range(100))


def test_a_shop_that_gives_everything_away_is_told_without_comparing_nothing_with_nothing(tmp_path: Path) -> None:
    written = report_of(write_shop(tmp_path, **with_value(PAID, "0.00")))
    assert f"{ORDERS} orders of amount 0 counted as orders" in noticed(written)
    for persona in written["personas"]:
        assert "below the average of €0" not in persona["story"] and "above the average of €0" not in persona["story"]


def test_one_customer_who_buys_nearly_everything_is_named_in_the_notices(tmp_path: Path) -> None:
    config = write_shop(tmp_path, **with_value(PAID, lambda row: "9999999.00" if row[WHO] == "C002" else row[PAID]))
    assert "One customer holds more than half of the revenue of all customers" in noticed(report_of(config))


def test_orders_of_the_next_century_are_days_like_others(tmp_path: Path) -> None:
    written = report_of(write_shop(tmp_path, **with_value(DAY, lambda row: f"21{row[DAY][2:]}")))
    assert written["study"]["snapshot_date"] == "2125-12-30"


def test_all_orders_of_one_day_are_taken_when_the_window_is_given(tmp_path: Path) -> None:
    config = CONFIG.replace("  currency: EUR", "  currency: EUR\n  window_days: 365")
    written = report_of(write_shop(tmp_path, config=config, **with_value(DAY, "2025-06-01")))
    assert "“days since the last order” forms no segments: it is the same for all customers." in noticed(written)


def test_a_few_amounts_that_are_no_numbers_are_set_aside_with_their_count(tmp_path: Path) -> None:
    report_of(write_shop(tmp_path, **with_value(PAID, "NaN", every=200)))  # 4 of 646: within 1%
    audit = json.loads((tmp_path / "out" / "audit.json").read_text(encoding="utf-8"))
    rows = {line["step"]: line["rows"] for line in audit["control_totals"] if line["table"] == "orders"}
    assert (rows["read"], rows["used"], rows["without-amount"]) == (ORDERS, ORDERS - 4, 4)


def test_a_fixed_k_of_two_is_honoured(tmp_path: Path) -> None:
    # 34 of 100 customers are of the first kind (0, 3, ..., 99); the two dear kinds together are 66.
    assert sizes(report_of(write_shop(tmp_path), "--k", 2)) == [34, 66]


def test_a_size_that_no_segment_can_have_gives_the_verdict_none(tmp_path: Path) -> None:
    written = report_of(write_shop(tmp_path, **with_config("min_size: 10", "min_size: 200")))
    assert written["study"]["verdict"] == "none"
    assert "2 of 2 segments have fewer than 200 customers." in noticed(written)
    assert written["personas"] == []
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert (
        "No usable segmentation with these columns and sizes. No number of segments keeps every one at 200 customers "
        "or more: of two the smallest would have 34." in page
    )


def categories_only(folder: Path, parts: int, *, local: bool = False) -> Path:
    """120 customers of whom only two categories are known: three drinks in so many parts of the town.

    ``local``: each part has its drink, else every part has all three.
    """
    drinks = ("tea", "coffee", "cocoa")
    rows = [[f"C{i}", drinks[i % 3], f"part {i % parts if local else i // 3 % parts}"] for i in range(120)]
    write_table(folder / "people.csv", ["customer_id", "drink", "part"], rows)
    given = "    given:\n      drink: {column: drink, kind: category}\n      part: {column: part, kind: category}"
    text = CONFIG.replace("currency: EUR", "snapshot_date: 2026-01-01")
    text = text.replace("  orders:\n    file: orders.csv", f"  customers:\n    file: people.csv\n{given}")
    (folder / "people.yaml").write_text(text, encoding="utf-8")
    return folder / "people.yaml"


def test_customers_of_whom_only_categories_are_known_become_personas_of_categories(tmp_path: Path) -> None:
    written = report_of(categories_only(tmp_path, parts=21, local=True))
    assert sum(sizes(written)) == 120
    told = " ".join(statement["text"] for persona in written["personas"] for statement in persona["statements"])
    assert "tea" in told or "coffee" in told or "cocoa" in told
    assert "€" not in told and "order" not in told, "nothing is known of their orders"


def test_a_handful_of_different_customers_carries_no_segments(tmp_path: Path) -> None:
    # 3 drinks in 2 parts are 6 different rows: too few for two segments of 10 different ones each.
    config = categories_only(tmp_path, parts=2)
    result = personas("run", config, "--out", tmp_path / "fixed", "--quiet", "--k", 3)
    assert result.exit_code == 3
    assert "the largest possible number is 1 (6 different rows" in result.stderr


# hostile shop -----------------------------------------------------------------------------------------------------

CATEGORIES = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://e.test","x")',
    "{{7*7}}{% raw %}",
    "\"quoted\" 'it' & <b>",
    "x" * 300,
    "-->]]><svg/onload=alert(1)>",
)
HOSTILE = """\
study:
  name: "<script>alert(2)</script> {{7*7}}"
  currency: EUR
sources:
  orders:
    file: orders.csv
    columns: {order_id: select, customer_id: 'who is "it"', ordered_on: order by, total_amount: 'a"b; drop table t;--'}
  order_lines: {file: lines.csv}
  products: {file: products.csv}
segmentation: {k: [2, 4], min_size: 10, protocol: quick}
report: {map: none}
"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study of a shop whose columns, customers and categories were named by an enemy."""
    folder = tmp_path_factory.mktemp("hostile")
    header = ["select", 'who is "it"', "order by", 'a"b; drop table t;--', "channel"]
    rows = order_rows()
    config = write_shop(
        folder, header=header, config=HOSTILE, **with_value(WHO, lambda row: f"<img src=x onerror=alert(1)>{row[WHO]}")
    )
    lines = [[row[ID], f"S{int(row[WHO][1:]) % 6}", "1", row[PAID]] for row in rows]
    write_table(folder / "lines.csv", ["order_id", "sku", "quantity", "line_amount"], lines)
    products = [[f"S{number}", name, "3.00"] for number, name in enumerate(CATEGORIES)]
    write_table(folder / "products.csv", ["sku", "category", "unit_cost"], products)
    report_of(config)
    return folder / "out"


def test_hostile_names_are_read_and_never_obeyed(hostile: Path) -> None:
    cards = sorted((hostile / "cards").glob("*.html"))
    pages = [hostile / "report.html", *cards]
    shown = ""
    for path in pages:
        source = path.read_text(encoding="utf-8")
        reader = Reader(source)
        assert reader.faults == []
        for tag, attributes in reader.elements:
            assert tag not in FORBIDDEN and not any(name.startswith("on") for name in attributes), path.name
        shown += reader.text
    for name in CATEGORIES[:4]:
        assert name in shown, "what came in is shown as it is"
    assert "<script>alert(2)</script> {{7*7}}" in shown
    assert "onerror" not in shown, "no customer is named on any page"
    escaped = "".join(card.read_text(encoding="utf-8") for card in cards)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in escaped and "{{7*7}}" in escaped
    for card in cards:
        assert len(card.read_bytes()) < 60_000


def test_hostile_names_are_text_in_markdown_and_json(hostile: Path) -> None:
    from markdown_it import MarkdownIt

    for path in (hostile / "cards").glob("*.md"):
        tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(path.read_text(encoding="utf-8"))
        kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
        assert not kinds & {"link_open", "image", "html_inline", "html_block"}
    written = json.loads((hostile / "personas.json").read_text(encoding="utf-8"))
    assert written["study"]["name"] == "<script>alert(2)</script> {{7*7}}"
    assert sum(sizes(written)) == 100
