from datetime import date
from decimal import Decimal

import pyarrow as pa

from personas.sources.convert import Converted, Grammar, convert_column, masked


def convert(texts: list[str | None], kind: str, values: dict[str, str] | None = None) -> Converted:
    return convert_column(pa.chunked_array([pa.array(texts, pa.string())]), kind, Grammar(currency="EUR"), values)


def test_ids_stay_text_whatever_they_look_like() -> None:
    # M12, M13, M14: leading zeros, more digits than a double holds, exponents.
    texts = ["02134", "9007199254740993", "1e5", "true", "12:30", "NULL", " 7 ", ""]
    found = convert(texts, "id")
    assert found.array.to_pylist() == ["02134", "9007199254740993", "1e5", "true", "12:30", "NULL", "7", None]
    assert (found.filled, found.missing, found.failed) == (7, 1, 0)


def test_an_apostrophe_goes_only_when_every_id_carries_it() -> None:
    assert convert(["'01", "'02", ""], "id").array.to_pylist() == ["01", "02", None]
    assert convert(["'01", "02"], "id").array.to_pylist() == ["'01", "02"]


def test_types_follow_the_kind() -> None:
    assert convert(["1.50"], "money").array.type == pa.decimal128(18, 4)
    assert convert(["1"], "count").array.type == pa.int64()
    assert convert(["0.5"], "share").array.type == pa.float64()
    assert convert(["2024-01-05"], "day").array.to_pylist() == [date(2024, 1, 5)]
    assert convert(["yes", "No", "", "NA"], "flag").array.to_pylist() == [True, False, None, None]


def test_failures_are_counted_with_their_records_and_masked() -> None:
    found = convert(["1", "Ann-7", "2", "Ann-7", "Bob", "x", ""], "money")
    assert (found.filled, found.missing, found.failed) == (2, 1, 4)
    assert found.failed_at == (1, 3, 4)
    assert found.examples == ("AAA-9", "AAA-9", "AAA")
    assert found.array.to_pylist() == [Decimal(1), None, Decimal(2), None, None, None, None]


def test_categories_go_under_their_commonest_spelling() -> None:
    found = convert(["Red", "red", " Red ", "BLUE", "N/A", "İzmir", "izmir", "İzmir"], "category")
    assert found.array.to_pylist() == ["Red", "Red", "Red", "BLUE", None, "İzmir", "İzmir", "İzmir"]
    assert any("red" in note for note in found.notes)


def test_values_are_recoded_whatever_their_case_and_others_stay() -> None:
    assert convert(["WEB", "web", "Kiosk"], "category", {"web": "online"}).array.to_pylist() == [
        "online",
        "online",
        "Kiosk",
    ]
    assert convert(["A", "B"], "flag", {"A": "yes", "B": "no"}).array.to_pylist() == [True, False]


def test_three_words_are_no_flag() -> None:
    assert "no pair" in convert(["Yes", "No", "Maybe"], "flag").question


def test_masking_hides_letters_and_digits_of_any_script() -> None:
    assert masked("Ärger 12, 木") == "AAAAA 99, A"
