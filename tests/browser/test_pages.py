"""Pages opened in Debian's chromium: nothing is said on the console, asked of the network, cut off or hard to reach."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from personas.render import render_choose_k, write_study
from tests.conftest import lacking, quick_demo
from tests.render.fixture import lantern
from tests.render.test_hostile import TOGETHER, poisoned_study

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
OPENED = (
    ("shop", 1280, "light"), ("shop", 1280, "dark"), ("shop", 360, "light"), ("without costs", 360, "dark"),
    ("without segments", 1280, "light"), ("hostile", 1280, "light"), ("hostile", 360, "light"),
    ("dossier", 360, "light"), ("demo", 1280, "light"), ("demo", 360, "dark"),
    ("card in a host page", 1280, "light"), ("card in a host page", 360, "dark"),
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        lacking("there is no chromium on this machine; install Debian's package chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pages")
    found = {}
    for name, study in (
        ("shop", lantern()),
        ("without costs", lantern(costs=False, reach=False)),
        ("without segments", lantern(verdict="none")),
        ("hostile", poisoned_study(TOGETHER)),
    ):
        folder = root / name.replace(" ", "-")
        folder.mkdir()
        write_study(study, folder)
        found[name] = folder / "report.html"
    quick_demo(root / "demo", root / "demo-data")
    found["demo"] = root / "demo" / "report.html"
    dossier = root / "choose_k.html"
    dossier.write_text(render_choose_k(lantern()), encoding="utf-8")
    card = next((root / "shop" / "cards").glob("sarah*.html")).read_text(encoding="utf-8")
    host = root / "host.html"
    style = "body{margin:0;font:30px/3 cursive;color:red} h2,p,table{margin:3em;border:9px solid lime;text-transform:uppercase}"  # noqa: E501
    host.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A wiki</title><style>{style}</style></head>'
        f"<body><main><h1>A wiki</h1>{card}</main></body></html>",
        encoding="utf-8",
    )
    return {**found, "dossier": dossier, "card in a host page": host}


def opened(browser: Browser, path: Path, width: int, scheme: str) -> tuple[Page, list[str], list[str]]:
    """The page with what it said on the console and what it asked for."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
    page, said, asked = context.new_page(), [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return page, said, asked


@pytest.mark.parametrize(("name", "width", "scheme"), OPENED)
def test_a_page_is_silent_alone_whole_and_within_reach(
    browser: Browser, files: dict[str, Path], name: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page, said, asked = opened(browser, files[name], width, scheme)
    assert said == []
    assert asked == [files[name].as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "the page scrolls sideways"
    if name != "hostile":
        found = Axe().run(page).response["violations"]
        # what a host page does wrong is not ours: only nodes inside the card count there
        wrong = [
            (v["id"], node["html"][:160])
            for v in found
            for node in v["nodes"]
            if name != "card in a host page" or "persona-" in str(node["target"])
        ]
        assert wrong == []
    page.context.close()


def test_a_host_page_cannot_bend_a_card(browser: Browser, files: dict[str, Path]) -> None:
    page, _, _ = opened(browser, files["card in a host page"], 1280, "light")
    looks = page.evaluate(
        "(() => { const s = getComputedStyle(document.querySelector('.pc .story'));"
        " return [s.color, s.textTransform, s.fontSize, s.borderTopWidth] })()"
    )
    # ink #1B1E22 is rgb(27, 30, 34); story 17 px from 600 wide
    assert looks == ["rgb(27, 30, 34)", "none", "17px", "0px"]
    page.context.close()


def test_the_policy_lets_the_style_through(browser: Browser, files: dict[str, Path]) -> None:
    page, _, _ = opened(browser, files["shop"], 1280, "light")
    # page #FAF8F4 is rgb(250, 248, 244)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(250, 248, 244)"
    shown = page.evaluate("[...document.querySelectorAll('svg.ch')].map(s => getComputedStyle(s).display)")
    assert shown.count("block") == shown.count("none") == len(shown) / 2, "one of each pair of drawings"
    page.context.close()
