"""The configuration of a study: YAML in, frozen models out, every mistake at once with its place."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import Field, ValidationError, field_validator, model_validator

from personas.audience import Audience, Condition, Rule, check_rules
from personas.errors import ConfigError, did_you_mean
from personas.moneyconfig import OTHERS, EconomicsConfig, RfmConfig, WhatIfConfig
from personas.sourceconfig import (
    ColumnSpec,
    CurrencyRule,
    Family,
    GivenSpec,
    Part,
    SourceConfig,
    TableName,
    known_zone,
)
from personas.yamlfile import line_of, merged, mistakes, plain, read_yaml

__all__ = [
    "FAMILIES", "OTHERS", "TABLES", "Audience", "ColumnSpec", "Condition", "Config", "CurrencyRule", "EconomicsConfig",
    "EngineConfig", "ExperimentConfig", "FeaturesConfig", "GivenSpec", "Occasion", "Part", "ReportConfig", "RfmConfig",
    "SegmentationConfig", "SimulateConfig", "SourceConfig", "StudyConfig", "WhatIfConfig", "check_overrides",
    "load_config",
]  # fmt: skip
FAMILIES: tuple[Family, ...] = get_args(Family)
TABLES: tuple[TableName, ...] = get_args(TableName)


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
    time_zone: str | None = None
    """Zone of the shop (``Europe/Berlin``): days are those of this zone. Without it: days as they are written."""
    population: str | None = None
    """The audience that is studied. Without it: everybody."""
    hash_ids_with: str | None = Field(default=None, pattern=r"^[A-Z_][A-Z0-9_]*$")
    """Environment variable with the secret under which customer numbers are hashed before anything is kept."""

    @field_validator("time_zone", mode="after")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return known_zone(value)


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
        if sum(part is not None for part in (self.weekday, self.nth)) != (2 if self.day is None else 0):
            raise ValueError("give either day, or weekday and nth")
        if self.nth == 0:
            raise ValueError("nth is 1 for the first, -1 for the last; there is no 0")
        if self.day is not None and self.day > monthrange(2000, self.month)[1]:
            raise ValueError(f"month {self.month} has no day {self.day}")
        return self


class FeaturesConfig(Part):
    """What is measured, what forms the segments and how it is prepared."""

    families: tuple[str, ...] | None = None
    """Families that may form segments. Without it: every family with a basis feature."""
    basis: tuple[str, ...] | None = None
    """Exact list of forming features; overrides the roles."""
    leave_out: tuple[str, ...] = ()
    weights: dict[str, float] = Field(default={})
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
    within: Literal["lifecycle"] | None = None
    """``lifecycle``: segments are sought inside each stage (new, active, lapsing, lost), each with its own verdict.
    Stages that are too small for two segments stay one."""
    rules: dict[str, Rule] = Field(default={}, max_length=50)
    """Customers kept apart from the search, by name: a top share by revenue (``whales: 0.01``), an audience (``staff:
    employees``) or customer numbers (``test_accounts: [C17, C18]``). Each belongs to the first rule that fits: numbers,
    then audiences, then shares."""

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

    @model_validator(mode="after")
    def _range_within(self) -> Self:
        if self.within is not None and (isinstance(self.k, int) or self.k[0] == self.k[1]):
            raise ValueError("within seeks a k of its own per stage, and this k is fixed. Write a range: k: [2, 10]")
        return self


class ExperimentConfig(Part):
    """A test of an action that was assigned by ``personas experiment assign``."""

    file: str
    """The assignment as it was written: customer_id, arm, action. Counted from the folder of the configuration."""
    started: date
    """First day on which the treated were addressed."""
    days: int = Field(ge=7, le=1_100)
    """How long orders count."""
    cost: float | None = Field(default=None, ge=0)
    """What the action cost per treated customer, all together."""


class ReportConfig(Part):
    """What the pages show."""

    map: Literal["umap", "pca", "none"] = "umap"
    out: str | None = None
    """Folder of the study, counted from where the command runs. Without it: reports/<name of the configuration>."""


class EngineConfig(Part):
    """Where the tables live."""

    name: Literal["duckdb", "spark"] = "duckdb"
    memory_limit: str | None = Field(default=None, pattern=r"^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$")
    """Ceiling of the whole process, such as 4GB: the database gets half of it and spills into a private folder."""
    threads: int | None = Field(default=None, ge=1, le=256)
    """Most threads of the database, of the search for segments and of numerical libraries; without it one for each
    processor."""
    master: str | None = Field(default=None, pattern=r"^(local|yarn|k8s|spark)\b[^\s]*$")
    """Where Spark runs when no session is there: ``local[4]``, ``yarn``, ``spark://host:7077``."""


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
    sources: dict[TableName, SourceConfig]
    features: FeaturesConfig = FeaturesConfig()
    segmentation: SegmentationConfig = SegmentationConfig()
    economics: EconomicsConfig = EconomicsConfig()
    rfm: RfmConfig = RfmConfig()
    report: ReportConfig = ReportConfig()
    engine: EngineConfig = EngineConfig()
    simulate: SimulateConfig | None = None
    experiments: dict[str, ExperimentConfig] = Field(default={})
    """Tests whose results take the place of assumptions, by name."""
    audiences: dict[str, Audience] = Field(default={})
    """Named parts of the customers, to be counted, exported, or studied on their own."""
    folder: Path = Field(default=Path(), exclude=True, repr=False)
    """Where relative paths of sources count from: the folder of the YAML file."""

    @model_validator(mode="after")
    def _some_source(self) -> Self:
        if not {"orders", "order_lines", "customers"} & set(self.sources):
            raise ValueError("name at least one of sources.orders, sources.order_lines, sources.customers")
        if "payments" in self.sources and "orders" not in self.sources:
            raise ValueError("sources.payments are compared with orders. Name this export as sources.orders")
        return self

    @model_validator(mode="after")
    def _known_audiences(self) -> Self:
        wanted = self.study.population
        if wanted is not None and wanted not in self.audiences:
            known = ", ".join(self.audiences) or "none"
            raise ValueError(f"study.population: there is no audience '{wanted}'. Known: {known}")
        if "everybody" in self.audiences:
            raise ValueError("audiences.everybody: everybody is counted anyway. Choose another name")
        check_rules(self.segmentation.rules, self.audiences, hashed=self.study.hash_ids_with is not None)
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


def check_overrides(path: Path, overrides: dict[str, dict[str, Any]]) -> None:
    """Raise ConfigError for what the command line says and no configuration takes; ``path`` need not be there."""
    smallest = {"study": {"name": "any"}, "sources": {"orders": {"file": "any"}}}
    try:
        Config.model_validate(merged(smallest, overrides))
    except ValidationError as error:
        raise mistakes(path, error, {}, Config, overrides) from error
