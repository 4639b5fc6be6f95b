"""All sources of a study as canonical tables: read, convert, apply the rules, prove the totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from personas.config import TABLES, Config
from personas.engines.engine import Engine, Table
from personas.errors import ConfigError, InputError, LimitError, PersonasError, count_of
from personas.estimate import Notice
from personas.sources import lines, orders, people
from personas.sources.canonical import Audit, AuditLine, Tables
from personas.sources.gate import sha256_of
from personas.sources.load import Loaded, load
from personas.sources.mapping import described_only, given_columns
from personas.sources.readers import Snapshots, read_together
from personas.sources.reconcile import reconciled
from personas.sources.window import find_window
from personas.sources.work import Work

Progress = Callable[[str, float], None]


def prepare(engine: Engine, config: Config, progress: Progress | None = None) -> Tables:
    """The canonical tables of a study inside the engine, with their control totals.

    Parameters
    ----------
    engine : Engine
        Where the tables go.
    config : Config
        Sources, study and folder.
    progress : callable, optional
        Called as ``progress(what, share)``.

    Raises
    ------
    ConfigError, InputError, LimitError
        With every problem of every source at once.
    PersonasError
        When money in is not money out: a bug of ours.
    """
    say = progress or (lambda what, share: None)
    with Snapshots() as snapshots:
        loaded = _load_all(engine, config, say, snapshots)
    say("applying the rules", 0.7)
    read = loaded
    matches: list[AuditLine] = []
    said: list[Notice] = []
    if "payments" in loaded:
        loaded, matches, said = reconciled(engine, loaded, config.sources["payments"])
    window = find_window(engine, config, loaded)
    work = Work(engine, config, loaded, window)
    work.notices += [notice for item in read.values() for notice in item.notices] + said
    work.audit += matches
    marked_customers = people.mark_customers(work)
    marked_orders = orders.mark_orders(work)
    products = lines.make_products(work)
    line_table, made = lines.make_lines(work, marked_orders, products)
    own_orders = orders.make_orders(work, marked_orders) if marked_orders else None
    lines.say_lines(work, line_table, own_orders, products)
    order_table = own_orders or made
    _refuse_nothing_left(work, order_table)
    customers = people.make_customers(work, marked_customers, order_table)
    tickets = people.make_tickets(work, customers)
    reach = people.make_reach(work, customers)
    if apart := described_only(config.sources.get("customers")):
        names = ", ".join(apart)
        text = f"{names}: protected, so described but forming no segment. To use: role: basis under given"
        work.notice("described-only", text, len(apart))
    say("done", 1.0)
    return Tables(
        customers, order_table, line_table, tickets, reach, given_columns(config.sources.get("customers")),
        window.snapshot, window.days, config.study.currency or "",
        Audit(tuple(work.audit), tuple(item.interpretation for item in read.values()), tuple(work.notices)),
        (*((name, item.raw.sha256) for name, item in read.items()), *_read_beside(config)),
    )  # fmt: skip


def _read_beside(config: Config) -> list[tuple[str, str]]:
    """Hashes of the files that figures depend on and that are no sources: rates of currencies, assignments of tests."""
    rules = {name: source.currency for name, source in config.sources.items() if source.currency is not None}
    files = {
        f"{name}.currency": config.source_folder / rule.rates_file
        for name, rule in rules.items()
        if rule.rates_file is not None
    }
    files |= {f"experiments.{name}": config.folder / wanted.file for name, wanted in config.experiments.items()}
    return [(name, sha256_of(path)) for name, path in files.items() if path.is_file()]


def _load_all(engine: Engine, config: Config, say: Progress, snapshots: Snapshots) -> dict[str, Loaded]:
    """Every source inside the engine; the problems of all of them together."""
    loaded: dict[str, Loaded] = {}
    errors: list[PersonasError] = []
    alone = "orders" not in config.sources
    read = read_together({str(name): source for name, source in config.sources.items()}, config.source_folder)
    for number, name in enumerate(name for name in TABLES if name in config.sources):
        say(f"reading {name}", 0.7 * number / len(config.sources))
        required = frozenset({"customer_id", "ordered_on"}) if name == "order_lines" and alone else frozenset[str]()
        try:
            aliases = loaded["customers"].aliases if "customers" in loaded else {}
            source = config.sources[name]
            folder = config.source_folder
            together = read.get(name)
            loaded[name] = load(engine, name, source, folder, config.study, required, aliases, snapshots, together)
        except LimitError:
            raise
        except (ConfigError, InputError) as error:
            errors.append(error)
    unpriced = [_without_currency(config, name, item) for name, item in loaded.items()]
    errors += [mistake for mistake in (*unpriced, _unconverted(config, loaded)) if mistake is not None]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        kind = InputError if any(isinstance(error, InputError) for error in errors) else ConfigError
        problems = list(dict.fromkeys(line for error in errors for line in _problems_of(error)))
        raise kind(f"the sources have {count_of(len(problems), 'problem')}", problems)
    return loaded


def _problems_of(error: PersonasError) -> list[str]:
    """An error as lines of a longer list; the place that its headline names goes with each of them."""
    place = error.headline.split(" leaves ")[0].split(" lacks ")[0]
    return [line if place in line else f"{place}: {line}" for line in error.problems] or [error.headline]


def _without_currency(config: Config, name: str, item: Loaded) -> ConfigError | None:
    money = [column.name for column in item.plan.columns if column.kind == "money"]
    if not money or config.study.currency:
        return None
    return ConfigError(
        f"sources.{name} has money ({', '.join(money)}) but the study no currency. Write study.currency: EUR"
    )


def _unconverted(config: Config, loaded: Mapping[str, Loaded]) -> InputError | None:
    """Lines whose amounts stay in another currency than those of their orders, which were converted."""
    lines = loaded.get("order_lines")
    if lines is None or "orders" not in loaded or any(column.name == "currency" for column in lines.plan.columns):
        return None
    converted = sum(notice.count for notice in loaded["orders"].notices if notice.code == "converted")
    if not converted:
        return None
    return InputError(
        f"{count_of(converted, 'order')} converted to {config.study.currency}, but no column says the currency of the "
        "order lines. Write sources.order_lines.columns.currency: NAME and sources.order_lines.currency"
    )


def _refuse_nothing_left(work: Work, order_table: Table | None) -> None:
    if order_table is None or work.kept("orders") or work.kept("order_lines"):
        return
    name = "orders" if "orders" in work.loaded else "order_lines"
    shown = [f"{line.rows:,} {line.label}" for line in work.audit if line.table == name and line.step != "read"]
    raise InputError("no order is left to study. Correct the source, or the configuration that sets these aside", shown)
