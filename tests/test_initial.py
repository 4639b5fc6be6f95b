"""`personas init`: files in, a configuration out that is accepted, with what it assumed and what it asks."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from personas.cli import app
from personas.config import load_config
from personas.engines import open_engine
from personas.errors import ConfigError, InputError
from personas.initial import NO_CURRENCY, Proposal, propose, write_proposal
from personas.sources import prepare

from .conftest import shared_data
from .small_shop import HEADER, order_rows, write_table

ORDERS = "Bestellnummer;Kundennr.;Bestelldatum;Betrag\n1;ann;25.04.2026;10,50\n2;bob;26.04.2026;1.020,00\n"


def proposed(folder: Path, **files: str) -> Proposal:
    paths = []
    for name, text in files.items():
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(text, encoding="utf-8")
    return propose(paths, folder / "study.yaml")


def origins(proposal: Proposal, table: str) -> dict[str, str]:
    return {c.name: c.column for guess in proposal.files if guess.table == table for c in guess.columns}


def counted(proposal: Proposal, folder: Path) -> dict[str, tuple[int, str | None]]:
    config = load_config(write_proposal(proposal, folder / "written.yaml"))
    with open_engine(threads=1) as engine:
        lines = prepare(engine, config).audit.lines
    return {line.table: (line.rows, line.amount) for line in lines if line.step == "used"}


def test_german_orders_are_understood_and_the_configuration_reads_them(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, o=ORDERS)
    assert origins(proposal, "orders") == {
        "order_id": "Bestellnummer", "customer_id": "Kundennr.", "ordered_on": "Bestelldatum", "total_amount": "Betrag",
    }  # fmt: skip
    assert counted(proposal, tmp_path) == {"orders": (2, "1030.50")}
    assert f"currency: {NO_CURRENCY}" in proposal.text and not proposal.questions


@pytest.mark.parametrize(
    "header",
    [
        "order_id,customer_id,order date,total", "Numéro commande,Client,Date de commande,Montant",
        "Número pedido,Cliente,Fecha,Importe", "Numero ordine,Cliente,Data ordine,Totale",
        "Ordernummer,Klantnummer,Besteldatum,Bedrag", "Sipariş No,Müşteri No,Sipariş Tarihi,Tutar",
        "订单号,客户编号,订单日期,金额",
    ],
)  # fmt: skip
def test_columns_are_found_in_several_languages(tmp_path: Path, header: str) -> None:
    names = header.split(",")
    proposal = proposed(tmp_path, o=f"{header}\n1,ann,2026-04-25,10.50\n2,bob,2026-04-26,20.00\n")
    assert origins(proposal, "orders") == dict(
        zip(("order_id", "customer_id", "ordered_on", "total_amount"), names, strict=True)
    )


def test_open_questions_are_written_and_left_open(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, o="order_id,customer_id,date,total\n1,ann,03/04/2026,10.50\n2,bob,05/06/2026,2.00\n")
    assert any("sources.orders.dates" in question for question in proposal.questions)
    assert "# OPEN QUESTION" in proposal.text
    with pytest.raises(InputError, match=r"sources\.orders\.dates"):
        counted(proposal, tmp_path)


def test_personal_columns_are_named_and_never_proposed(tmp_path: Path) -> None:
    people = "customer_id,Vorname,Email,Religion,Score\n" + "".join(
        f"c{n},A{n},a{n}@x.org,none,{n % 7}.5\n" for n in range(30)
    )
    proposal = proposed(tmp_path, c=people)
    (guess,) = proposal.files
    assert [column.column for column in guess.given] == ["Score"]
    assert {name: why for name, why in guess.not_used.items() if why != "not needed"} == {
        "Vorname": "personal: name", "Email": "personal: e-mail", "Religion": "personal: religion",
    }  # fmt: skip


def test_the_customer_number_is_the_one_that_the_orders_use(tmp_path: Path) -> None:
    orders = "order_id,customer,date,total\n1,a@x.org,2026-04-25,10.50\n2,b@x.org,2026-04-26,2.00\n"
    people = "id,mail,region\n1,a@x.org,N\n2,b@x.org,S\n"
    proposal = proposed(tmp_path, o=orders, c=people)
    assert origins(proposal, "customers")["customer_id"] == "mail"


def test_files_of_the_same_columns_are_one_source(tmp_path: Path) -> None:
    more = ORDERS.replace("1;ann", "3;ann").replace("2;bob", "4;cyd")
    assert counted(proposed(tmp_path, a=ORDERS, b=more), tmp_path) == {"orders": (4, "2061.00")}


def test_a_known_export_keeps_its_preset(tmp_path: Path) -> None:
    header = "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price"
    body = "#1,a@x.org,paid,EUR,10.00,2026-05-14 11:23:45 +0100,1,Lamp,10.00\n"
    body += "#2,b@x.org,paid,EUR,5.00,2026-05-15 11:23:45 +0100,1,Cup,5.00\n"
    proposal = proposed(tmp_path, export=f"{header}\n{body}")
    assert "preset: shopify_orders" in proposal.text and "currency: EUR" in proposal.text
    assert counted(proposal, tmp_path) == {"orders": (2, "15.00"), "order_lines": (2, "15.00")}


def test_every_unusable_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)names no buyer.*no table that is known"):
        proposed(tmp_path, a="amazon-order-id,sku\n1,2\n3,4\n", b="x,y\n1,2\n3,4\n")


def test_a_configuration_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, o=ORDERS)
    (tmp_path / "there.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        write_proposal(proposal, tmp_path / "there.yaml")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--currency", "eur"], "study.currency: write three capital letters, such as EUR (found 'eur')"),
        (["--name", "x" * 121], "study.name: write at most 120 characters"),
    ],
)
def test_a_mistake_of_the_command_line_is_told_before_any_file_is_read(
    options: list[str], problem: str, tmp_path: Path
) -> None:
    done = CliRunner().invoke(app, ["init", str(tmp_path / "none.csv"), "--out", str(tmp_path / "o.yaml"), *options])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"personas: {tmp_path / 'o.yaml'} has 1 problem:\n  command line, {problem}")
    (tmp_path / "o.yaml").write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        propose([tmp_path / "none.csv"], tmp_path / "o.yaml")


def test_the_name_of_a_long_file_is_cut_to_what_a_study_may_be_called(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(ORDERS, encoding="utf-8")
    assert propose([tmp_path / "o.csv"], tmp_path / f"{'x' * 200}.yaml").name == "X" + "x" * 119


@pytest.mark.parametrize("packed", [False, True])
def test_an_encoding_is_guessed_from_the_text_packed_or_not(packed: bool, tmp_path: Path) -> None:
    # the bytes of the archive, taken for text, would speak for cp1256
    orders = "order_id,customer_id,ordered_on,total_amount\n" + "".join(
        f"{n},お客様 {n % 9},2026-04-{n % 28 + 1:02d},{n}.50\n" for n in range(200)
    )
    data = orders.encode("shift_jis")
    path = tmp_path / ("o.csv.gz" if packed else "o.csv")
    path.write_bytes(gzip.compress(data, mtime=0) if packed else data)
    assert propose([path], tmp_path / "study.yaml").files[0].settings == {"encoding": "shift_jis"}


def test_the_command_writes_a_configuration_that_check_accepts(tmp_path: Path) -> None:
    write_table(tmp_path / "orders.csv", HEADER, order_rows())
    out = tmp_path / "configs" / "shop.yaml"
    done = CliRunner().invoke(
        app, ["init", str(tmp_path / "orders.csv"), "--out", str(out), "--currency", "EUR", "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["files"][0]["table"] == "orders" and found["questions"] == []
    assert CliRunner().invoke(app, ["check", str(out)]).exit_code == 0


@pytest.mark.parametrize(
    "file",
    [
        "mall/Mall_Customers.csv",
        "marketing_campaign/marketing_campaign.csv",
        "telco/Telco-Customer-Churn.csv",
        "cdnow/CDNOW_master.txt",
    ],
)
def test_real_files_give_configurations_that_are_accepted(file: str, tmp_path: Path) -> None:
    proposal = propose([shared_data() / file], tmp_path / "study.yaml")
    assert counted(proposal, tmp_path)


def test_the_export_of_a_gateway_beside_that_of_the_shop_is_its_payments(tmp_path: Path) -> None:
    stripe = (
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Status,Customer Email\n"
        "ch_1,2026-05-14 10:00:00,10.00,0.00,eur,true,10.00,Paid,a@x.org\n"
        "ch_2,2026-05-16 10:00:00,7.00,0.00,eur,true,7.00,Paid,b@x.org\n"
    )
    orders = "order no,customer,date,amount\n1,a@x.org,2026-05-14,10.00\n2,b@x.org,2026-05-15,5.00\n"
    proposal = proposed(tmp_path, export=stripe, shop=orders)
    assert "  payments:" in proposal.text and "preset: stripe_payments" in proposal.text
    # the sale of 10.00 is both the shop's and the gateway's; that of 7.00 is in no order
    assert counted(proposal, tmp_path)["orders"] == (3, "22.00")
    (tmp_path / "alone").mkdir()
    alone = proposed(tmp_path / "alone", export=stripe)
    assert "  payments:" not in alone.text and counted(alone, tmp_path / "alone") == {"orders": (2, "17.00")}


RETAIL = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
536365,71053,WHITE METAL LANTERN,6,12/1/2010 8:26,3.39,17850,United Kingdom
536366,22633,HAND WARMER UNION JACK,2,12/13/2010 8:28,1.85,13047,France
C536379,71053,WHITE METAL LANTERN,-1,12/14/2010 9:41,3.39,17850,United Kingdom
"""


@pytest.mark.parametrize("price", ["UnitPrice", "Price"])
def test_lines_with_a_price_of_one_and_a_quantity_are_multiplied(price: str, tmp_path: Path) -> None:
    proposal = proposed(tmp_path, retail=RETAIL.replace("UnitPrice", price))
    assert origins(proposal, "order_lines")["line_amount"] == price and not origins(proposal, "orders")
    assert f"line_amount: {{product_of: [Quantity, {price}]}}" in proposal.text
    # 6 x 2.55 + 6 x 3.39 + 2 x 1.85 - 3.39 = 15.30 + 20.34 + 3.70 - 3.39 = 35.95
    assert counted(proposal, tmp_path) == {"order_lines": (4, "35.95"), "orders": (3, "35.95")}


def test_an_order_number_in_several_records_makes_them_lines_and_a_rate_is_no_discount_in_money(tmp_path: Path) -> None:
    store = (
        "Order ID,Order Date,Customer ID,Product ID,Category,Sales,Quantity,Discount\n"
        "CA-1,11/8/2016,CG-1,FUR-1,Furniture,261.96,2,0\nCA-1,11/8/2016,CG-1,FUR-2,Furniture,731.94,3,0\n"
        "CA-2,6/13/2016,DV-1,OFF-1,Office Supplies,14.62,2,0.2\n"
    )
    proposal = proposed(tmp_path, store=store)
    found = origins(proposal, "order_lines")
    assert found["line_amount"] == "Sales" and "discount_amount" not in found
    assert counted(proposal, tmp_path) == {"order_lines": (3, "1008.52"), "orders": (2, "1008.52")}


def test_an_amount_of_columns_that_are_not_there_is_told(tmp_path: Path) -> None:
    proposal = proposed(tmp_path, retail=RETAIL)
    path = write_proposal(proposal, tmp_path / "written.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace("[Quantity,", "[Quantities,"), encoding="utf-8")
    with open_engine(threads=1) as engine, pytest.raises(InputError, match=r"product_of: retail\.csv has no column"):
        prepare(engine, load_config(path))
