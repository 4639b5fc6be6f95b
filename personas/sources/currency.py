"""Currencies of a source: never added up as they stand; kept apart, converted with given rates, or asked.

Method: ingest.md 6.4.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from personas.config import CurrencyRule
from personas.errors import ConfigError, InputError, count_of
from personas.estimate import Notice

if TYPE_CHECKING:
    import pyarrow as pa

OLDEST_RATE = timedelta(days=7)
MINOR_UNITS = {
    "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0,
    "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0, "BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3,
    "TND": 3,
}  # fmt: skip
"""Decimals of the minor unit where they are not 2 (ISO 4217)."""
SYMBOLS = {
    "€": {"EUR"}, "£": {"GBP", "EGP", "FKP", "GIP", "SHP"}, "₺": {"TRY"}, "TL": {"TRY"}, "₹": {"INR"},
    "Rs": {"INR", "PKR", "LKR", "NPR", "MUR"},
    "₩": {"KRW", "KPW"}, "₽": {"RUB"}, "฿": {"THB"}, "zł": {"PLN"}, "Kč": {"CZK"}, "R$": {"BRL"}, "US$": {"USD"},
    "¥": {"JPY", "CNY"}, "kr": {"SEK", "NOK", "DKK", "ISK"}, "Kr": {"SEK", "NOK", "DKK", "ISK"}, "Fr": {"CHF"},
}  # fmt: skip
"""Which currencies a sign may stand for; a dollar sign may be any dollar or peso."""


def one_currency(
    columns: dict[str, pa.Array], money: tuple[str, ...], name: str, label: str, study: str | None,
    rule: CurrencyRule | None, folder: Path,
) -> tuple[dict[str, pa.Array], list[bool] | None, list[Notice]]:  # fmt: skip
    """The columns in the study's currency, which records stay (None for all), and what must be said.

    Raises
    ------
    InputError
        For several currencies, or another one than the study's, without a rule; or without a rate of the day.
    """
    codes = [None if code is None else str(code).upper() for code in columns["currency"].to_pylist()]
    found = sorted({code for code in codes if code})
    where = f"sources.{name}.currency"
    if rule is None:
        if len(found) > 1:
            raise InputError(
                f"{label} has amounts in several currencies ({', '.join(found)}). They are never "
                f"added up. Write {where}: "
                f"{{only: {study if study in found else found[0]}}} or {where}: {{rates: {{{found[-1]}: ...}}}}"
            )
        if found and study and found != [study]:
            raise InputError(
                f"{label} has amounts in {found[0]}, but study.currency is {study}. Write study.currency: {found[0]}"
            )
        return columns, None, []
    if rule.only is not None:
        if study and rule.only != study:
            raise ConfigError(f"{where}.only is {rule.only}, but study.currency is {study}. Write the same")
        keep = [code in (None, rule.only) for code in codes]
        return columns, keep, _kept_apart(columns, money, codes, keep, label)
    days = columns["ordered_on"].to_pylist() if "ordered_on" in columns else [None] * len(codes)
    rate_of = _rates(rule, study, folder, where)
    try:
        rates = [
            Decimal(1) if code in (None, study) else rate_of(code, day) for code, day in zip(codes, days, strict=True)
        ]
    except LookupError as error:
        raise InputError(f"{label}: {error.args[0]}. Add it to {where}") from error
    changed = sum(rate != 1 for rate in rates)
    text = f"{label}: {count_of(changed, 'record')} converted to {study} with the rates given"
    return {**columns, **_converted(columns, money, rates)}, None, [Notice("converted", text, changed)]


def _converted(columns: dict[str, pa.Array], money: tuple[str, ...], rates: list[Decimal]) -> dict[str, Any]:
    """The amounts times their rate, to four decimals."""
    import pyarrow as pa

    fourth = Decimal("0.0001")
    return {
        column: pa.array(
            [
                None if v is None else (v * rate).quantize(fourth)
                for v, rate in zip(columns[column].to_pylist(), rates, strict=True)
            ],
            pa.decimal128(18, 4),
        )
        for column in money
    }


def _kept_apart(
    columns: dict[str, pa.Array], money: tuple[str, ...], codes: list[str | None], keep: list[bool], label: str
) -> list[Notice]:
    """One remark per currency that is set aside, with its records and money."""
    notices = []
    for code in sorted({code for code, kept in zip(codes, keep, strict=True) if code and not kept}):
        places = [place for place, found in enumerate(codes) if found == code]
        total = ""
        if money:
            amounts = columns[money[0]].to_pylist()
            total = f" ({sum((amounts[place] or Decimal(0) for place in places), Decimal(0)):,.2f} {code})"
        text = f"{label}: {count_of(len(places), 'record')} in {code}{total} set aside"
        notices.append(Notice("other-currency", text, len(places)))
    return notices


def _rates(rule: CurrencyRule, study: str | None, folder: Path, where: str) -> Callable[[str, date | None], Decimal]:
    """The rate of a currency on a day; LookupError says which one is missing."""
    if study is None:
        raise ConfigError(f"{where} converts, but into what? Write study.currency: EUR")
    if rule.rates:

        def constant(code: str, day: date | None) -> Decimal:
            if code not in rule.rates:
                raise LookupError(f"there is no rate of {code}")
            return rule.rates[code]

        return constant
    table = _rates_of_file(folder / (rule.rates_file or ""), where)

    def of_day(code: str, day: date | None) -> Decimal:
        known = table.get(code, [])
        place = bisect_right(known, (day, Decimal("Infinity"))) if day else 0
        if not place or day is None or day - known[place - 1][0] > OLDEST_RATE:
            raise LookupError(f"there is no rate of {code} on {day} or in the 7 days before")
        return known[place - 1][1]

    return of_day


def _rates_of_file(path: Path, where: str) -> dict[str, list[tuple[date, Decimal]]]:
    """Currency to its days and rates in order."""
    if not path.is_file():
        raise InputError(
            f"there is no file {path.name} ({where}.rates_file). Paths count from the folder of the configuration"
        )
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path.name} ({where}.rates_file) is no CSV in UTF-8: {error}. Save it as one") from error
    table: dict[str, dict[date, Decimal]] = {}
    for line, row in enumerate(rows, 2):
        try:
            rate = Decimal(row["rate"])
            if not rate.is_finite() or rate <= 0:
                raise ValueError
            code, day = row["currency"].strip().upper(), date.fromisoformat(row["day"].strip())
        except (KeyError, ValueError, TypeError, AttributeError, InvalidOperation) as error:
            raise InputError(
                f"{path.name}, line {line}: write currency, day (2026-10-31) and rate (0.92), "
                "comma-separated with these names"
            ) from error
        if table.setdefault(code, {}).setdefault(day, rate) != rate:
            raise InputError(f"{path.name}, line {line}: {code} has another rate of {day} already. Keep one")
    return {code: sorted(days.items()) for code, days in table.items()}
