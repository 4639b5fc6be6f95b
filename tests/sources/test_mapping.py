from pathlib import Path
from typing import Any

import pytest

from personas.config import TABLES, SourceConfig
from personas.errors import ConfigError, InputError, PersonasError
from personas.sources.canonical import CANONICAL
from personas.sources.mapping import plan
from personas.sources.preset import PRESETS, known_presets, read_preset
from personas.sources.readers import read_source


def origins(folder: Path, header: str, table: str = "orders", **settings: Any) -> dict[str, tuple[str, ...]]:
    (folder / "file.csv").write_text(header + "\n" + ",".join("1" for _ in header.split(",")) + "\n")
    source = SourceConfig(file="file.csv", **settings)
    found = plan(read_source(table, source, folder), source)
    return {item.name: item.origin for item in found.columns}


def test_columns_are_found_by_name_whatever_case_blanks_and_hyphens(tmp_path: Path) -> None:
    assert origins(tmp_path, "Order-No,CUSTOMER ID,Ordered_On,total amount,nonsense") == {
        "order_id": ("Order-No",),
        "customer_id": ("CUSTOMER ID",),
        "ordered_on": ("Ordered_On",),
        "total_amount": ("total amount",),
    }


def test_the_configuration_wins_over_the_preset(tmp_path: Path) -> None:
    header = "order_id,customer_id,date,total_amount,net"
    assert origins(tmp_path, header)["total_amount"] == ("total_amount",)
    assert origins(tmp_path, header, columns={"total_amount": "NET"})["total_amount"] == ("net",)


def test_an_empty_name_leaves_a_column_out(tmp_path: Path) -> None:
    header = "order_id,customer_id,date,amount,kind"
    assert "kind" in origins(tmp_path, header)
    assert "kind" not in origins(tmp_path, header, columns={"kind": ""})


def test_a_column_that_is_spoken_for_is_not_taken_by_its_own_name(tmp_path: Path) -> None:
    # In Complete Journey "age" is a band: the canonical age in years must not take it.
    found = origins(tmp_path, "household_id,age,income", "customers", preset="complete_journey")
    assert found == {"customer_id": ("household_id",), "age_band": ("age",), "income_band": ("income",)}
    given = {"age_of_car": {"column": "age"}}
    assert "age" not in origins(tmp_path, "customer_id,age", "customers", given=given)


def test_a_missing_required_column_is_named_with_what_is_there_and_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(InputError) as found:
        origins(tmp_path, "order_id,customer_idd,day,total_amount")
    text = str(found.value)
    assert "file.csv" in text and "Did you mean 'customer_idd'?" in text
    assert "sources.orders.columns.customer_id" in text and "sources.orders.columns.ordered_on" in text


def test_a_named_column_that_is_not_there_is_refused_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'amount'"):
        origins(tmp_path, "customer_id,date,amount", columns={"total_amount": "amonut"})


def test_a_canonical_name_that_does_not_exist_is_a_mistake_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'total_amount'"):
        origins(tmp_path, "customer_id,date,amount", columns={"total_amonut": "amount"})
    with pytest.raises(ConfigError, match="another name"):
        origins(tmp_path, "customer_id,x", "customers", given={"age": {"column": "x"}})
    with pytest.raises(ConfigError, match="no preset 'shopfy'"):
        origins(tmp_path, "customer_id,date,amount", preset="shopfy")


def test_names_that_are_too_alike_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="too alike"):
        origins(tmp_path, "Customer ID,customer-id,date,amount")


def test_m6_a_file_without_header_is_refused_because_no_column_has_a_name(tmp_path: Path) -> None:
    (tmp_path / "file.csv").write_text("Ann,Paris,3\nBob,Rome,4\n")
    source = SourceConfig(file="file.csv")
    with pytest.raises(InputError, match="The file has: Ann, Paris, 3"):
        plan(read_source("orders", source, tmp_path), source)


def test_every_preset_names_canonical_columns_only() -> None:
    assert {"generic", "simulated", "complete_journey"} <= set(known_presets())
    for preset in PRESETS:
        assert preset.about
        assert set(preset.tables) <= set(TABLES)
        for table, part in preset.tables.items():
            assert set(part.columns) <= {column.name for column in CANONICAL[table]}


def test_a_preset_with_an_unknown_column_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("about: x\norders:\n  columns: {no_such: a}\n")
    with pytest.raises(PersonasError, match="no_such"):
        read_preset(tmp_path / "odd.yaml")


@pytest.mark.parametrize("word", ["none", "None", "n/a", " - ", "NaN"])
def test_a_value_is_not_recoded_to_a_word_for_a_missing_one(word: str, tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("customer_id,member,town\nann,No,Rome\nbob,Yes,Oslo\n")
    part = {
        "file": "customers.csv",
        "columns": {"region": {"column": "town", "values": {"Rome": word}}},
        "given": {"member": {"column": "member", "kind": "category", "values": {"No": word}}},
    }
    source = SourceConfig.model_validate(part)
    with pytest.raises(ConfigError) as found:
        plan(read_source("customers", source, tmp_path), source)
    assert found.value.problems == (
        f"sources.customers.columns.region.values: 'Rome' becomes {word!r}, a word for a missing value. Write another "
        "word, or '' if it is to be missing",
        f"sources.customers.given.member.values: 'No' becomes {word!r}, a word for a missing value. Write another "
        "word, or '' if it is to be missing",
    )
    part["given"]["member"]["values"] = part["columns"]["region"]["values"] = {"No": "", "Rome": ""}  # type: ignore[index]
    plan(read_source("customers", source, tmp_path), SourceConfig.model_validate(part))
