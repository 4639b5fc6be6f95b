"""Every preset on a small file of its own: recognised by its header, its traps put right, totals to the cent."""

import csv
from pathlib import Path

import pytest

from personas.engines import Engine
from personas.errors import InputError
from personas.sources.preset import PRESETS, recognised

from ..conftest import shared_data
from .conftest import Prepare, rows, steps


def header_of(path: Path) -> list[str]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return next(csv.reader(file))


# File -> the preset that knows it.
KNOWN = {
    "connector_headers/shopify_customers_export.header.csv": "shopify_customers",
    "connector_headers/shopify_customers_export_legacy.header.csv": "shopify_customers",
    "connector_headers/shopify_orders_export.header.csv": "shopify_orders",
    "connector_headers/stripe_payments_export_2019.header.csv": "stripe_payments",
    "connector_headers/stripe_unified_payments_2026.header.csv": "stripe_payments",
    "connector_headers/woocommerce_orders_export_wt_suite.header.csv": "woocommerce_orders",
    "connector_headers/zendesk_ticket_fivetran_schema.header.csv": "zendesk_warehouse",
    "connector_headers/zendesk_user_fivetran_schema.header.csv": "zendesk_warehouse",
    "shopify_seeds/shopify_order_data.csv": "shopify_warehouse",
    "shopify_seeds/shopify_customer_data.csv": "shopify_warehouse",
    "shopify_seeds/shopify_order_line_data.csv": "shopify_warehouse",
    "shopify_seeds/shopify_gql_order_data.csv": "shopify_graphql",
    "shopify_seeds/shopify_gql_customer_data.csv": "shopify_graphql",
    "shopify_seeds/shopify_gql_order_line_data.csv": "shopify_graphql",
}


@pytest.mark.parametrize(("file", "name"), KNOWN.items())
def test_real_headers_are_recognised(file: str, name: str) -> None:
    found = recognised(header_of(shared_data() / file))
    assert found is not None and found.name == name


def test_a_header_of_everyday_names_is_no_known_export() -> None:
    assert recognised(["order_id", "customer_id", "date", "amount"]) is None


def test_no_two_presets_claim_the_same_signature() -> None:
    for preset in PRESETS:
        for group in preset.signature:
            found = recognised([name.replace("*", "€") for name in group])
            assert found is not None and found.name == preset.name, group


# Preset, table, file, records and money as they must be accounted for.
ORDERS = {
    "shopify_orders": (
        # Two items of #1001: the second record is a further line. #1002 cancelled, #1003 voided. #1004 gave 5 back.
        "Name,Email,Financial Status,Currency,Total,Refunded Amount,Created at,Lineitem quantity,Lineitem name,"
        "Lineitem price,Lineitem discount,Cancelled at,Source\n"
        "#1001,Ann@x.org,paid,EUR,30.00,0.00,2026-05-14 11:23:45 +0100,1,Lamp,10.00,0.00,,web\n"
        "#1001,Ann@x.org,,,,,2026-05-14 11:23:45 +0100,2,Cup,10.00,0.00,,\n"
        "#1002,bob@x.org,paid,EUR,9.00,0.00,2026-05-15 11:23:45 +0100,1,Lamp,9.00,0.00,"
        "2026-05-16 10:00:00 +0100,web\n"
        "#1003,bob@x.org,voided,EUR,8.00,0.00,2026-05-15 11:23:45 +0100,1,Lamp,8.00,0.00,,web\n"
        "#1004,ann@x.org,partially_refunded,EUR,20.00,5.00,2026-05-16 11:23:45 +0100,1,Lamp,20.00,0.00,,pos\n"
        "#1005,bob@x.org,paid,EUR,7.00,0.00,2026-05-17 11:23:45 +0100,1,Cup,7.00,0.00,,pos\n",
        {
            "read": (6, "74.00"), "used": (3, "52.00"), "refunded": (0, "5.00"), "cancelled": (1, "9.00"),
            "failed": (1, "8.00"), "further-line": (1, None),
        },
        {"ann@x.org": 2, "bob@x.org": 1},
    ),
    "woocommerce_orders": (
        # Customer 0 is a guest with an e-mail address; the last one has none and stays without a customer.
        "order_id,order_date,status,order_total,order_currency,customer_id,customer_user,billing_email\n"
        "1,2026-05-01 10:00:00,completed,10.00,EUR,7,7,ann@x.org\n"
        "2,2026-05-02 10:00:00,processing,20.00,EUR,0,0,bob@x.org\n"
        "3,2026-05-03 10:00:00,failed,30.00,EUR,7,7,ann@x.org\n"
        "4,2026-05-04 10:00:00,refunded,40.00,EUR,7,7,Ann@x.org\n"
        "5,2026-05-01 10:00:00,completed,50.00,EUR,0,0,\n",
        {
            "read": (5, "150.00"), "used": (3, "30.00"), "refunded": (0, "40.00"), "failed": (1, "30.00"),
            "without-customer": (1, "50.00"),
        },
        {"ann@x.org": 2, "bob@x.org": 1},
    ),
    "stripe_payments": (
        "id,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,Captured,"
        "Status,Customer ID,Customer Email\n"
        'ch_1,2026-05-01 10:00,"1,000.00",0.00,eur,"1,000.00",true,Paid,cus_1,ann@x.org\n'
        "ch_2,2026-05-02 10:00,20.00,20.00,eur,20.00,true,Refunded,cus_1,ann@x.org\n"
        "ch_3,2026-05-03 10:00,30.00,0.00,eur,30.00,false,Failed,cus_2,bob@x.org\n"
        "ch_4,2026-05-04 10:00,5.50,0.00,eur,5.50,true,Paid,,bob@x.org\n",
        {"read": (4, "1055.50"), "used": (3, "1005.50"), "refunded": (0, "20.00"), "failed": (1, "30.00")},
        {"cus_1": 2, "bob@x.org": 1},
    ),
    "paypal_activity": (
        # The refund names its sale; a withdrawal and a pending payment are no sales.
        "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,"
        "Transaction ID,Reference Txn ID\n"
        '25/04/2026,10:00:00,CET,Ann,Website Payment,Completed,EUR,"1.200,50",-1,1,ann@x.org,T1,\n'
        '26/04/2026,10:00:00,CET,Bob,Website Payment,Completed,EUR,"20,00",-1,1,bob@x.org,T2,\n'
        '27/04/2026,10:00:00,CET,Bob,Payment Refund,Completed,EUR,"-20,00",-1,1,bob@x.org,T3,T2\n'
        '28/04/2026,10:00:00,CET,,General Withdrawal,Completed,EUR,"-900,00",0,0,shop@x.org,T4,\n'
        '29/04/2026,10:00:00,CET,Cyd,Website Payment,Pending,EUR,"7,00",0,0,cyd@x.org,T5,\n',
        {"read": (5, "1207.50"), "used": (3, "1200.50"), "failed": (1, "7.00"), "left-out": (1, None)},
        {"ann@x.org": 1, "bob@x.org": 2},
    ),
    "square_transactions": (
        "Date,Time,Time Zone,Gross Sales,Discounts,Tax,Total Collected,PAN Suffix,"
        "Net Total,Transaction ID,Customer ID,"
        "Event Type\n"
        "2026-05-01,10:00:00,UTC,$22.50,$0.00,$0.00,$22.50,1234,$22.00,t1,c1,Payment\n"
        "2026-05-02,10:00:00,UTC,$10.00,$0.00,$0.00,$10.00,1234,$9.00,t2,c2,Payment\n"
        "2026-05-03,10:00:00,UTC,-$3.00,$0.00,$0.00,-$3.00,1234,-$3.00,t3,c1,Refund\n",
        {"read": (3, "29.50"), "used": (3, "29.50")},
        {"c1": 2, "c2": 1},
    ),
    "etsy_orders": (
        # 05/01/26 is 1 May; the adjusted total is what is left.
        "Sale Date,Order ID,Buyer User ID,Order Total,Adjusted Order Total,Currency\n"
        "05/01/26,1,ann,10.00,8.00,EUR\n05/02/26,2,bob,20.00,20.00,EUR\n",
        {"read": (2, "28.00"), "used": (2, "28.00")},
        {"ann": 1, "bob": 1},
    ),
    "ebay_orders": (
        "\nSales Record Number,Order Number,Buyer Username,Item Title,Quantity,Sold For,Total Price,Sale Date\n"
        "1,A-1,ann,Lamp,1,$10.00,$10.00,Jul-21-25\n2,A-2,bob,Cup,2,$5.00,$10.00,Jul-22-25\n"
        "\n2,record(s) downloaded,,,,,,\nSeller ID : shop,,,,,,,\n",
        {"read": (4, "20.00"), "used": (2, "20.00"), "total-row": (2, None)},
        {"ann": 1, "bob": 1},
    ),
    "magento_orders": (
        "ID,Purchase Point,Purchase Date,Grand Total (Base),Grand Total (Purchased),"
        "Status,Customer Email,Total Refunded\n"
        '1,Main,"May 1, 2026 10:00:00 AM",10.00,10.00,Complete,ann@x.org,0\n'
        '2,Main,"May 2, 2026 10:00:00 AM",10.00,11.00,Canceled,bob@x.org,0\n'
        '3,Main,"May 3, 2026 10:00:00 AM",10.00,12.00,Closed,bob@x.org,2\n',
        {"read": (3, "33.00"), "used": (2, "20.00"), "refunded": (0, "2.00"), "cancelled": (1, "11.00")},
        {"ann@x.org": 1, "bob@x.org": 1},
    ),
    "bigcommerce_orders": (
        "id,customer_id,date_created,subtotal_ex_tax,total_inc_tax,status,currency_code\n"
        '1,7,"Fri, 01 May 2026 10:00:00 +0000",9,10.00,Completed,EUR\n'
        '2,0,"Sat, 02 May 2026 10:00:00 +0000",9,11.00,Completed,EUR\n'
        '3,8,"Sun, 03 May 2026 10:00:00 +0000",9,12.00,Declined,EUR\n'
        '4,8,"Mon, 04 May 2026 10:00:00 +0000",9,13.00,Shipped,EUR\n',
        {"read": (4, "46.00"), "used": (2, "23.00"), "without-customer": (1, "11.00"), "cancelled": (1, "12.00")},
        {"7": 1, "8": 1},
    ),
    "edd_payments": (
        "ID,Email,Products,Amount (€),Tax (€),Discount Code,Payment Method,Purchase Key,Date,Status\n"
        "1,ann@x.org,Book,10.00,1.00,none,stripe,k1,2026-05-01,complete\n"
        "2,bob@x.org,Book,10.00,1.00,none,stripe,k2,2026-05-02,refunded\n"
        "3,bob@x.org,Book,10.00,1.00,none,stripe,k3,2026-05-03,abandoned\n",
        {"read": (3, "30.00"), "used": (2, "10.00"), "refunded": (0, "10.00"), "failed": (1, "10.00")},
        {"ann@x.org": 1, "bob@x.org": 1},
    ),
    "gumroad_sales": (
        "Purchase ID,Item Name,Purchase Email,Purchase Date,Sale Price ($),"
        "Partial Refund ($),Fully Refunded?,Quantity\n"
        "p1,Book,ann@x.org,2026-05-01,10.00,0.00,0,1\np2,Book,bob@x.org,2026-05-02,20.00,5.00,0,1\n"
        "p3,Book,bob@x.org,2026-05-03,30.00,0.00,1,1\nTotals,,,,60.00,5.00,,3\n",
        {"read": (4, "60.00"), "used": (3, "25.00"), "refunded": (0, "35.00"), "total-row": (1, None)},
        {"ann@x.org": 1, "bob@x.org": 2},
    ),
    "braintree_transactions": (
        "Transaction ID,Transaction Type,Transaction Status,Created Datetime,Settlement Amount,"
        "Settlement Currency ISO Code,Refunded Transaction ID,Customer Email\n"
        "t1,sale,settled,2026-05-01 10:00,10.00,EUR,,ann@x.org\nt2,sale,voided,"
        "2026-05-02 10:00,20.00,EUR,,bob@x.org\n"
        "t3,sale,settled,2026-05-03 10:00,30.00,EUR,,bob@x.org\nt4,credit,settled,"
        "2026-05-04 10:00,5.00,EUR,t1,ann@x.org\n",
        {"read": (4, "55.00"), "used": (3, "35.00"), "cancelled": (1, "20.00")},
        {"ann@x.org": 2, "bob@x.org": 1},
    ),
    "razorpay_payments": (
        # 100000 paise are 1000.00 rupees; 1777629600 is 1 May 2026 10:00 UTC.
        "id,amount,currency,status,order_id,email,contact,fee,tax,amount_refunded,created_at\n"
        "p1,100000,INR,captured,o1,ann@x.org,+91,100,10,0,1777629600\n"
        "p2,5050,INR,captured,o2,,+92,100,10,50,1777716000\np3,700,INR,failed,o3,cyd@x.org,+93,0,0,0,1777802400\n",
        {"read": (3, "1057.50"), "used": (2, "1050.00"), "refunded": (0, "0.50"), "failed": (1, "7.00")},
        {"ann@x.org": 1, "+92": 1},
    ),
    "stripe_balance": (
        "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,charge_id,customer_id\n"
        "b1,2026-05-01 10:00:00,eur,10.00,1,9,charge,c1,ann\nb2,2026-05-02 10:00:00,eur,-4.00,0,-4,refund,c1,ann\n"
        "b3,2026-05-03 10:00:00,eur,-90.00,0,-90,payout,,\nb4,2026-05-03 10:00:00,eur,8.00,0,8,charge,c4,bob\n",
        {"read": (4, "14.00"), "used": (3, "14.00"), "left-out": (1, None)},
        {"ann": 2, "bob": 1},
    ),
    "google_analytics_4": (
        # Events of people who are not signed in have no customer.
        "event_timestamp,event_date,user_pseudo_id,user_id,ecommerce.transaction_id,ecommerce.purchase_revenue\n"
        "1777629600000000,20260501,x,ann,o1,10.00\n1777629600000001,20260502,y,bob,o2,20.00\n"
        "1777629600000002,20260501,z,,o3,5.00\n",
        {"read": (3, "35.00"), "used": (2, "30.00"), "without-customer": (1, "5.00")},
        {"ann": 1, "bob": 1},
    ),
}  # fmt: skip
CURRENCY = {"razorpay_payments": "INR", "square_transactions": "USD", "ebay_orders": "USD", "gumroad_sales": "USD"}


@pytest.mark.parametrize("name", ORDERS)
def test_orders_of_each_kind_of_shop(name: str, shop: Prepare, engine: Engine) -> None:
    text, wanted, customers = ORDERS[name]
    found = recognised(next(csv.reader(text.strip().splitlines())))
    assert found is not None and found.name == name
    tables = shop(orders=text, orders_with={"preset": name}, study={"currency": CURRENCY.get(name, "EUR")})
    assert steps(tables, "orders") == wanted
    orders = rows(engine, "orders")
    assert {who: sum(row["customer_id"] == who for row in orders) for who in customers} == customers
    assert len(orders) == sum(customers.values())


LINES = {
    "shopify_orders": (ORDERS["shopify_orders"][0], ["10.0000", "20.0000", "9.0000", "8.0000", "20.0000", "7.0000"]),
    "ebay_orders": (ORDERS["ebay_orders"][0], ["10.0000", "10.0000"]),
    "etsy_items": (
        # 2 x 10 less 3 = 17
        "Sale Date,Order ID,Buyer,Listing ID,Item Name,SKU,Quantity,Price,Discount Amount\n"
        "05/01/26,1,ann,9,Lamp,L,2,10.00,3.00\n05/02/26,2,bob,8,Cup,C,1,5.00,0\n",
        ["17.0000", "5.0000"],
    ),
    "square_items": (
        "Date,Item,Category,SKU,Price Point Name,Qty,Net Sales,Discounts,Transaction ID,Customer ID\n"
        "2026-05-01,Lamp,Light,L,Regular,2,$17.00,$3.00,t1,ann\n2026-05-02,Cup,Table,C,"
        "Regular,1,$5.00,$0.00,t2,bob\n",
        ["17.0000", "5.0000"],
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_lines_of_each_kind_of_shop(name: str, shop: Prepare, engine: Engine) -> None:
    text, amounts = LINES[name]
    currency = "USD" if "$" in text else "EUR"
    shop(order_lines=text, order_lines_with={"preset": name}, study={"currency": currency})
    found = engine.fetch("SELECT line_amount FROM order_lines", 100).to_pylist()
    assert sorted(str(row["line_amount"]) for row in found) == sorted(amounts)


PEOPLE = {
    "shopify_customers": (
        "Customer ID,First Name,Email,Accepts Email Marketing,Default Address Country Code,Phone,Total Spent\n"
        "'71,Ann,Ann@x.org,yes,DE,,10\n'72,Bob,,no,FR,'+33,20\n",
        ["'+33", "ann@x.org"],
    ),
    "edd_customers": (
        "ID,Name,Email,Number of Purchases,Customer Value,Date Created\n1,Ann,ann@x.org,2,10,2026-01-01\n"
        "2,Bob,bob@x.org,1,10,2026-01-02\n",
        ["ann@x.org", "bob@x.org"],
    ),
    "klaviyo_profiles": (
        "Email,Country,Email Marketing Consent Timestamp\nann@x.org,DE,\nbob@x.org,FR,\n", ["ann@x.org", "bob@x.org"],
    ),
    "hubspot_contacts": (
        "Record ID,Email,Create Date,Industry\n1,ann@x.org,2026-01-01 10:00,Food\n2,bob@x.org,2026-01-02 10:00,\n",
        ["ann@x.org", "bob@x.org"],
    ),
    "mailchimp_audience": (
        "Email Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CC,LEID\nann@x.org,2,,2026-01-01 10:00:00,DE,1\n"
        "bob@x.org,3,2026-01-02 10:00:00,2026-01-03 10:00:00,FR,2\n",
        ["ann@x.org", "bob@x.org"],
    ),
    "woocommerce_analytics_customers": (
        "Name,Username,Last Active,Sign Up,Email,Orders,Total Spend,AOV\nAnn,a,"
        "2026-01-01,2026-01-01,ann@x.org,1,2,2\n"
        "Bob,b,2026-01-01,2026-01-02,bob@x.org,1,2,2\n",
        ["ann@x.org", "bob@x.org"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PEOPLE)
def test_people_of_each_kind_of_export(name: str, shop: Prepare, engine: Engine) -> None:
    text, wanted = PEOPLE[name]
    found = recognised(next(csv.reader(text.splitlines())))
    assert found is not None and found.name == name
    shop(customers=text, customers_with={"preset": name}, study={"snapshot_date": "2026-06-01"})
    assert [row["customer_id"] for row in rows(engine, "customers", "customer_id")] == wanted


def test_tickets_of_zendesk(shop: Prepare, engine: Engine) -> None:
    text = (
        "Summation column,Id,Requester email,Created at,Ticket type\n"
        "1,11,Ann@x.org,2026-05-14 10:00,Question\n1,12,bob@x.org,2026-05-14 11:00,Problem\n"
    )
    orders = ORDERS["shopify_orders"][0]
    shop(
        orders=orders, orders_with={"preset": "shopify_orders"}, tickets=text,
        tickets_with={"preset": "zendesk_tickets"}, study={"snapshot_date": "2026-06-01"},
    )  # fmt: skip
    assert [row["customer_id"] for row in rows(engine, "tickets", "customer_id")] == ["ann@x.org", "bob@x.org"]


@pytest.mark.parametrize(
    ("name", "header", "reason"),
    [
        ("amazon_orders", "amazon-order-id,purchase-date,sku", "names no buyer"),
        ("razorpay_settlements", "entity_id,settlement_utr,amount", "names no customer"),
        ("woocommerce_analytics_orders", "Order #,Net Sales,Attribution", "names no customer"),
    ],
)
def test_exports_without_customers_are_refused_with_the_reason(
    name: str, header: str, reason: str, shop: Prepare
) -> None:
    found = recognised(header.split(","))
    assert found is not None and found.name == name
    with pytest.raises(InputError, match=reason):
        shop(orders=f"{header}\n1,2,3\n4,5,6\n", orders_with={"preset": name})


def test_the_shopify_seeds_load_with_currencies_kept_apart(shop: Prepare, engine: Engine) -> None:
    folder = shared_data() / "shopify_seeds"
    given = {
        "orders": (folder / "shopify_order_data.csv").read_bytes(),
        "customers": (folder / "shopify_customer_data.csv").read_bytes(),
    }
    settings = {"preset": "shopify_warehouse"}
    with pytest.raises(InputError, match=r"several currencies.*GBP.*USD"):
        shop(**given, orders_with=settings, customers_with=settings)
    tables = shop(
        **given,
        orders_with={**settings, "currency": {"only": "USD"}},
        customers_with=settings,
        study={"currency": "USD"},
    )
    # Five orders in USD: 100.01 + 100.02 + 50.00 + 205.00 + 160.00; three in GBP.
    assert steps(tables, "orders") == {"read": (8, "615.03"), "used": (5, "615.03"), "other-currency": (3, None)}


def test_the_graphql_seeds_load_without_deleted_cancelled_and_test_orders(shop: Prepare) -> None:
    folder = shared_data() / "shopify_seeds"
    tables = shop(
        orders=(folder / "shopify_gql_order_data.csv").read_bytes(), orders_with={"preset": "shopify_graphql"},
        customers=(folder / "shopify_gql_customer_data.csv").read_bytes(),
        customers_with={"preset": "shopify_graphql"}, study={"currency": "USD"},
    )  # fmt: skip
    # Of 9: 4 deleted, 1 test (4007), 3 cancelled (4003, 4005, 4009); 4001 over 55.00 is left.
    assert {step: count for step, (count, _) in steps(tables, "orders").items()} == {
        "read": 9, "used": 1, "left-out": 4, "test": 1, "cancelled": 3,
    }  # fmt: skip


def test_the_shopify_seeds_are_too_few_for_segments_and_the_tool_says_so(tmp_path: Path) -> None:
    from personas.config import Config
    from personas.pipeline import run

    orders = {"file": "shopify_order_data.csv", "preset": "shopify_warehouse", "currency": {"only": "USD"}}
    config = Config.model_validate(
        {
            "study": {"name": "Seeds", "currency": "USD", "window_days": 365},
            "sources": {"orders": orders},
            "folder": shared_data() / "shopify_seeds",
        }
    )
    with pytest.raises(InputError, match="5 customers are too few"):
        run(config)
