"""What the dossier of k must show: worked out on the shop by hand, and on a survey whose indices disagree."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from personas.config import Config
from personas.pipeline import run, save
from personas.profiles.money_records import Branch
from personas.render import dossier_files, render_choose_k, render_html
from personas.segmentation.records import Border, Segmentation
from personas.storage import load
from personas.study import Study
from tests.render.fixture import lantern


def shown(**changes: object) -> str:
    """The page of the shop by hand with a segmentation changed."""
    study = lantern()
    return render_choose_k(replace(study, segmentation=replace(study.segmentation, **changes)))  # type: ignore[arg-type]


def section(page: str, anchor: str) -> str:
    found = re.search(rf'<section class="sec" id="{anchor}">.*?</section>', page, re.S)
    assert found, f"no section {anchor}"
    return found.group()


def with_candidates(**changes: object) -> tuple[object, ...]:
    return tuple(replace(c, **changes) for c in lantern().segmentation.candidates)  # type: ignore[arg-type]


def test_every_chart_of_the_dossier_has_a_sentence_a_text_alternative_and_its_numbers() -> None:
    page = shown(
        borders=(Border(0, 1, "gap", 400, 0.03, 0.004, 0.02, 0.04),), natural_groups=2,
        separation=tuple(((0,) * 15 + (10,) * 5, (10,) * 5 + (0,) * 15) for _ in range(6)),
    )  # fmt: skip
    for anchor in ("structure", "agreement", "returns", "picture", "separation", "tree"):
        found = section(page, anchor)
        assert found.count('role="img"') == 2 and found.count("<figcaption>") == 1, anchor
        labels = re.findall(r'role="img" aria-label="([^"]+)"', found)
        assert len(labels) == 2 and all(len(label) > 60 for label in labels), anchor
        assert "<table" in found, anchor


def test_the_silhouette_shows_its_standard_error_the_null_band_and_an_early_stop() -> None:
    page = section(shown(candidates=with_candidates(silhouette_se=0.009)), "structure")
    assert "Lines: one standard error to each side." in page and "0.009" in page
    # Null mean 0.207 of six, its band 0.187 to 0.226.
    assert "0.207" in page and "0.187 to 0.226" in page
    # By the recipe of the draws six reach 0.207 + 0.120 = 0.327, whatever the silhouette of all customers is.
    page = section(shown(candidates=with_candidates(excess=0.12)), "structure")
    assert "these customers reach 0.327 by the same recipe" in page and "6: 0.327" in page
    stopped = {"p_value": 0.4, "draws": 19, "stopped_early": True, "passed": False}
    page = section(shown(gate=stopped), "structure")
    assert "p &gt; 0.2 after 19 draws" in page and "No structure was proven" in page


def test_where_every_segment_is_too_small_structure_is_told_by_the_comparison_alone() -> None:
    none = lantern(verdict="none")
    assert "There is structure beyond what chance shapes" in section(render_choose_k(none), "structure")
    assert "Some segment would always be too small to use" in render_html(none)


def test_differences_are_told_where_their_claims_hold_and_not_of_what_goes_with_a_forming_feature() -> None:
    study = lantern()

    def differences(**changes: object) -> str:
        segments = tuple(replace(p, **changes) for p in study.profiles.segments)  # type: ignore[arg-type]
        found = replace(study, profiles=replace(study.profiles, segments=segments))
        return section(render_choose_k(found), "differences")

    assert "They differ where it matters" in differences() and "6 of 6</td>" in differences()
    none_holds = {name: replace(c, p=0.2) for name, c in study.profiles.segments[0].claims.items()}
    page = differences(claims=none_holds)
    assert "they differ little, if at all" in page and "0 of 6" in page
    assert "was not tested" in differences(claims={}) and "not tested</td>" in differences(claims={})
    # Mail opened goes closely with a forming feature: it differs by definition and is no finding.
    named = replace(study, profiles=replace(study.profiles, definitions=("mail_opened_share",)))
    assert "Mail opened" in differences() and "Mail opened" not in section(render_choose_k(named), "differences")


def test_rules_say_for_whom_they_are_approximate_and_for_whom_they_are_no_use() -> None:
    study = lantern()

    def heading(*rates: tuple[float, float]) -> str:
        given = dict(enumerate(rates))
        made = tuple(
            replace(p, rule=replace(p.rule, precision=given[i][0], recall=given[i][1])) if i in given and p.rule else p
            for i, p in enumerate(study.personas)
        )
        return section(render_choose_k(replace(study, personas=made)), "rules")

    assert "A rule of at most three conditions finds them again in the CRM</h3>" in heading()
    assert "in the CRM; approximate for Joe</h3>" in heading((0.849, 0.9))
    page = heading((0.9, 0.849), (0.69, 0.9))
    assert "; approximate for Joe and Margaret. Too rough for Margaret: merge personas" in page


def test_the_number_with_the_highest_silhouette_stands_beside_ours_with_the_guard_that_decided() -> None:
    study = lantern()
    found = replace(study.segmentation, k=5, labels=study.segmentation.labels % 5, guard="Six would be too small.")
    page = section(render_choose_k(replace(study, segmentation=found, personas=())), "structure")
    assert "The silhouette alone is highest at 6 (0.352); 5 reaches 0.327. Six would be too small." in page
    assert "no guard had to decide" in section(shown(), "structure")


def test_banners_of_shape_and_preparation_are_told() -> None:
    page = section(
        shown(shape_banner=True, depends_on_preparation=True, verdict_as_prepared="natural"), "structure"
    )
    assert "Shape not suited" in page and "one step lower than natural" in page


def test_every_index_stands_with_its_own_k() -> None:
    candidates = with_candidates(gap=0.5, gap_error=0.01, prediction_strength=0.7, mixture_icl=4e5, mixture_ari=0.8)
    own = {"silhouette": 6, "gap": 1, "prediction_strength": 2, "mixture_icl": 4}
    page = section(shown(candidates=candidates, own_k=own), "candidates")
    heads = re.findall(r'<th scope="col"[^>]*>([^<]+)', page)
    foot = re.search(r"<tfoot>(.*?)</tfoot>", page, re.S)
    assert foot is not None
    of = dict(zip(heads[1:], re.findall(r"<td[^>]*>([^<]*)</td>", foot.group(1)), strict=True))
    assert {name: of[name] for name in ("Silhouette", "Gap", "ICL", "Prediction strength")} == {
        "Silhouette": "6", "Gap": "1", "ICL": "4", "Prediction strength": "2",
    }  # fmt: skip
    assert "A Gaussian mixture of 6 agrees with these segments by 0.80" in page


def test_an_override_stands_beside_the_advice_with_what_it_costs() -> None:
    study = lantern()
    # At six the weakest (0.74) is Lucia with 30% of the money; at two both segments return.
    shares = (0.2, 0.2, 0.1, 0.3, 0.1, 0.1)
    branches = tuple(Branch(6, s, 100, "contribution", 1.0, share) for s, share in enumerate(shares))
    branches += tuple(Branch(2, s, 300, "contribution", 1.0, 0.5) for s in range(2))
    found = replace(
        study, segmentation=replace(study.segmentation, k_fixed=True, k_advised=2),
        profiles=replace(study.profiles, branches=branches),
    )  # fmt: skip
    page = section(render_choose_k(found), "override")
    assert "Six was fixed; the evidence gives two" in page
    assert "returns by 0.74 instead of 0.93, its smallest has 748 customers instead of 6,240" in page
    assert "30% of the money lies in segments that do not return, instead of 0%" in page
    assert 'id="override"' not in render_choose_k(study)


def test_borders_are_marked_and_groups_are_counted() -> None:
    borders = tuple(
        Border(a, b, kind, 400) for a, b, kind in ((0, 1, "gap"), (1, 2, "gradient"), (3, 4, "untested"))
    )
    page = section(shown(borders=borders, natural_groups=3), "picture")
    assert "Six segments in three natural groups" in page and "1 of 2 tested borders is a gap" in page
    assert "the border between Margaret and Sarah" in page and "1 could not be tested" in page
    assert "Joe and Margaret gap; Margaret and Sarah gradient; Lucia and Derek untested" in page


def test_the_tree_tells_people_and_money() -> None:
    study = lantern()
    branches = tuple(
        Branch(c.k, s, size, "contribution", 1.0, 1 / c.k)
        for c in study.segmentation.candidates
        for s, size in enumerate(c.sizes)
    )
    page = section(render_choose_k(replace(study, profiles=replace(study.profiles, branches=branches))), "tree")
    # Two segments of 6,240 with half of the money each.
    assert "2: 50% and 50% of the money, 50% and 50% of the money" in page
    assert "Money: share of the contribution" in page and "6,240" not in page.split("<table")[0]


@pytest.fixture(scope="module")
def survey(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """1,453 answers on eleven yes/no perceptions of a restaurant, with a number for each respondent."""
    with (data_folder / "mcdonalds" / "mcdonalds.csv").open(encoding="utf-8", newline="") as lines:
        head, *answers = csv.reader(lines)
    file = tmp_path_factory.mktemp("survey") / "customers.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([["id", *head], *([f"r{i:04d}", *row] for i, row in enumerate(answers))])
    given = {
        name: {"column": name, "kind": "flag", "family": "psychographics", "role": "basis", "label": name}
        for name in head[:11]
    }
    return run(Config.model_validate({
        "study": {"name": "Restaurant", "snapshot_date": "2020-01-01"},
        "sources": {"customers": {"file": str(file), "columns": {"customer_id": "id", "age": "Age"}, "given": given}},
        "segmentation": {"k": [2, 5], "protocol": "quick"},
        "features": {"transform": "none", "scale": "sd", "winsorize": False},
        "report": {"map": "none"},
    }))  # fmt: skip


def test_on_yes_no_answers_silhouette_and_stability_disagree_and_the_dossier_says_so(survey: Study) -> None:
    found: Segmentation = survey.segmentation
    by_k = {c.k: c for c in found.candidates}
    # The silhouette is higher with more segments, while only two come back: published for the same answers.
    assert by_k[5].silhouette > by_k[4].silhouette > by_k[2].silhouette
    assert max(by_k, key=lambda k: by_k[k].ari_median or 0) == 2 and (by_k[2].ari_median or 0) >= 0.9
    assert (found.k, found.k_silhouette, found.verdict) == (2, 5, "reproducible")
    page = render_choose_k(survey)
    assert "Silhouette and stability disagree: the silhouette is highest at 5" in section(page, "agreement")
    assert "they agree best at 2" in section(page, "agreement")
    assert "The silhouette alone is highest at 5" in section(page, "structure")
    assert found.guard in section(page, "structure") and "not all of them come back" in found.guard


def test_a_saved_study_tells_the_same_and_sets_the_same_customers_aside(survey: Study, tmp_path: Path) -> None:
    apart = replace(survey.segmentation, unusual=3, unusual_distance=7.5, own_k={"gap": 1}, guard="Told.")
    study = replace(survey, segmentation=apart)
    loaded = load(save(study, tmp_path / "study"))
    arrays = {"labels", "confidence", "membership", "map_points", "map_rows", "labelings", "moved"}
    left_out = {"model", "resampled", *arrays}
    for name in (name for name in Segmentation.__dataclass_fields__ if name not in left_out):
        assert getattr(loaded.segmentation, name) == getattr(apart, name), name
    assert (loaded.segmentation.labelings == survey.segmentation.labelings).all()
    assert (loaded.segmentation.moved == survey.segmentation.moved).all()
    assert render_choose_k(loaded) == render_choose_k(study)


def test_the_record_holds_the_evidence_and_every_bound(survey: Study) -> None:
    document = json.loads(str(dossier_files(survey)["segmentation.json"]))
    assert document["thresholds"] == {
        "p_value": {"full": 0.01, "quick": 0.025}, "excess": 0.05, "jaccard": 0.75, "customers": 100,
        "dependent_ari": 0.6, "richer": 2.0, "families": 3, "tie": 1e-9,
    }  # fmt: skip
    assert [row["k"] for row in document["evidence"]] == [2, 3, 4, 5]
    assert len(document["evidence"][1]["jaccard"]) == 3 and document["guard"] == survey.segmentation.guard
    assert "Jaccard of every segment at least 0.75" in render_html(survey)


def test_numbers_that_come_back_equally_well_do_not_disagree_with_the_silhouette(survey: Study) -> None:
    tied = tuple(
        replace(c, ari_median=0.996 if c.k == 5 else 0.999 if c.k == 2 else 0.5) for c in survey.segmentation.candidates
    )
    page = render_choose_k(replace(survey, segmentation=replace(survey.segmentation, candidates=tied)))
    assert "the silhouette is highest at 5, and no other number comes back better (1.00)" in section(page, "agreement")


def test_a_tiny_p_value_is_never_printed_as_zero(survey: Study) -> None:
    border = Border(0, 1, "gap", 400, 0.1, 0.00001, 0.2, 0.08)
    found = replace(survey.segmentation, borders=(border,))
    page = render_choose_k(replace(survey, segmentation=found))
    assert "&lt;0.001" in page and "<td>0.000</td>" not in page
