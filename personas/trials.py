"""Tests of actions from the command line: who is treated, and what came out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from personas.audiences import harmless
from personas.config import Config
from personas.engines import open_engine
from personas.errors import ConfigError, InputError, did_you_mean
from personas.narrative.persona import Persona
from personas.profiles.experiment import assign_arms
from personas.profiles.money_records import TestPlan, Trial
from personas.profiles.trials import ARMS, FEWEST, not_over, read_assignment, read_outcomes, trial_of
from personas.study import Study
from personas.wholefiles import table_text, write_whole


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is treated and who is not."""

    persona: str
    action: str
    arms: dict[str, str]
    plan: TestPlan | None

    def count(self, arm: str) -> int:
        """Customers of an arm."""
        return sum(1 for other in self.arms.values() if other == arm)


def assign(study: Study, who: str, action: str | None, name: str, per_arm: int | None = None) -> Assignment:
    """Half of a persona's customers (or ``per_arm``, or as many as its plan asks for) to each arm, by seed and name.

    Raises
    ------
    ConfigError
        When there is no such persona, or no such action of it.
    InputError
        When fewer than ten customers would be in an arm.
    """
    persona = _persona(study, who)
    known = [a.id for a in persona.actions]
    action = known[0] if action is None and known else action
    if action is None or action not in known:
        hint = did_you_mean(action or "", known)
        raise ConfigError(f"{persona.name} has no action '{action}'. {hint} Known: {', '.join(known)}.")
    rows = study.segments.to_pylist()
    customers = [row["customer_id"] for row in rows if row["segment"] == persona.segment]
    plan = next((p.test for p in study.profiles.segments if p.segment == persona.segment), None)
    wanted = per_arm if per_arm is not None else plan.per_arm if plan is not None and not plan.too_small else None
    arms = assign_arms(customers, f"{name}|{action}", study.about.seed, wanted)
    chosen = {customer: arm for customer, arm in arms.items() if arm in ARMS}
    if len(chosen) < 2 * FEWEST:
        raise InputError(f"{persona.name} has {len(customers)} customers; an arm of a test needs {FEWEST}.")
    return Assignment(persona.id, action, chosen, plan)


def _persona(study: Study, who: str) -> Persona:
    """The persona of that id, name or place from 1."""
    if who.isdecimal() and 1 <= int(who) <= len(study.personas):
        return study.personas[int(who) - 1]
    for persona in study.personas:
        if who.casefold() in (persona.id.casefold(), persona.name.casefold()):
            return persona
    names = [persona.name for persona in study.personas]
    raise ConfigError(f"there is no persona '{who}'. {did_you_mean(who, names)} Known: {', '.join(names) or 'none'}.")


def write_assignment(assignment: Assignment, name: str, out: Path) -> None:
    """The assignment as CSV, sorted by customer: experiment, persona, action, customer_id, arm.

    Raises ConfigError when the file is there already: a test that runs must keep its arms.
    """
    if out.exists():
        raise ConfigError(f"{out} is there already: who is treated is drawn once. Choose another --name or --out.")
    drawn = sorted(assignment.arms.items())
    rows = [[name, assignment.persona, assignment.action, harmless(customer), arm] for customer, arm in drawn]
    write_whole({out: table_text(["experiment", "persona", "action", "customer_id", "arm"], rows)})


def assigned(assignment: Assignment, name: str, file: Path) -> str:
    """What was drawn, and what to write into the configuration so that the next run reads the test back."""
    treated, control, plan = assignment.count("treated"), assignment.count("control"), assignment.plan
    days = 7 * plan.weeks if plan else 91
    lines = [f"{treated:,} customers are treated, {control:,} are not: {file}"]
    if plan is not None and plan.too_small:
        worth = f"{plan.worth_seeing:.2g} extra orders a year each in {plan.weeks} weeks"
        lines.append(f"They are too few to show {worth}.")
    lines += [
        "Address the treated only. Then write into the configuration:", "", "experiments:", f"  {json.dumps(name)}:",
        f"    file: {json.dumps(str(file.resolve()))}   # or counted from the configuration",
        "    started: YYYY-MM-DD", f"    days: {days}", "    cost: 0   # of the action per treated customer",
    ]  # fmt: skip
    return "\n".join(lines)


def read(config: Config, name: str | None = None) -> tuple[Trial, ...]:
    """What the tests of the configuration (or one of them) have found: orders and revenue, treated less control.

    Raises
    ------
    ConfigError
        When the configuration names no such test.
    InputError
        When a test is not over yet, or its assignment cannot be read.
    """
    from personas import sources
    from personas.simulated import simulate_if_asked

    if not config.experiments:
        raise ConfigError("the configuration has no tests. Write them under experiments:")
    if name is not None and name not in config.experiments:
        known = list(config.experiments)
        raise ConfigError(f"there is no test '{name}'. {did_you_mean(name, known)} Known: {', '.join(known)}.")
    simulate_if_asked(config)
    found = []
    with open_engine(**config.engine.model_dump()) as engine:
        tables = sources.prepare(engine, config)
        for key in [name] if name else list(config.experiments):
            experiment = config.experiments[key]
            why = not_over(tables, experiment)
            if why:
                raise InputError(f"the test '{key}' cannot be read: {why}.")
            arms, action = read_assignment(config.folder / experiment.file)
            outcomes = read_outcomes(engine, tables, None, arms, experiment)
            found.append(
                trial_of(key, action, experiment, outcomes, 1.0, "revenue", tables.currency, config.study.seed)
            )
    return tuple(found)


def report(trial: Trial) -> str:
    """A result in two sentences, in the words of the cards."""
    from personas.narrative.language import load_language
    from personas.narrative.plans import as_tested, measured, money_measured

    language = load_language("en")
    parts = (as_tested(trial, language), measured(trial, language), money_measured(trial, language))
    return "\n".join(part.text for part in parts if part.text)
