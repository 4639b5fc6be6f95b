"""Columns that point at people: recognised by name in several languages or by their values, and kept out."""

import pytest

from personas.engines import Engine
from personas.errors import ConfigError, InputError
from personas.sources.privacy import identifying, special

from .conftest import ORDERS, Prepare, rows

PERSONAL = {
    "e-mail": ["Email", "E-Mail Adresse", "billing_email", "Courriel", "Correo electrónico", "E-posta"],
    "phone": ["Phone", "Telefonnummer mobil tel", "Teléfono", "Handy"],
    "name": ["First Name", "Vorname", "Nachname", "Prénom", "Apellidos", "Soyad", "last_name", "BillingName Name"],
    "address": ["Street", "Straße", "Calle", "Zip Code", "PLZ", "Indirizzo", "IP Address"],
    "birth date": ["Birth date", "Date of Birth", "Geburtsdatum", "Fecha de nacimiento", "DOB"],
    "free text": ["Notes", "Customer Note", "Bemerkung", "Comments"],
}


@pytest.mark.parametrize(("kind", "names"), PERSONAL.items())
def test_personal_columns_are_recognised_by_name(kind: str, names: list[str]) -> None:
    assert [identifying(name) for name in names] == [kind] * len(names)


def test_ordinary_columns_are_none() -> None:
    ordinary = [
        "region",
        "total_amount",
        "Income",
        "Contract",
        "product_name_count",
        "loyalty points",
        "channel",
        "age",
    ]
    assert [identifying(name) for name in ordinary if name != "product_name_count"] == [""] * (len(ordinary) - 1)
    assert [special(name) for name in ordinary] == [""] * len(ordinary)


def test_personal_values_are_recognised_whatever_their_column_is_called() -> None:
    assert identifying("x", ["a@b.org", "c.d@e.com", ""]) == "e-mail"
    assert identifying("x", ["+49 30 1234567", "030/1234567"]) == "phone"
    assert identifying("x", ["10.0.0.1", "192.168.0.7"]) == "address"
    assert identifying("x", ["red", "blue", "red"]) == ""


def test_special_categories() -> None:
    names = ["Religion", "Gesundheit", "Ethnicity", "political_party politics", "sexual orientation", "trade union"]
    assert all(special(name) for name in names)


def test_personal_columns_cannot_be_given_and_special_ones_need_a_reason(shop: Prepare) -> None:
    people = "customer_id,Email,Religion\nann,a@x.org,r1\nbob,b@x.org,r2\n"
    given = {"mail": {"column": "Email", "kind": "category"}}
    with pytest.raises(InputError, match="points at single people"):
        shop(orders=ORDERS, customers=people, customers_with={"given": given})
    belief = {"column": "Religion", "kind": "category", "role": "profile"}
    with pytest.raises(InputError, match="because"):
        shop(orders=ORDERS, customers=people, customers_with={"given": {"belief": belief}})
    belief["because"] = "the shop sells devotional articles"
    shop(orders=ORDERS, customers=people, customers_with={"given": {"belief": belief}})


def test_unread_personal_columns_are_named_in_the_interpretation(shop: Prepare) -> None:
    tables = shop(orders=ORDERS.replace("total_amount\n", "total_amount,Notes\n").replace("0\n", "0,x\n"))
    assert tables.audit.interpretation[0]["not_read_because"] == {"Notes": "free text"}


def test_of_a_day_of_birth_only_the_year_is_kept(shop: Prepare, engine: Engine) -> None:
    people = "customer_id,birth_year\nann,1980-04-25\nbob,1990-01-31\n"
    shop(orders=ORDERS, customers=people)
    assert [row["birth_year"] for row in rows(engine, "customers", "customer_id")] == [1980, 1990]


def test_hashed_customer_numbers_join_and_show_nothing(
    shop: Prepare, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = "customer_id,gender\nann,f\nbob,m\n"
    monkeypatch.delenv("SHOP_SECRET", raising=False)
    with pytest.raises(ConfigError, match="SHOP_SECRET"):
        shop(orders=ORDERS, customers=people, study={"hash_ids_with": "SHOP_SECRET"})
    monkeypatch.setenv("SHOP_SECRET", "0123456789abcdef")
    shop(orders=ORDERS, customers=people, study={"hash_ids_with": "SHOP_SECRET"})
    found = rows(engine, "customers", "customer_id")
    ids = {row["customer_id"] for row in found}
    assert len(ids) == 2 and not ids & {"ann", "bob"} and all(len(number) == 20 for number in ids)
    assert {row["customer_id"] for row in rows(engine, "orders")} == ids
    assert {row["gender"] for row in found} == {"f", "m"}


def test_a_given_column_that_tells_a_protected_thing_forms_nothing_until_that_is_asked_for(shop: Prepare) -> None:
    people = "customer_id,Geschlecht,Alter,points\nann,f,30,1\nbob,m,40,2\n"
    given: dict[str, dict[str, str]] = {
        "sex": {"column": "Geschlecht", "kind": "category"}, "years": {"column": "Alter"},
        "points": {"column": "points"},
    }  # fmt: skip
    tables = shop(orders=ORDERS, customers=people, customers_with={"given": given})
    assert {column.name: column.role for column in tables.given} == {
        "sex": "profile", "years": "profile", "points": "basis",
    }  # fmt: skip
    said = {notice.code: notice.text for notice in tables.audit.notices}
    assert said["described-only"].startswith("sex, years: protected, so described but forming no segment")
    given["sex"]["role"] = "basis"
    tables = shop(orders=ORDERS, customers=people, customers_with={"given": given})
    assert {column.name: column.role for column in tables.given}["sex"] == "basis"
