"""Foreign files are read by a child with limits: what it reads is the same, and how it ends is a message."""

import gzip
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personas.config import SourceConfig
from personas.errors import InputError, LimitError, PersonasError
from personas.sources.child import read_apart
from personas.sources.readers import read_here, read_source, read_together

ROOT = Path(__file__).resolve().parents[2]
TEXT = "order_id,customer_id,ordered_on,total_amount\n1,a,2025-01-02,5.00\n2,b,2025-01-03,7.50\n\n3,Å,2025-01-04,1\n"


def packed(folder: Path, text: str = TEXT) -> SourceConfig:
    with gzip.open(folder / "orders.csv.gz", "wt", encoding="utf-8") as file:
        file.write(text)
    return SourceConfig(file="orders.csv.gz")


def test_a_child_reads_what_this_process_reads(tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "more.csv").write_text(TEXT.replace("1,a", "9,z"), encoding="utf-8")
    pq.write_table(pa.table({"order_id": ["1"], "day": [None]}), tmp_path / "a.parquet")
    sources = [packed(tmp_path), SourceConfig(file=("plain.csv", "more.csv")), SourceConfig(file="a.parquet")]
    for source in sources:
        here, apart = read_here("orders", source, tmp_path), read_apart("orders", source, tmp_path)
        if isinstance(here.data, pa.Table):
            assert apart.data.equals(here.data) and apart.lines == here.lines
            assert apart.place(1) == here.place(1)
        else:
            assert apart.data == here.data
        for name in ("label", "columns", "types", "is_text", "records", "ragged", "blank", "facts", "sha256", "parts",
                     "dropped"):  # fmt: skip
            assert getattr(apart, name) == getattr(here, name), name


def test_parquet_files_are_looked_through_by_one_child_and_only_a_bad_one_is_read_alone(tmp_path: Path) -> None:
    for name, number in (("customers", 1), ("products", 2)):
        pq.write_table(pa.table({"id": [str(number)], "day": [None]}), tmp_path / f"{name}.parquet")
    (tmp_path / "orders.parquet").write_bytes(b"PAR1 and then nothing")
    (tmp_path / "tickets.csv").write_text(TEXT, encoding="utf-8")
    files = {"customers": "customers.parquet", "orders": "orders.parquet", "products": "products.parquet"}
    sources = {name: SourceConfig(file=file) for name, file in {**files, "tickets": "tickets.csv"}.items()}
    found = read_together(sources, tmp_path)
    assert found == {name: read_here(name, sources[name], tmp_path) for name in ("customers", "products")}
    with pytest.raises(InputError, match=r"orders\.parquet is a damaged Parquet file"):
        read_source("orders", sources["orders"], tmp_path)


def test_its_refusals_arrive_as_they_were_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"orders\.csv\.gz has a header but no records"):
        read_source("orders", packed(tmp_path, TEXT.splitlines()[0] + "\n"), tmp_path)
    with pytest.raises(InputError, match="packs 2 files") as found:
        _zip_of_two(tmp_path)
        read_source("orders", SourceConfig(file="two.zip"), tmp_path)
    assert found.value.exit_code == 3


def _zip_of_two(folder: Path) -> None:
    import zipfile

    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)


def test_a_reader_that_crashes_is_a_message_and_this_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = tmp_path / "path" / "pyarrow"
    crash.mkdir(parents=True)
    (crash / "__init__.py").write_text("import os\nos.abort()\n")
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    with pytest.raises(LimitError, match=r"orders\.csv\.gz crashed its reader \(SIGABRT\)") as found:
        read_source("orders", packed(tmp_path), tmp_path)
    assert found.value.exit_code == 4


def test_a_bug_in_the_child_tells_its_place_and_no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "path" / "pyarrow"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ValueError('ann@example.test')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    with pytest.raises(PersonasError, match=r"a bug of ours: ValueError at \w+\.py:\d+") as found:
        read_source("orders", packed(tmp_path), tmp_path)
    assert found.value.exit_code == 6 and "ann@" not in str(found.value)


def test_a_file_that_the_child_may_not_open_is_no_want_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "path" / "pyarrow"
    locked.mkdir(parents=True)
    (locked / "__init__.py").write_text("raise PermissionError(13, 'Permission denied', 'orders.csv.gz')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    with pytest.raises(InputError, match=r"orders\.csv\.gz cannot be opened: Permission denied"):
        read_source("orders", packed(tmp_path), tmp_path)


def test_memory_and_seconds_are_limits_that_the_configuration_sets(tmp_path: Path) -> None:
    source = packed(tmp_path)
    with pytest.raises(LimitError, match=r"needs more than 150 MiB of memory.*sources\.orders\.max_memory"):
        read_source("orders", source.model_copy(update={"max_memory": "150 MiB"}), tmp_path)
    rows = "".join(f"{n},c,2025-01-01,1.00\n" for n in range(600_000))
    slow = packed(tmp_path, TEXT.splitlines()[0] + "\n" + rows).model_copy(update={"max_seconds": 1})
    with pytest.raises(LimitError, match=r"more than 1 seconds.*sources\.orders\.max_seconds: 2"):
        read_source("orders", slow, tmp_path)


def test_twenty_gigabytes_in_a_parquet_file_of_two_megabytes_are_a_limit_in_seconds(tmp_path: Path) -> None:
    codes = pa.array(np.zeros(20_000_000, dtype=np.int32))
    pq.write_table(
        pa.table({"x": pa.DictionaryArray.from_arrays(codes, pa.array(["a" * 1000]))}), tmp_path / "b.parquet"
    )
    assert (tmp_path / "b.parquet").stat().st_size < 3_000_000
    began = time.monotonic()
    with pytest.raises(LimitError, match=r"b\.parquet unpacks to about 20,\d\d\d,\d\d\d,\d\d\d bytes"):
        read_source("orders", SourceConfig(file="b.parquet"), tmp_path)
    assert time.monotonic() - began < 30


def test_a_parquet_file_with_torn_pages_is_refused_in_words(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [str(n) for n in range(5_000)]}), tmp_path / "a.parquet", compression="zstd")
    data = bytearray((tmp_path / "a.parquet").read_bytes())
    data[40:4_000] = bytes(3_960)
    (tmp_path / "a.parquet").write_bytes(data)
    with pytest.raises((InputError, LimitError), match=r"a\.parquet"):
        read_source("orders", SourceConfig(file="a.parquet"), tmp_path)


def test_the_child_sees_no_secret_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = tmp_path / "path" / "pyarrow"
    spy.mkdir(parents=True)
    (spy / "__init__.py").write_text(
        f"import os\nopen({str(tmp_path / 'seen')!r}, 'w').write(repr(sorted(os.environ)))\nos.abort()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://ann:secret@localhost/shop")
    with pytest.raises(LimitError):
        read_source("orders", packed(tmp_path), tmp_path)
    seen = (tmp_path / "seen").read_text()
    assert "PATH" in seen and "SHOP_DATABASE" not in seen


def test_the_child_runs_no_file_of_the_working_folder(tmp_path: Path) -> None:
    packed(tmp_path)
    for name in ("pyarrow.py", "typing.py"):
        (tmp_path / name).write_text("open('run', 'w')\n")
    code = (
        "from pathlib import Path\nfrom personas.config import SourceConfig\n"
        "from personas.sources.child import read_apart\n"
        "print(read_apart('orders', SourceConfig(file='orders.csv.gz'), Path()).records)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip  # -P: as the command `personas` starts
    assert done.stdout == "3\n", done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    wait = tmp_path / "path" / "pyarrow"
    wait.mkdir(parents=True)
    (wait / "__init__.py").write_text(
        f"import os, time\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    )
    packed(tmp_path)
    code = (
        "from pathlib import Path\nfrom personas.config import SourceConfig\n"
        "from personas.sources.child import read_apart\n"
        f"read_apart('orders', SourceConfig(file='orders.csv.gz'), Path({str(tmp_path)!r}))\n"
    )
    path = os.pathsep.join([str(tmp_path / "path"), str(ROOT)])
    parent = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    pid = _within(20, lambda: int((tmp_path / "pid").read_text() or 0) if (tmp_path / "pid").exists() else 0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert _within(10, lambda: not _alive(pid)), "the child outlives its parent"


def _within(seconds: float, found: object) -> int:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := found():  # type: ignore[operator]
            return int(value)
        time.sleep(0.05)
    return 0


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"
