from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from personas.engines import Engine, open_engine
from personas.errors import InputError
from personas.features.coding import Coding, ColumnCoding, FeatureMatrix
from personas.features.feature import Customers, Feature
from personas.features.recoding import recode
from personas.segmentation import assign, discover
from personas.segmentation.assign import assign_frame
from tests.segmentation.markets import ring

SPEND = Feature("spend", "", "orders", "EUR/year", "spend", "", "purchase")
TOWN = Feature("town", "", "customers", "category", "town", "", "geography", shape="category")
CODING = Coding(
    (
        ColumnCoding("spend", "spend", "purchase", centre=1.0, scale=2.0, fill=1.0),
        ColumnCoding("visits", "visits", "purchase"),
        ColumnCoding("town = north", "town", "geography", level="north", level_share=0.25, weight=4.0),
    )
)


@pytest.fixture
def engine() -> Iterator[Engine]:
    with open_engine() as opened:
        yield opened


def market(engine: Engine) -> tuple[Customers, FeatureMatrix]:
    """300 customers in three groups, of whom the first 240 are the sample; 3 more are not in the study."""
    X, _ = ring(3, 8.0, 303, 0)
    X = np.random.default_rng(0).permutation(X)
    raw = {
        "spend": X[:, 0] * 2 + 1,
        "visits": X[:, 1],
        "town": np.array(["north", "south", "east", None] * 76, dtype=object)[:303],
    }
    raw["spend"][7] = np.nan
    ids = np.array([f"c{i:03d}" for i in range(303)])
    table = engine.read(
        "features",
        pa.table(
            {
                "customer_id": ids,
                "in_study": np.arange(303) < 300,
                "spend": pa.array(raw["spend"], from_pandas=True),
                "visits": raw["visits"],
                "town": pa.array(raw["town"].tolist(), pa.string()),
            }
        ),
    )
    features = (SPEND, Feature("visits", "", "orders", "visits", "visits", "", "purchase"), TOWN)
    part = {name: values[:240] for name, values in raw.items()}
    matrix = FeatureMatrix(
        ids[:240], recode(CODING, part), CODING, features, part, {}, {}, {}, (), (), sampled_from=300
    )
    return Customers(engine, table, features, ()), matrix


def test_every_customer_in_the_study_gets_a_label_and_the_clustered_ones_their_own(engine: Engine) -> None:
    customers, matrix = market(engine)
    found = discover(matrix.X, k=3, protocol="quick", min_size=20)
    table = assign(customers, matrix, found)
    assert table.name == "labels" and table.columns == ("customer_id", "segment", "membership", "confidence")
    assert engine.columns(table)["segment"] == "INTEGER" and engine.columns(table)["membership"] == "DOUBLE"
    rows = engine.fetch("SELECT customer_id, segment, membership, confidence FROM labels ORDER BY customer_id", 1000)
    # Of 300 in the study c007, whose spend is unknown and filled with the middle, lies far from all three groups.
    assert found.unusual == 1 and found.labels[7] == -1
    assert rows.num_rows == 299 and "c007" not in rows["customer_id"].to_pylist()
    kept = np.flatnonzero(found.labels >= 0)
    assert rows["segment"].to_numpy()[:239].tolist() == found.labels[kept].tolist()
    assert np.abs(rows["membership"].to_numpy()[:239] - found.membership[kept]).max() <= 1e-9
    assert np.abs(rows["confidence"].to_numpy()[:239] - found.confidence[kept]).max() <= 1e-9
    assert rows["confidence"].null_count == 0 and rows["confidence"].to_numpy().min() >= 0


def test_assigning_reads_only_what_the_model_needs(engine: Engine) -> None:
    from personas.segmentation.assign import to_assign_sql

    sql = to_assign_sql("features", ("spend", 'a"b; drop table t;--'))
    assert sql == (
        'SELECT\n  "customer_id",\n  "spend",\n  "a""b; drop table t;--"\nFROM "features"\nWHERE in_study'
    )


def test_a_number_that_cannot_be_read_is_never_assigned_as_unknown(engine: Engine) -> None:
    found = discover(market(engine)[1].X, k=3, protocol="quick", min_size=20)
    customers = pd.DataFrame({"spend": ["1,5", None], "visits": [2.0, 3.0], "town": ["north", None]})
    with pytest.raises(InputError, match="spend: '1,5' is no number"):
        assign_frame(customers, CODING, found, {0: "joe"})
    told = assign_frame(customers.assign(spend=["1.5", None]), CODING, found, {0: "joe", 1: "ann", 2: "sue"})
    assert told["persona"][1] in {"joe", "ann", "sue"} and len(told) == 2
