"""The place of a study: one writer, one step to publish, nothing left behind."""

import os
from pathlib import Path

import pytest

from personas.errors import ConfigError, InputError, LimitError
from personas.journal import Journal, fingerprint
from personas.place import exchange, open_place, swap
from tests.conftest import lacking


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(text)
    return folder


def test_two_writers_never_share_a_place_and_the_lock_goes_with_the_run(tmp_path: Path) -> None:
    with open_place(tmp_path / "out"):
        with pytest.raises(ConfigError, match=r"another run \(process \d+\) is writing"), open_place(tmp_path / "out"):
            pass
        with open_place(tmp_path / "other"):
            pass
    with open_place(tmp_path / "out") as place:
        place.publish(lambda folder: (folder / "manifest.json").write_text("1") and None)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o755), (0o077, 0o700)])
def test_who_may_read_a_study_is_what_the_mask_of_the_process_says(mask: int, mode: int, tmp_path: Path) -> None:
    former = os.umask(mask)
    try:
        with open_place(tmp_path / "out") as place:
            place.publish(lambda folder: (folder / "manifest.json").write_text("1") and None)
    finally:
        os.umask(former)
    assert (tmp_path / "out").stat().st_mode & 0o777 == mode


@pytest.mark.parametrize("swaps", [True, False])
def test_the_new_folder_takes_the_place_of_the_former_one(
    swaps: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, new = written(tmp_path / "out", "former"), written(tmp_path / "new", "new")
    if not swaps:  # as on a system without an exchange
        monkeypatch.setattr("personas.place.exchange", lambda one, other: False)
    swap(new, former, tmp_path / "aside")
    assert (former / "manifest.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_of_the_readers_own_stay_with_the_study(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    (folder / "tests").mkdir(parents=True)
    (folder / "cards").mkdir()
    for name in ("manifest.json", "cards/joe.html", "tests/spring.csv", "leads.csv"):
        (folder / name).write_text("former")
    (folder / "notes").symlink_to("nowhere")

    def write(new: Path) -> None:
        (new / "manifest.json").write_text("new")

    with open_place(folder) as place:
        place.publish(write)
    assert {path.name: path.is_symlink() for path in folder.iterdir()} == {
        "manifest.json": False, "tests": False, "leads.csv": False, "notes": True,
    }  # fmt: skip
    assert (folder / "manifest.json").read_text() == "new" and (folder / "tests" / "spring.csv").read_text() == "former"


def test_two_folders_change_their_names_in_one_step(tmp_path: Path) -> None:
    one, other = written(tmp_path / "one", "1"), written(tmp_path / "other", "2")
    if not exchange(one, other):
        lacking("this file system knows no exchange")
    assert ((one / "manifest.json").read_text(), (other / "manifest.json").read_text()) == ("2", "1")


def test_a_kill_between_two_renames_is_undone_by_the_next_run(tmp_path: Path) -> None:
    written(tmp_path / ".out.work" / "former", "former")
    written(tmp_path / ".out.work" / "study", "half")
    with pytest.raises(InputError), open_place(tmp_path / "out"):
        assert (tmp_path / "out" / "manifest.json").read_text() == "former"
        raise InputError("no orders")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_folders_made_for_a_run_that_fails_go_again(tmp_path: Path) -> None:
    with pytest.raises(InputError), open_place(tmp_path / "a" / "b" / "out"):
        raise InputError("no orders")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_no_place_for_a_study(tmp_path: Path) -> None:
    written(tmp_path / "real", "study")
    (tmp_path / "out").symlink_to(tmp_path / "real")
    with pytest.raises(InputError, match="is a link"), open_place(tmp_path / "out"):
        pass


def test_a_write_that_fails_is_a_limit_with_the_former_study_in_its_place(tmp_path: Path) -> None:
    written(tmp_path / "out", "former")

    def write(folder: Path) -> None:
        (folder / "a").write_text("x")
        raise OSError(28, "No space left on device", str(folder / "b"))

    with (
        pytest.raises(LimitError, match=r"No space left on device \(b\).*Make room"),
        open_place(tmp_path / "out") as p,
    ):
        p.publish(write)
    assert (tmp_path / "out" / "manifest.json").read_text() == "former"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# journal ---------------------------------------------------------------------------------------------------------


def stage(folder: Path, given: str, log: list[str]) -> str:
    def work() -> str:
        log.append("worked")
        return "result of " + given

    return Journal(folder).stage(
        "segmentation", given, work, lambda value, to: (to / "value").write_text(value) and None,
        lambda kept: (kept / "value").read_text(),
    )  # fmt: skip


def test_a_stage_is_worked_out_once_per_input(tmp_path: Path) -> None:
    log: list[str] = []
    assert [stage(tmp_path, given, log) for given in ("a", "a", "b", "b")] == ["result of a"] * 2 + ["result of b"] * 2
    assert log == ["worked", "worked"]


def test_a_journal_cut_at_any_byte_costs_one_stage_at_most_and_never_its_truth(tmp_path: Path) -> None:
    stage(tmp_path, "a", [])
    whole = (tmp_path / "journal.jsonl").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "journal.jsonl").write_bytes(whole[:length])
        log: list[str] = []
        assert stage(tmp_path, "a", log) == "result of a"
        assert len(log) <= 1
        assert stage(tmp_path, "a", log) == "result of a" and len(log) <= 1


def test_a_changed_missing_or_further_file_is_noticed(tmp_path: Path) -> None:
    for harm in (
        lambda: (tmp_path / "segmentation" / "value").write_text("result of A"),
        lambda: (tmp_path / "segmentation" / "value").unlink(),
        lambda: (tmp_path / "segmentation" / "more").write_text(""),
    ):
        stage(tmp_path, "a", [])
        harm()
        log: list[str] = []
        assert stage(tmp_path, "a", log) == "result of a" and log == ["worked"]


def test_a_journal_that_names_a_way_out_of_its_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    work = tmp_path / "work"
    work.mkdir()
    (work / "journal.jsonl").write_text('{"stage": "../victim", "given": "a", "files": {}}\n')
    journal = Journal(work)
    journal.clear()
    assert journal.stages == {} and (tmp_path / "victim").is_dir()


def test_the_fingerprint_tells_parts_apart() -> None:
    assert len({fingerprint("ab", "c"), fingerprint("a", "bc"), fingerprint("abc"), fingerprint(b"abc", "")}) == 4
