"""Bars, figures and charts: places worked out by hand, the same bytes each time, nothing but marks."""

from __future__ import annotations

import re

import pytest

from personas.render.bars import bar, step
from personas.render.drawings import (
    Cloud,
    Level,
    Pair,
    Return,
    Spread,
    agreement_boxes,
    dumbbell,
    jaccard_dots,
    picture,
    silhouettes,
)
from personas.render.figure import figure
from personas.render.svg import checked_svg
from personas.render.tree import Flow, Node, family_tree


def rects(svg: str) -> list[tuple[str, float, float]]:
    return [
        (c, float(x), float(w))
        for c, x, w in re.findall(r'<rect class="(\w+)" x="([\d.]+)" y="2" width="([\d.]+)"', svg)
    ]


def test_a_bar_starts_at_zero_and_the_mark_of_all_customers_stands_at_its_figure() -> None:
    drawn = bar(11.4, 15.2, 6.08)  # 11.4 / 15.2 = 75%, 6.08 / 15.2 = 40%
    assert rects(drawn) == [("val", 0.0, 75.0)]
    assert 'class="ref" d="M40.0 0V12"' in drawn


def test_a_loss_is_hollow_and_ends_at_the_zero_line_that_its_row_shares() -> None:
    # the row runs from -100 to 300: zero stands at 25%, -100 at the left edge, 300 at the right edge
    assert rects(bar(-100, 300, low=-100)) == [("loss", 0.0, 25.0)]
    assert rects(bar(300, 300, low=-100)) == [("val", 25.0, 75.0)]
    assert 'class="zero" d="M25.0 0V12"' in bar(300, 300, low=-100)


def test_a_cost_is_the_stretch_between_what_was_there_and_what_is_left() -> None:
    assert rects(step(117, 108, 300)) == [("cost", 36.0, 3.0)]  # 108 / 300 = 36%, 9 / 300 = 3%


def test_nothing_to_scale_by_draws_an_empty_bar() -> None:
    assert rects(bar(0, 0)) == []


def test_the_figure_has_a_stroke_for_each_month_and_a_dot_for_each_power_of_ten() -> None:
    months = [0.28, *[0.72 / 11] * 11]
    drawn = figure(months, 0.97, 27, 3000, "a figure")
    assert drawn.count('stroke-width="4.4"') == 12
    # January: from radius 15 upwards, 3 + 18 x 0.28 / 0.28 = 21 long: from y = 33 to y = 12
    assert "M48.0 33.0L48.0 12.0" in drawn
    assert drawn.count('r="1.7"') == 3  # 3,000 is 10 ** 3.48
    assert 'r="4.8"' in drawn  # 5.285 x log10(27) - 2.76 = 4.80
    assert "A41 41 0 1 1" in drawn
    assert checked_svg(drawn)


def test_what_is_not_known_is_not_drawn() -> None:
    drawn = figure(None, None, None, None, 'unknown "all"')
    assert "4.4" not in drawn and "1.7" not in drawn and 'fill="currentColor"' not in drawn
    assert "unknown &#34;all&#34;" in drawn


def charts() -> dict[str, tuple[str, str]]:
    levels = [Level(k, 0.3 + 0.01 * k, 0.01, 0.18, 0.24, 0.21) for k in (2, 3, 4)]
    return {
        "dumbbell": dumbbell([Pair("Joe", "p1", 0.12, 0.48), Pair("Victor <b>", "ink2", 0.06, -0.05)], "contribution"),
        "silhouettes": silhouettes(levels, 3),
        "one silhouette": silhouettes(levels[:1], 2),
        "boxes": agreement_boxes([Spread(k, 0.9, (0.85, 0.95), (0.8, 1.0)) for k in (2, 3)], 3),
        "jaccard": jaccard_dots([Return("Joe", "p1", 0.96, 0.93, 0.99), Return("Lucia", "p4", 0.7, 0.6, 0.8)]),
        "picture": picture(
            [
                Cloud("Joe", "p1", ((0.0, 0.0), (1.0, 2.0), (2.0, 1.0))),
                Cloud("", "ink2", ()),
                Cloud("Sarah", "p1", ((5.0, 5.0),)),
            ],
            "a picture",
        ),
    }


def test_charts_are_the_same_bytes_each_time() -> None:
    assert charts() == charts()


@pytest.mark.parametrize("name", list(charts()))
def test_charts_are_clean_drawn_at_both_widths_and_speak(name: str) -> None:
    wide, narrow = charts()[name]
    for drawing, width, kind in ((wide, 760, "w"), (narrow, 340, "n")):
        checked_svg(drawing)
        assert f'class="ch {kind}"' in drawing and f'viewBox="0 0 {width} ' in drawing
        assert 'role="img" aria-label="' in drawing
        assert "font" not in drawing and "style=" not in drawing and "clip" not in drawing and "<!--" not in drawing
        assert not re.search(r'(fill|stroke)="#', drawing), "every colour goes by its token"
        places = [float(x) for x in re.findall(r'<text x="([-\d.]+)"', drawing)]
        assert all(-1 <= x <= width + 1 for x in places)


def test_a_loss_is_a_hollow_dot_and_an_unstable_segment_a_dashed_one() -> None:
    wide, _ = charts()["dumbbell"]
    # Victor's two dots are both hollow, Joe's second one is filled with his colour
    assert wide.count('fill="var(--p1,#1F4AAE)"') == 1 and wide.count('fill="var(--ink2,#575D66)"') == 0
    assert "Victor &lt;b&gt; 6% of customers, −5% of contribution" in wide
    wide, _ = charts()["jaccard"]
    assert "stroke-dasharray" in wide


def test_the_tree_puts_each_segment_beneath_where_it_comes_from() -> None:
    # 100 customers: 60 and 40; the 60 part into 35 and 25. On 730 units (760 less 30) with gaps of 6 the row of three
    # has 718 units, 7.18 a customer: the second box starts at 30 + 35 x 7.18 + 6 = 287.3
    nodes = [Node(2, 0, 60), Node(2, 1, 40), Node(3, 0, 25), Node(3, 1, 40, "Joe", "p1"), Node(3, 2, 35)]
    flows = [Flow(2, 0, 0, 25.0), Flow(2, 1, 1, 40.0), Flow(2, 0, 2, 35.0)]
    wide, narrow = family_tree(nodes, flows, 3)
    boxes = re.findall(r'<path d="M([\d.]+) 92L[\d.]+ 92L[\d.]+ 126L', wide)
    assert [float(x) for x in boxes] == [30.0, 287.3, 472.8]
    assert (
        'aria-label="Family tree of segments by their number, shares of customers. 2: 60%, 40%; 3: 35%, 25%, Joe 40%."'
        in wide
    )
    assert checked_svg(narrow)


def test_words_of_the_tree_leave_room_to_the_frame_or_are_left_to_the_table() -> None:
    # Of 100 customers on 706 units 15 have a box of 106 units, 10 of 71 and 4 of 28. "15%, money 38%" takes 14 letters
    # of 6.4 and 10 units of room, 99.6; "10%, money 38%" goes on two lines (9 letters, 67.6), "4%" (22.8) stays alone.
    sizes, money = (61, 15, 10, 10, 4), (0.1, 0.38, 0.38, 0.04, 0.1)
    low = [Node(3, i, size, "Joe" if i == 3 else "", "p1" if i == 3 else "", m)
           for i, (size, m) in enumerate(zip(sizes, money, strict=True))]  # fmt: skip
    flows = [Flow(2, 0, i, float(size)) for i, size in enumerate(sizes)]
    wide, _ = family_tree([Node(2, 0, 100), *low], flows, 3)
    words = re.findall(r"<text[^>]*>([^<]*)</text>", wide)
    assert [w for w in words if "%" in w or w == "Joe"] == [
        "100%", "61%, money 10%", "15%, money 38%", "10%", "money 38%", "Joe", "10%", "4%",
    ]  # fmt: skip


def test_two_segments_of_the_same_colour_each_have_their_dots_on_the_picture() -> None:
    # from the seventh persona on all are ink2; matplotlib then defines the mark once and the second group refers to it
    points = ((0.0, 0.0), (1.0, 1.0), (2.0, 0.5))
    clouds = [Cloud("Jamie", "ink2", points), Cloud("Casey", "ink2", tuple((x + 5, y) for x, y in points))]
    wide, _ = picture(clouds, "Customers on a map.")
    marks = re.findall(r'<path d="((?:M[-\d.]+ [-\d.]+h0)+)"', wide)
    assert [path.count("h0") for path in marks] == [3, 3]
    assert checked_svg(wide)
