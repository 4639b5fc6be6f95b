"""A card as Markdown: foreign strings escaped, no raw HTML, readable in any planning document."""

from __future__ import annotations

import re
from collections.abc import Sequence

from personas.narrative.persona import Persona
from personas.render.blocks import Card, Measure, Phrase
from personas.render.card import card_of
from personas.render.text import slugs, visible
from personas.study import Study

_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#|~!&])")


def render_markdown_cards(study: Study) -> dict[str, str]:
    """``cards/<slug>.md`` for every persona; none where the verdict is none."""
    if study.about.verdict == "none":
        return {}
    names = slugs([persona.id for persona in study.personas])
    return {f"cards/{name}.md": render_markdown_card(study, p) for name, p in zip(names, study.personas, strict=True)}


def render_markdown_card(study: Study, persona: Persona) -> str:
    """The card in the order in which it is read."""
    card = card_of(study, persona)
    blocks = [
        f"# {escaped(card.name)}",
        "Fictional name. "
        + ". ".join(f"{escaped(p.lead)} {escaped(p.text + p.after)}".strip() for p in card.who)
        + ".",
        f"**{escaped(card.tagline)}**" if card.tagline else "",
        " ".join(_phrase(p) for p in card.story),
        "No mark: measured. ◐ inferred from what was measured. ○ assumed, to be tested." if card.has_marks else "",
        "## Size",
        "\n".join(f"- {escaped(' '.join((s.value, s.label)))}{_in_brackets(s.details)}" for s in card.sizes),
        _heading("Does", f"closest kind: {card.kind_of_customer}" if card.kind_of_customer else ""),
        _measures(card, card.does),
        _points(card.also_does),
        _heading("Costs and is worth", card.costs_unit if card.costs else ""),
        _measures(card, card.costs),
        "\n".join(f"- {escaped(term)}: {escaped(f'{value} {rest}')}" for term, value, rest in card.worth),
        escaped(card.costs_note),
        _points(card.costs_said),
        "\n".join(f"- {escaped(text)} ○ assumed" for text in card.assumptions),
        "## Speaks to",
        _points(card.speaks),
        escaped(card.speaks_note),
        "## Why",
        _points(card.why),
        "\n".join(f"- To find out: {escaped(text)}" for text in card.asks),
        "## Act",
        *_deeds(card),
        "## Find",
        escaped(card.rule) or "No rule of at most three conditions finds them again.",
        _code(card.rule_sql),
        _pairs(card.find),
        "## Trust",
        _pairs(card.trust),
        "## Evidence" if card.evidence else "",
        _evidence(card),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: one line, its signs escaped, no list or heading by accident.

    >>> escaped("a*b [x](y) <i>")
    'a\\\\*b \\\\[x\\\\]\\\\(y\\\\) \\\\<i\\\\>'
    """
    line = re.sub(r"\s+", " ", visible(text)).strip()
    line = _SPECIAL.sub(r"\\\1", line)
    line = re.sub(r"^([+-]|\d+(?=[.)]))", lambda m: m.group(1) if m.group(1)[0].isdigit() else f"\\{m.group(1)}", line)
    line = re.sub(r"^(\d+)([.])(?=\s)", r"\1\\\2", line)
    return re.sub(r"(?i)\b(https?|ftp|mailto)(:)|\b(www)(\.)", lambda m: f"{m[1] or m[3]}\\{m[2] or m[4]}", line)


def _heading(title: str, small: str) -> str:
    return f"## {title}{f', {escaped(small)}' if small else ''}"


def _phrase(p: Phrase) -> str:
    mark = {"inferred": " (◐ inferred)", "assumed": " (○ assumed)"}.get(p.kind, "")
    return f"{f'**{escaped(p.lead)}**' if p.lead else ''}{escaped(p.text)}{mark}"


def _points(phrases: Sequence[Phrase]) -> str:
    return "\n".join(f"- {_phrase(p)}" for p in phrases)


def _in_brackets(details: Sequence[str]) -> str:
    return f" ({escaped('; '.join(details))})" if details else ""


def _measures(card: Card, rows: Sequence[Measure]) -> str:
    if not rows:
        return ""
    lines = [f"| | {escaped(card.name)} | All |", "|---|---:|---:|"]
    return "\n".join([*lines, *(f"| {escaped(r.label)} | {escaped(r.value)} | {escaped(r.everyone)} |" for r in rows)])


def _deeds(card: Card) -> list[str]:
    blocks = []
    for deed in card.deeds:
        blocks += [f"### {escaped(deed.title)}", _pairs(deed.facts)]
    if not card.deeds:
        blocks.append("No action is proposed: nothing measured asks for one.")
    if card.brief:
        blocks += ["### The newsletter", _pairs(card.brief)]
    if card.do_not:
        blocks.append(f"**Do not:** {escaped(card.do_not)}")
    return [*blocks, escaped(card.act_note)]


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"- {escaped(term)}: {escaped(text)}" for term, text in pairs)


def _code(sql: str) -> str:
    """SQL in a fence that is longer than any run of backticks in it."""
    if not sql:
        return ""
    longest = max((len(run) for run in re.findall("`+", sql)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}sql\n{visible(sql)}\n{fence}"


def _evidence(card: Card) -> str:
    if not card.evidence:
        return ""
    lines = [f"| What | {escaped(card.name)} | 95% interval | All | Kind |", "|---|---:|---|---:|---|"]
    for e in card.evidence:
        lines.append(f"| {' | '.join(escaped(text) for text in (e.what, e.value, e.interval, e.everyone, e.kind))} |")
    return "\n".join(lines)
