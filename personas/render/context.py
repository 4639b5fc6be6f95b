"""Study in, ReportContext out: every string of the report, formatted. Templates do no arithmetic and no rounding."""

from __future__ import annotations

from datetime import timedelta

from personas.narrative.formatting import day
from personas.render.audit import data_sections
from personas.render.blocks import ReportContext
from personas.render.card import card_of
from personas.render.dossier import decision_of, dossier_sections
from personas.render.money import has_orders
from personas.render.sheet import everyone_section, sheet_of
from personas.render.summary import finding, key_figures, ladder, lede, money_section, roll, verdict_heading
from personas.render.text import in_words, renew_by, sentence, short
from personas.study import Study


def report_context(study: Study) -> ReportContext:
    """Everything the report says, in the order in which it is read."""
    about, locale = study.about, study.about.language
    as_of = day(about.snapshot_date, locale)
    with_cards = about.verdict != "none"
    dossier = dossier_sections(study)
    glance = money_section(study) if with_cards else everyone_section(study)
    answer = in_words(about.k) if with_cards else "none"
    start = day(about.snapshot_date - timedelta(days=about.window_days), locale)
    end = day(about.snapshot_date - timedelta(days=1), locale)
    return ReportContext(
        lang=locale,
        direction="rtl" if locale.startswith("fa") else "ltr",
        title=f"{short(about.name)}: customer personas, {as_of}",
        eyebrow=(short(about.name), "Customer personas", f"As of {as_of}"),
        finding=finding(study),
        lede=lede(study),
        roll=roll(study),
        key_figures=key_figures(study),
        verdict_heading=verdict_heading(about.verdict),
        ladder=ladder(about.verdict),
        reasons=tuple(sentence(reason) for reason in study.segmentation.reasons),
        summary=(glance,) if glance else (),
        sheet=sheet_of(study),
        cards=tuple(card_of(study, persona) for persona in study.personas) if with_cards else (),
        dossier_sub=f"The evidence in the order in which it can stop a study. The answer: {answer}.",
        dossier=dossier,
        decision=decision_of(study, len(dossier) + 1),
        data_heading="What the numbers stand on",
        data=data_sections(study),
        footer=(
            "All names of personas are fictional. Figures are of groups, never of one customer.",
            f"Data {f'from {start} to {end}' if has_orders(study) else f'of {as_of}'}; version {about.version}; "
            f"renew by {day(renew_by(about.snapshot_date), locale)}.",
        ),
    )
