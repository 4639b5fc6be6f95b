# ruff: noqa: E501 - lists of payloads read best in one line
"""What strangers write into data, names and configurations: nothing of it is obeyed, nothing brings a run down."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.reliability.runs import ROOT
from tests.small_shop import CONFIG, HEADER, order_rows, write_shop, write_table

MIB = 1 << 20
FORMULAS = tuple(
    f"{blank}{sign}{rest}"
    for sign in "=+-@＝＋－＠\t\r"
    for rest in ("1+1", 'HYPERLINK("http://e.test")', "cmd|' /C calc'!A0")
    for blank in ("", " ")
)
NAMES = tuple(
    f"{word}{number}"
    for number in range(20)
    for word in (
        'a"b; DROP TABLE orders;--', "select", "x' OR '1'='1", "{{7*7}}", "../../etc/passwd", "__class__", "$(id)",
        "a`b", "%s%n", "ann/*",
    )
)  # fmt: skip


def ran(folder: Path, *arguments: str) -> dict[str, Any]:
    """The command line in a process of its own: exit code, seconds, most memory of it and of its child in MiB."""
    with (folder / "said").open("w+") as said:
        began = time.monotonic()
        run = subprocess.Popen(
            [sys.executable, "-m", "personas", *arguments], cwd=folder, stdout=said, stderr=said,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read()
    return {
        "code": run.returncode, "seconds": round(time.monotonic() - began, 1), "mebibytes": usage.ru_maxrss // 1024,
        "says": text.strip().splitlines()[-1][:160] if text.strip() else "", "traceback": "Traceback" in text,
    }  # fmt: skip


def bombs(start: int, count: int) -> dict[str, Any]:
    """Files that are small outside and large inside, or deep, or torn."""
    found = {}
    for name, make in dict(_bombs()).items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            file = make(path)
            (path / "shop.yaml").write_text(CONFIG.replace("orders.csv", file), encoding="utf-8")
            size = (path / file).stat().st_size
            found[name] = {"bytes": size, **ran(path, "check", "shop.yaml")}
    return found


def _bombs() -> Iterator[tuple[str, Any]]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.sources.workbook import sheet_xml, workbook

    def gz(folder: Path) -> str:
        with gzip.open(folder / "o.csv.gz", "wb") as file:
            for _ in range(300):
                file.write(b"a" * MIB)
        return "o.csv.gz"

    def zipped(folder: Path) -> str:
        with (
            zipfile.ZipFile(folder / "o.zip", "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open("o.csv", "w") as file,
        ):
            for _ in range(300):
                file.write(b"a" * MIB)
        return "o.zip"

    def nested(folder: Path) -> str:
        zipped(folder)
        with zipfile.ZipFile(folder / "n.zip", "w") as archive:
            archive.write(folder / "o.zip", "o.zip")
        return "n.zip"

    def parquet(folder: Path) -> str:
        codes = pa.array(np.zeros(20_000_000, dtype=np.int32))
        table = pa.table({"customer_id": pa.DictionaryArray.from_arrays(codes, pa.array(["a" * 1000]))})
        pq.write_table(table, folder / "o.parquet")
        return "o.parquet"

    def columns(folder: Path) -> str:
        (folder / "o.csv").write_text(",".join(f"c{n}" for n in range(100_000)) + "\n" + ",".join("1" * 100_000) + "\n")
        return "o.csv"

    def line(folder: Path) -> str:
        with (folder / "o.csv").open("wb") as file:
            file.write(b"order_id,customer_id,ordered_on,total_amount\n")
            for _ in range(1024):
                file.write(b"a" * MIB)
        return "o.csv"

    def deep(folder: Path) -> str:
        (folder / "o.json").write_text("[" * 10_000_000)
        return "o.json"

    def far(folder: Path) -> str:
        cell = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        sheet = sheet_xml([["order_id", "customer_id"], ["1", "a"]]).replace("</sheetData>", cell)
        (folder / "o.xlsx").write_bytes(workbook({"a": sheet}))
        return "o.xlsx"

    def entities(folder: Path) -> str:
        lines = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "a" * 10}">' for n in range(10))
        sheet = sheet_xml([["order_id"], ["1"]])
        (folder / "o.xlsx").write_bytes(workbook({"a": f"<!DOCTYPE w [{lines}]>{sheet}"}))
        return "o.xlsx"

    def torn(folder: Path) -> str:
        table = pa.table({name: [str(n) for n in range(5_000)] for name in HEADER})
        pq.write_table(table, folder / "o.parquet", compression="zstd")
        data = bytearray((folder / "o.parquet").read_bytes())
        data[30:6_000] = bytes(5_970)
        (folder / "o.parquet").write_bytes(data)
        return "o.parquet"

    yield "gzip of 300 MiB in 0.3 MB", gz
    yield "zip of 300 MiB in 0.3 MB", zipped
    yield "a zip in a zip", nested
    yield "Parquet of 20 GB in 2 MB", parquet
    yield "100,000 columns", columns
    yield "a line of 1 GiB", line
    yield "JSON of 10,000,000 levels", deep
    yield "one cell at XFD1048576", far
    yield "XML entities", entities
    yield "torn Parquet pages", torn


def injection(start: int, count: int) -> dict[str, Any]:
    """HTML and Markdown in every slot, names of columns in SQL, formulas in exports, templates."""
    from personas.render import render_card, render_html
    from tests.render.test_hostile import HARMLESS, poisoned_study
    from tests.render.test_pages import FORBIDDEN, Reader

    payloads = _html()
    clean = [tag for tag, _ in Reader(render_html(poisoned_study(HARMLESS))).elements]
    violations = templates = 0
    for first in range(0, len(payloads), 15):
        study = poisoned_study(" ".join(payloads[first : first + 15]))
        page, card = Reader(render_html(study)), Reader(render_card(study, study.personas[0]))
        violations += [tag for tag, _ in page.elements] != clean
        for source in (page, card):
            violations += len(source.faults)
            for tag, attributes in source.elements:
                violations += tag in FORBIDDEN
                violations += sum(name.startswith("on") or name == "style" for name in attributes)
                links = [value for name, value in attributes.items() if name in ("href", "src")]
                violations += sum(not (value or "").startswith("#") for value in links)
        templates += "{{ 7 * 191 }}" in " ".join(payloads[first : first + 15]) and "1337" in page.text
    slots = str(poisoned_study("Zqx9")).count("Zqx9")
    return {
        "HTML": {"payloads": len(payloads), "slots": slots, "violations": violations},
        "templates": {"evaluated": templates},
        "names of columns in SQL": _columns(),
        "formulas": _formulas(),
    }


def _html() -> list[str]:
    """150 payloads: text, attribute, address, style and drawing contexts, entities, overlong and odd letters."""
    scripts = ("alert(1)", "top.location='http://e.test'", "fetch('//e.test')", "eval('1')", "{{ 7 * 191 }}")
    shapes = (
        "<script>{}</script>", "<ScRiPt>{}</sCrIpT>", '"><img src=x onerror={}>', "' onmouseover='{}", "<svg/onload={}>",
        "<svg><script>{}</script></svg>", "<a href=javascript:{}>x</a>", '<a href="data:text/html,{}">x</a>',
        "</style><style>*{background:url(//e.test?{})}</style>", "<iframe srcdoc='{}'>", "--><b>{}</b>", "]]><i>{}</i>",
        "&lt;script&gt;{}&lt;/script&gt;", "<math><mtext><style><img src onerror={}>", "<body onload={}>",
        "<details open ontoggle={}>", "<input autofocus onfocus={}>", "<meta http-equiv=refresh content='0;{}'>",
        "<base href='//e.test/{}'>", "<form action=//e.test><button>{}</button></form>", "<object data='{}'>",
        "<embed src='{}'>", "<link rel=stylesheet href='//e.test/{}'>", "<table background='{}'>", "\u202e<b>{}</b>",
        "<x" + "y" * 300 + ">{}", "<!--{}", "<![CDATA[{}]]>", "<?php {} ?>", "\u2028<u>{}</u>",
    )  # fmt: skip
    return [shape.replace("{}", script) for shape in shapes for script in scripts]


def _columns() -> dict[str, int]:
    """The same orders under 200 hostile names of columns and as many hostile customers: the same tables."""
    from personas.config import Config
    from personas.engines import open_engine
    from personas.sources import prepare

    right = 0
    with open_engine(threads=1) as engine, tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            rows = [["1", name, "2024-01-05", "10.00"], ["2", "bob", "2024-02-05", "20.50"]]
            with (Path(folder) / "orders.csv").open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([["order_id", name, "ordered_on", "total_amount"], *rows])
            source = {"file": "orders.csv", "columns": {"customer_id": name}}
            study = {"name": "s", "currency": "EUR"}
            prepare(engine, Config.model_validate({"study": study, "sources": {"orders": source}, "folder": folder}))
            sql = "SELECT customer_id, net_amount FROM orders ORDER BY order_id"
            found = [tuple(map(str, row.values())) for row in engine.fetch(sql, 10).to_pylist()]
            right += found == [(name, "10.0000"), ("bob", "20.5000")]
    return {"names": len(NAMES), "the same tables": right}


def _formulas() -> dict[str, int]:
    """Customers called like formulas, exported: no cell of the file begins as a formula does."""
    dangerous = "=+-@＝＋－＠\t\r\n\0"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        rows = order_rows(100)
        called = {f"C{number:03d}": FORMULAS[number] for number in range(len(FORMULAS))}
        write_shop(path, [[row[0], called.get(row[1], row[1]), *row[2:]] for row in rows])
        text = (
            path / "shop.yaml"
        ).read_text() + "audiences:\n  all:\n    where:\n      - {column: orders_per_year, from: 0}\n"
        (path / "shop.yaml").write_text(text)
        done = ran(path, "audience", "shop.yaml", "all", "--out", "all.csv")
        if done["code"] != 0:
            return {"not run": done["says"]}  # type: ignore[dict-item]
        with (path / "all.csv").open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
    return {"payloads": len(FORMULAS), "cells": len(cells), "formulas": sum(c[:1] in dangerous for c in cells if c)}


def yaml_files(start: int, count: int) -> dict[str, Any]:
    """Hostile and broken configurations: each an error with its place, in a second."""
    from personas.config import load_config
    from personas.errors import ConfigError

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(_configurations()):
            path = Path(folder) / "c.yaml"
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            began = time.monotonic()
            try:
                load_config(path)
                outcome = "accepted"
            except ConfigError:
                outcome = "refused"
            except Exception as error:
                outcome = f"escaped: {type(error).__name__}"
            found[f"{number:02d}"] = {"outcome": outcome, "fast": time.monotonic() - began < 1}
    return found


def _configurations() -> list[str | bytes]:
    good = CONFIG
    heads = [
        "a: &a [x]\nb: *a\n", "a: !!python/object/apply:os.system [id]\n", "a: !!binary aGk=\n", "<<: {a: 1}\n", "a: !x 1\n",
        "x: " + "[" * 2_000 + "]" * 2_000 + "\n", "x:\n" + "".join(" " * n + f"k{n}:\n" for n in range(1, 200)), "\tstudy: 1\n",
        "a: 1\na: 2\n", "--- \na: 1\n--- \nb: 2\n", "%TAG ! tag:x,2000:\n---\na: !y 1\n", "? [a, b]\n: c\n", "a: {b: 1, b: 2}\n",
    ]  # fmt: skip
    bombs = ["a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(f"b{n}: &b{n} [*a,*a,*a]\n" for n in range(50))]
    bodies: list[str | bytes] = [head + good for head in heads + bombs]
    bodies += [
        b"", b"\0" * 10, b"\xff\xfe\0", good.encode("utf-16"), "[]", "3", "study", "null", "# nothing\n", "x" * (MIB + 1),
        good + "".join(f"k{n}: 1\n" for n in range(6_000)),
    ]  # fmt: skip
    values = (
        "file: http://169.254.169.254/", "data: x", "postgres: postgresql://ann:secret@h/d", "postgres: lower case",
        "sql: SELECT 1", "password: secret", "python: os.system", "format: exe", "delimiter: '^^'", "decimal: both",
        "dates: any", "columns: [a]", "columns: {customer_id: {column: a, sum_of: [b]}}", "columns: {customer_id: {}}",
        "max_set_aside: 2", "max_set_aside: -1", "max_set_aside: .inf", "max_set_aside: .nan", "max_memory: lots",
        "max_seconds: 0", "same_sale_days: 99", "verify: never", "quotes: none", "time_zone: Moon/Base", "units: 3",
        "currency: {only: euro}", "currency: {rates: {USD: -1}}", "currency: {}", "calendar: mayan", "years: 3",
        "given: {x: {column: a, kind: code}}", "given: {x: {column: a, role: spy}}", "given: {x: 3}", "fold_case: maybe",
    )  # fmt: skip
    bodies += [good.replace("file: orders.csv", f"file: orders.csv\n    {value}") for value in values]
    parts = (
        "study: {name: s, window_days: 1}", "study: {name: s, seed: -1}", "study: {name: s, currency: euro}",
        "study: {name: ''}", "study: {name: s, snapshot_date: 30 Feb}", "study: {name: s, hash_ids_with: secret word}",
        "study: {name: s, population: nobody}", "study: {name: s, time_zone: ../../etc}",
    )  # fmt: skip
    bodies += [part + "\nsources: {orders: {file: o.csv}}\n" for part in parts]
    filters = (
        "x'; DROP TABLE c;--: {}", "a: {where: 'SELECT 1'}", "a: {where: [{column: 'x; --', above: ONE}]}", "a: 3",
        "a: {where: [{sql: '1=1'}]}", "a: {where: [{column: a}]}", "a: {python: x}", "a: {where: []}", "a: {where: {}}",
        "a: {all: 1}", "a: {where: [[1]]}", "a: {where: [{column: a, above: 1, code: x}]}", "a: null", "a: [1]",
    )  # fmt: skip
    bodies += [good + f"audiences:\n  {text}\n" for text in filters]
    return bodies


def canaries(start: int, count: int) -> dict[str, Any]:
    """A customer with a mark in every field: searched in everything that a run and failing runs leave or say."""
    marks = ("Kanarienvogel", "canary@bird.example", "+49 170 5550123", "Seed Street 7", "1961-02-03")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        rows = [[*row[:4], f"{row[4]}", "", ""] for row in order_rows(100)]
        for row in rows:
            if row[1] == "C007":
                row[5:] = ["please ring Kanarienvogel", "Seed Street 7"]
        write_shop(path, rows, header=(*HEADER, "note", "shipping_address"))
        people = [[f"C{number:03d}", "", "", "", ""] for number in range(100)]
        people[7] = ["C007", *marks[:3], marks[4]]
        write_table(path / "people.csv", ("customer_id", "name", "email", "phone", "birth_date"), people)
        text = (path / "shop.yaml").read_text().replace("orders.csv", "orders.csv\n  customers:\n    file: people.csv")
        (path / "shop.yaml").write_text(text)
        found["run"] = _searched(path, marks, "run", "shop.yaml", "--out", "out")
        orders = (path / "orders.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        for number in range(start, min(60, start + count) if count else 60):
            broken = list(orders)
            place = next(n for n, line in enumerate(broken) if "Kanarienvogel" in line)
            cells = broken[place].split(",")
            harm = number % 6
            if harm == 0:
                cells[3] = "Kanarienvogel"
            elif harm == 1:
                cells[2] = "Kanarienvogel 7"
            elif harm == 2:
                cells.insert(3, "Kanarienvogel")
            elif harm == 3:
                cells[4] = '"Kanarienvogel'
            elif harm == 4:
                cells[1] = "" if number % 2 else "Kanarienvogel\0"
            else:
                cells[0] = orders[1].split(",")[0]
            broken[place] = ",".join(cells)
            if number >= 30:  # more than may be set aside
                broken = [broken[0], *[",".join(cells)] * 2, *broken[1 : 20 + number]]
            (path / "orders.csv").write_text("".join(broken), encoding="utf-8")
            found[f"failure {number:02d}"] = _searched(path, marks, "check", "shop.yaml", "--quiet")
    return found


def _searched(path: Path, marks: tuple[str, ...], *arguments: str) -> dict[str, Any]:
    """Exit code, and how often a mark is said or written anywhere but in the sources."""
    done = ran(path, *arguments)
    tokens = 0
    for file in path.rglob("*"):
        if file.is_file() and file.name not in ("orders.csv", "people.csv"):
            data = file.read_bytes().lower()
            tokens += sum(data.count(mark.lower().encode()) for mark in marks)
    return {"code": done["code"], "tokens": tokens, "traceback": done["traceback"]}
