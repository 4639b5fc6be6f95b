import gzip
import io
import os
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personas.config import SourceConfig
from personas.errors import ConfigError, InputError, LimitError, PersonasError
from personas.sources.readers import Raw, read_source

from ..conftest import ROOT, as_anybody


def read(folder: Path, content: str | bytes, **settings: Any) -> Raw:
    data = content.encode() if isinstance(content, str) else content
    (folder / "orders.csv").write_bytes(data)
    return read_source("orders", SourceConfig(file="orders.csv", **settings), folder)


def cells(raw: Raw) -> dict[str, list[str]]:
    assert isinstance(raw.data, pa.Table)
    return raw.data.to_pydict()


def refusal(folder: Path, content: str | bytes, **settings: Any) -> str:
    with pytest.raises(PersonasError) as found:
        read(folder, content, **settings)
    assert isinstance(found.value, InputError | ConfigError)
    return str(found.value)


# --- dialect -------------------------------------------------------------------------------------------------------


def test_m1_decimal_commas_do_not_pass_for_delimiters(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "a;b\n1,5;2,5\n3,5;4,5\n")) == {"a": ["1,5", "3,5"], "b": ["2,5", "4,5"]}


def test_m2_one_short_row_of_three_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "line 3 has 2" in refusal(tmp_path, "id,a,b\n1,2,3\n4,5\n6,7,8\n")
    assert "line 3 has 4" in refusal(tmp_path, "id,a,b\n1,2,3\n4,5,6,7\n6,7,8\n")


def test_m3_ctrl_z_at_the_end_goes_with_a_note(tmp_path: Path) -> None:
    raw = read(tmp_path, "id,name\n1,a\n\x1a")
    assert cells(raw) == {"id": ["1"], "name": ["a"]}
    assert raw.facts["notes"] == ["Ctrl-Z at the end removed"]


def test_m8_m9_broken_quotes_are_refused_with_their_line(tmp_path: Path) -> None:
    assert "line" in refusal(tmp_path, 'id,x\n1,"x\n2,y\n', delimiter="comma")
    assert "line 2" in refusal(tmp_path, 'id,x\n1,"ab"c\n', delimiter="comma")
    assert refusal(tmp_path, 'id,x\n1,"x\n2,y\n')


def test_m10_repeated_and_unnamed_columns_are_refused(tmp_path: Path) -> None:
    assert "two columns are called" in refusal(tmp_path, "a,A\n1,2\n")
    assert "no name" in refusal(tmp_path, "a,,c\n1,2,3\n")


def test_m12_m13_m14_m15_nothing_is_turned_into_a_number(tmp_path: Path) -> None:
    body = "".join(f"1{i:04d},x\n" for i in range(3000))
    raw = read(tmp_path, f"zip,sku\n{body}02134,true\n9007199254740993,12:30\n1e5,1.10\n")
    assert cells(raw)["zip"][-3:] == ["02134", "9007199254740993", "1e5"]
    assert cells(raw)["sku"][-3:] == ["true", "12:30", "1.10"]


def test_m18_nul_is_refused(tmp_path: Path) -> None:
    assert "NUL" in refusal(tmp_path, b"id,x\n1,a\x00b\n")


@pytest.mark.parametrize(("mark", "word"), [(",", "comma"), (";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_every_candidate_delimiter_is_found_and_may_be_declared(tmp_path: Path, mark: str, word: str) -> None:
    text = f"a{mark}b\n1{mark}2\n3{mark}4\n"
    assert cells(read(tmp_path, text)) == {"a": ["1", "3"], "b": ["2", "4"]}
    assert cells(read(tmp_path, text, delimiter=word)) == cells(read(tmp_path, text, delimiter=mark))


def test_two_fitting_delimiters_are_a_question(tmp_path: Path) -> None:
    assert "sources.orders.delimiter" in refusal(tmp_path, "a;b,c\n1;2,3\n4;5,6\n")


def test_an_unknown_delimiter_is_a_question(tmp_path: Path) -> None:
    assert "one column" in refusal(tmp_path, "a^b\n1^2\n")


def test_quoted_delimiters_newlines_and_quotes_stay_in_their_cell(tmp_path: Path) -> None:
    raw = read(tmp_path, 'id,x\r\n1,"a,b"\r\n2,"c\r\nd"\r\n3,"say ""hi"""\r\n4,5" pipe\r\n')
    assert cells(raw)["x"] == ["a,b", "c\r\nd", 'say "hi"', '5" pipe']
    # The record of the two lines ends on line 4, so the next one is on line 5.
    assert raw.place(2) == "line 5"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_line_end_gives_the_same_table(tmp_path: Path, newline: str) -> None:
    assert cells(read(tmp_path, newline.join(["a,b", "1,2", "3,4", ""]))) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_blank_lines_are_passed_over_and_blank_records_counted(tmp_path: Path) -> None:
    raw = read(tmp_path, "a,b\n1,2\n\n,\n3,4\n")
    assert cells(raw) == {"a": ["1", "3"], "b": ["2", "4"]}
    assert (raw.records, raw.blank) == (3, 1)
    assert raw.place(1) == "line 5"


def test_blank_lines_before_the_header_are_passed_over(tmp_path: Path) -> None:
    assert cells(read(tmp_path, "\n\na,b\n1,2\n")) == {"a": ["1"], "b": ["2"]}


def test_m19_a_title_above_the_header_is_passed_over_with_a_note(tmp_path: Path) -> None:
    raw = read(tmp_path, "Report for May\n\nid,x\n1,2\n3,4\n")
    assert cells(raw) == {"id": ["1", "3"], "x": ["2", "4"]}
    assert "1 lines above" in str(raw.facts["notes"]) and raw.place(0) == "line 4"


def test_a_header_that_is_narrower_than_its_records_is_no_title(tmp_path: Path) -> None:
    assert refusal(tmp_path, "name,city\nAnn,Rome,x\nBob,Paris,y\n")
    assert refusal(tmp_path, "a,b,c\n1,2\n3,4\n5,6\n")


def test_m7_totals_and_remarks_below_the_table_are_set_aside(tmp_path: Path) -> None:
    raw = read(tmp_path, "id,x\n1,10\n2,20\nTotal,30\n")
    assert cells(raw)["id"] == ["1", "2"] and raw.dropped == (("total-row", 1),)
    raw = read(tmp_path, "id,d,x\n1,2024-01-01,10\n2,2024-01-01,20\nSumme:,,31\n")
    assert cells(raw)["id"] == ["1", "2"] and (raw.records, raw.dropped) == (3, (("total-row", 1),))
    raw = read(tmp_path, "id,d,x\n1,a,10\n2,b,20\nSeller ID : shop\n")
    assert cells(raw)["id"] == ["1", "2"] and raw.dropped == (("total-row", 1),)


def test_a_customer_called_total_is_no_total(tmp_path: Path) -> None:
    raw = read(tmp_path, "who,d,x\nann,2024-01-01,10\nTotal,2024-01-02,20\n")
    assert cells(raw)["who"] == ["ann", "Total"] and raw.dropped == ()


def test_a_torn_last_record_is_no_remark(tmp_path: Path) -> None:
    assert "line 4 has 2" in refusal(tmp_path, "id,a,b\n1,2,3\n6,7,8\n4,5\n")
    assert "line 4 has 1" in refusal(tmp_path, "id,a,b\n1,2,3\n6,7,8\n4\n")


def test_totals_in_the_middle_and_repeated_headers_are_refused(tmp_path: Path) -> None:
    body = "".join(f"{i},2024-01-01,1\n" for i in range(10))
    assert "line 2" in refusal(tmp_path, f"id,d,x\nTotal,,10\n{body}")
    assert "comes again line 12" in refusal(tmp_path, f"id,d,x\n{body}id,d,x\n1,2024-01-01,1\n")


def test_m20_a_file_without_header_asks_for_one(tmp_path: Path) -> None:
    assert "sources.orders.header" in refusal(tmp_path, "1,ann,2024-01-05,10\n2,bob,2024-01-06,20\n")
    raw = read(tmp_path, "1,ann,2024-01-05\n2,bob,2024-01-06\n", header=["id", "who", "day"])
    assert cells(raw) == {"id": ["1", "2"], "who": ["ann", "bob"], "day": ["2024-01-05", "2024-01-06"]}
    assert raw.place(0) == "line 1"


def test_a_delimiter_at_the_end_of_every_record_is_no_column(tmp_path: Path) -> None:
    raw = read(tmp_path, "a,b,\n1,2,\n3,4,\n")
    assert cells(raw) == {"a": ["1", "3"], "b": ["2", "4"]}
    assert "no name" in refusal(tmp_path, "a,b,\n1,2,5\n3,4,\n")


def test_a_blank_before_a_quote_is_no_part_of_the_cell(tmp_path: Path) -> None:
    assert cells(read(tmp_path, 'a, b\n1, "Smith, J"\n2, "Doe, K"\n')) == {"a": ["1", "2"], "b": ["Smith, J", "Doe, K"]}


# --- packed files, JSON, databases ---------------------------------------------------------------------------------


def test_packed_text_is_the_same_table_as_unpacked(tmp_path: Path) -> None:
    text = b"a,b\n1,2\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("inner/orders.csv", text)
    plain = read(tmp_path, text)
    for content in (gzip.compress(text), archive.getvalue()):
        raw = read(tmp_path, content)
        assert (cells(raw), raw.sha256) == (cells(plain), plain.sha256)


def test_archives_of_several_files_and_archives_in_archives_are_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.csv", "a,b\n1,2\n")
        packed.writestr("b.csv", "a,b\n1,2\n")
    assert "packs 2 files" in refusal(tmp_path, archive.getvalue())
    assert "inside an archive" in refusal(tmp_path, gzip.compress(archive.getvalue()))
    assert "damaged" in refusal(tmp_path, gzip.compress(b"a,b\n1,2\n")[:-6])


def test_m27_m28_json_values_stay_as_they_are_written(tmp_path: Path) -> None:
    raw = read(tmp_path, '[{"id": 12345678901234567890, "x": 1.10}, {"id": 1.5, "x": 1e2, "k": true}]')
    assert cells(raw) == {"id": ["12345678901234567890", "1.5"], "x": ["1.10", "1e2"], "k": ["", "true"]}
    assert "not in all 2 objects: k in 1" in str(raw.facts["notes"])
    raw = read(
        tmp_path, '{"id": 1, "who": {"mail": "a"}, "items": [1]}\n{"id": 2, "who": {"mail": null}, "items": []}\n'
    )
    assert cells(raw) == {"id": ["1", "2"], "who.mail": ["a", ""]}
    assert raw.place(1) == "line 2"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('[{"a": 1, "a": 2}]', "comes twice"),
        ('[{"a": 1', "no JSON at line 1"),
        ("[1, 2]", "list of objects"),
        ("[]", "no records"),
    ],
)
def test_broken_json_is_refused(tmp_path: Path, content: str, word: str) -> None:
    assert word in refusal(tmp_path, content)


def test_json_of_many_levels_meets_a_limit(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="20 levels"):
        read(tmp_path, "[" * 100_000)


def test_a_table_of_an_sqlite_file_is_read_as_text(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "orders.csv")
    connection.execute("CREATE TABLE o (id TEXT, x REAL)")
    connection.execute("INSERT INTO o VALUES ('007', 1.5), ('8', NULL)")
    connection.commit()
    connection.close()
    raw = read_source("orders", SourceConfig(file="orders.csv"), tmp_path)
    assert cells(raw) == {"id": ["007", "8"], "x": ["1.5", ""]}
    with pytest.raises(InputError, match="no table 'p'"):
        read_source("orders", SourceConfig(file="orders.csv", sheet="p"), tmp_path)


def test_what_is_no_file_or_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    (tmp_path / "nowhere.csv").symlink_to(tmp_path / "none.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    for file, said in (
        ("loop.csv", "a link that leads nowhere"), ("nowhere.csv", "a link that leads nowhere"),
        ("pipe.csv", "no regular file"), (f"{'a' * 300}.csv", "File name too long"), ("a\0b.csv", "no file"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            read_source("orders", SourceConfig(file=file), tmp_path)
    (tmp_path / "secret.csv").write_text("a,b\n1,2\n")
    (tmp_path / "secret.csv").chmod(0)
    code = (
        "import sys, pathlib\nfrom personas.config import SourceConfig\n"
        "from personas.sources.readers import read_source\n"
        "read_source('orders', SourceConfig(file='secret.csv'), pathlib.Path(sys.argv[1]))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, preexec_fn=as_anybody(), capture_output=True, text=True, timeout=60)
    assert "InputError: sources.orders.file cannot be opened: Permission denied" in done.stderr


def test_a_cell_of_over_a_million_characters_is_a_limit(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match="a cell of more than 1,048,576 characters"):
        read(tmp_path, f"a,b\n1,{'x' * 1_200_000}\n")


def test_folders_and_patterns_name_several_files(tmp_path: Path) -> None:
    folder = tmp_path / "months"
    folder.mkdir()
    (folder / "jan.csv").write_text("id,x\n1,a\n")
    (folder / "feb.csv").write_text("x,id\nb,2\n")
    (folder / "readme.md").write_text("# no table\n")
    for file in ("months", "months/*.csv"):
        assert cells(read_source("orders", SourceConfig(file=file), tmp_path))["id"] == ["2", "1"]
    with pytest.raises(InputError, match="no file fits"):
        read_source("orders", SourceConfig(file="months/*.xml"), tmp_path)
    (folder / "out.csv").symlink_to(tmp_path / "elsewhere.csv")
    (tmp_path / "elsewhere.csv").write_text("id,x\n3,c\n")
    for file in ("months", "months/*.csv"):
        with pytest.raises(InputError, match="link out of its folder"):
            read_source("orders", SourceConfig(file=file), tmp_path)


def test_columns_apart_by_blanks_may_begin_with_one(tmp_path: Path) -> None:
    raw = read(tmp_path, " id  day  n\r\n 0001 19970101 1\r\n 0002   19970102  2\r\n", delimiter="blanks")
    assert cells(raw) == {"id": ["0001", "0002"], "day": ["19970101", "19970102"], "n": ["1", "2"]}


def test_a_few_ragged_rows_are_set_aside_and_more_are_refused(tmp_path: Path) -> None:
    body = "".join(f"{i},x\n" for i in range(199))
    raw = read(tmp_path, f"id,x\n{body}7\n")  # 1 of 200 = 0.5%
    assert (raw.records, raw.ragged) == (200, 1)
    assert "line 201 has 1 fields" in str(raw.facts["ragged"])
    assert "max_set_aside" in refusal(tmp_path, f"id,x\n{body}7\n", max_set_aside=0)
    assert refusal(tmp_path, f"id,x\n{body}{'7' + chr(10)}{'8' + chr(10)}{'9' + chr(10)}")  # 3 of 202 = 1.5%


# --- text ----------------------------------------------------------------------------------------------------------


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert cells(read(tmp_path, b"\xef\xbb\xbfid,x\n1,\xc3\xa4\n")) == {"id": ["1"], "x": ["ä"]}
    assert cells(read(tmp_path, "id,x\n1,ä\n".encode("utf-16"))) == {"id": ["1"], "x": ["ä"]}


def test_other_encodings_are_refused_with_the_byte_until_they_are_declared(tmp_path: Path) -> None:
    content = "id,x\n1,Müller\n".encode("cp1252")  # byte 8 is the u with two dots
    assert "byte 8" in refusal(tmp_path, content)
    assert cells(read(tmp_path, content, encoding="cp1252"))["x"] == ["Müller"]
    assert "no encoding" in refusal(tmp_path, content, encoding="cp125")


# --- gate ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b\n", "no records"),
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8brest", "gzip"),
        (b"<html>", "HTML"),
        (b'{"a": 1', "JSON"),
        (b"%PDF-1.7", "PDF"),
        (b"PAR1broken", "damaged"),
    ],
)
def test_what_is_no_table_is_refused_in_words(tmp_path: Path, content: bytes, word: str) -> None:
    assert word in refusal(tmp_path, content)


def test_missing_files_folders_and_addresses_are_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("a,b\n1,2\n")
    (tmp_path / "inner").mkdir()
    for file, word in [
        ("order.csv", "Did you mean 'orders.csv'"),
        ("inner", "has no file that is read"),
        ("https://x.org/a.csv", "address"),
    ]:
        with pytest.raises(InputError, match=word):
            read_source("orders", SourceConfig(file=file), tmp_path)
    with pytest.raises(InputError, match="pip install no-such-thing"):
        read_source("orders", SourceConfig(file="a.csv", package="no_such_thing"), tmp_path)


def test_a_declared_format_must_be_the_real_one(tmp_path: Path) -> None:
    assert "not parquet" in refusal(tmp_path, "a,b\n1,2\n", format="parquet")


# --- several files, Parquet, memory --------------------------------------------------------------------------------


def test_files_of_one_shape_are_joined_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,x\n1,a\n")
    (tmp_path / "b.csv").write_text("x,id\nb,2\n")
    (tmp_path / "c.csv").write_text("id,x,y\n3,c,d\n")
    raw = read_source("orders", SourceConfig(file=("a.csv", "b.csv")), tmp_path)
    assert cells(raw) == {"id": ["1", "2"], "x": ["a", "b"]}
    assert raw.place(1) == "b.csv line 2"
    with pytest.raises(InputError, match="differ in the columns y"):  # M22
        read_source("orders", SourceConfig(file=("a.csv", "c.csv")), tmp_path)
    (tmp_path / "d.csv").write_text("id,x\n1,a\n")
    with pytest.raises(InputError, match="same content"):
        read_source("orders", SourceConfig(file=("a.csv", "d.csv")), tmp_path)


def test_parquet_stays_a_file_for_the_engine(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": [1, 2], "x": [1.5, 2.5]}), tmp_path / "orders.csv"
    )  # the name lies, the bytes do not
    raw = read_source("orders", SourceConfig(file="orders.csv"), tmp_path)
    assert raw.types == ("int64", "double")
    assert isinstance(raw.data, tuple)
    assert raw.records == 2


def test_a_data_frame_is_read_without_its_index(tmp_path: Path) -> None:
    raw = read_source("orders", SourceConfig(data=pd.DataFrame({"id": [1, 2]}, index=[7, 8])), tmp_path)
    assert cells(raw) == {"id": [1, 2]}
    with pytest.raises(InputError, match="no rows"):
        read_source("orders", SourceConfig(data=pa.table({"id": pa.array([], pa.int64())})), tmp_path)


def test_the_hash_is_that_of_the_records_in_any_order(tmp_path: Path) -> None:
    import hashlib

    expected = hashlib.sha256(b"1,2\n3,4\na,b").hexdigest()  # the lines sorted by their bytes: digits before letters
    assert read(tmp_path, "a,b\n3,4\n1,2\n").sha256 == expected
    assert read(tmp_path, "a,b\n1,2\n3,4\n").sha256 == expected


def test_a_long_text_is_compared_cell_by_cell_only_when_asked_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personas.sources.delimited.CHECKED_CHARACTERS", 5)
    monkeypatch.setattr("personas.sources.textfile.CHECKED_CHARACTERS", 5)
    (tmp_path / "orders.csv").write_text("id,amount\n1,2\n3,4\n")
    for verify, checked in (("auto", False), ("full", True)):
        raw = read_source("orders", SourceConfig(file="orders.csv", verify=verify), tmp_path)
        assert raw.facts["checked"] is checked
