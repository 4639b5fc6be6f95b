import pytest

from personas.errors import PersonasError
from personas.sources.audit import assert_balance
from personas.sources.canonical import AuditLine
from personas.sources.privacy import PROTECTED


def line(step: str, rows: int, amount: str | None) -> AuditLine:
    return AuditLine("orders", step, step, rows, amount)


def test_totals_that_add_up_pass() -> None:
    assert_balance([line("read", 3, "0.30"), line("used", 2, "0.20"), line("cancelled", 1, "0.10")])


def test_a_cent_or_a_record_too_few_is_a_bug_of_ours() -> None:
    with pytest.raises(PersonasError, match=r"0\.30 read, but 0\.29"):
        assert_balance([line("read", 3, "0.30"), line("used", 2, "0.19"), line("cancelled", 1, "0.10")])
    with pytest.raises(PersonasError, match="3 records read, but 2"):
        assert_balance([line("read", 3, "0.30"), line("used", 2, "0.30")])


def test_protected_columns_are_those_of_the_canonical_tables() -> None:
    assert {"gender", "birth_year", "marital_status", "country"} <= set(PROTECTED)
    assert "customer_id" not in PROTECTED and "region" not in PROTECTED
