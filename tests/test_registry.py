"""One door for built-ins and for records of other packages."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from personas.errors import ConfigError
from personas.registry import Registry


@dataclass(frozen=True)
class Format:
    name: str
    suffix: str


BUILT_IN = [Format("markdown", ".md"), Format("json", ".json")]
GROUP = "personas.test_formats"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, package: str, code: str, names: list[str]) -> None:
    """A real package in ``folder`` with entry points, as pip would lay it down."""
    (folder / f"{package}.py").write_text(code)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = "".join(f"{name} = {package}:{name}\n" for name in names)
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{lines}")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, package, raising=False)


def test_built_in_records_are_found_by_name_in_order() -> None:
    formats = Registry("format", lambda: BUILT_IN, GROUP)
    assert formats.names() == ["markdown", "json"]
    assert formats.get("json") is BUILT_IN[1]
    assert list(formats) == BUILT_IN


def test_nothing_is_loaded_before_the_first_look() -> None:
    looks: list[int] = []

    def built_in() -> list[Format]:
        looks.append(1)
        return BUILT_IN

    formats = Registry("format", built_in, GROUP)
    assert looks == []
    formats.get("json")
    formats.names()
    assert looks == [1]


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known() -> None:
    with pytest.raises(ConfigError) as refusal:
        Registry("format", lambda: BUILT_IN, GROUP).get("markdwon")
    assert str(refusal.value) == "no format 'markdwon'. Did you mean 'markdown'? Known: markdown, json."


def test_other_packages_bring_one_record_or_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "from types import SimpleNamespace as S\n"
        "one = S(name='wiki')\nmany = [S(name='asciidoc'), S(name='rst')]\n"
    )
    install(tmp_path, monkeypatch, package="personas_more_formats", code=code, names=["one", "many"])
    formats = Registry("format", lambda: BUILT_IN, GROUP)
    # entry points in the order of their names: many, one
    assert formats.names() == ["markdown", "json", "asciidoc", "rst", "wiki"]


def test_two_records_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from types import SimpleNamespace as S\nmine = S(name='json')\n"
    install(tmp_path, monkeypatch, package="personas_same_format", code=code, names=["mine"])
    with pytest.raises(ConfigError, match="two packages bring the format 'json'"):
        Registry("format", lambda: BUILT_IN, GROUP).names()
