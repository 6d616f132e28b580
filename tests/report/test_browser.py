"""Pages in a real browser: they load nothing, every link leads somewhere, they fit a phone, in light and in dark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from runs import FAST, PROTON, SPECTRUM, pdflang, write

BROWSER = next((path for name in ("chromium", "google-chrome", "chrome") if (path := shutil.which(name))), None)
DRIVER = shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="there is no chromium with its chromedriver here"),
]
WIDTHS = (360, 1280)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(DRIVER)))
    yield driver
    driver.quit()
    driver.service.stop()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of a posterior, of a maximum, of both beside each other, and of parton densities."""
    folder = tmp_path_factory.mktemp("pages")
    name = write(folder, SPECTRUM.replace("# A falling", "# <script>console.error('it ran')</script> A falling"))
    pdflang(folder, "sample", name, *FAST, "--out", "fit", "--report")
    pdflang(folder, "map", name, "--out", "best", "--report")
    pdflang(folder, "compare", "fit", "best", "--out", "both.html")
    proton = write(folder, PROTON, "proton.pdfm")
    pdflang(folder, "map", proton, "--out", "proton", "--report")
    return {
        "posterior": folder / "fit" / "report.html", "maximum": folder / "best" / "report.html",
        "comparison": folder / "both.html", "densities": folder / "proton" / "report.html",
    }  # fmt: skip


def shown(browser: Any, page: Path, width: int = 1280, scheme: str = "light") -> Any:
    """The browser with a page, in a window of a width, by a colour scheme."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(page.as_uri())
    return browser


@pytest.mark.parametrize("name", ["posterior", "maximum", "comparison", "densities"])
def test_nothing_is_loaded_and_nothing_complains(browser: Any, pages: dict[str, Path], name: str) -> None:
    browser.get_log("browser")
    browser.get_log("performance")
    shown(browser, pages[name])
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    sent = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert sent and {url for url in sent if not url.startswith("data:")} == {pages[name].as_uri()}


@pytest.mark.parametrize("name", ["posterior", "maximum", "comparison", "densities"])
def test_every_link_leads_somewhere(browser: Any, pages: dict[str, Path], name: str) -> None:
    shown(browser, pages[name])
    script = """
        const links = [...document.querySelectorAll("a")].map(link => link.getAttribute("href"));
        const ids = [...document.querySelectorAll("[id]")].map(one => one.id);
        return [links, links.filter(link => !document.getElementById(link.slice(1))), ids.length - new Set(ids).size];
    """
    links, broken, doubled = browser.execute_script(script)
    assert len(links) > 2 and all(link.startswith("#") for link in links)
    assert (broken, doubled) == ([], 0)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["posterior", "maximum", "comparison", "densities"])
def test_it_fits_the_window(browser: Any, pages: dict[str, Path], name: str, width: int) -> None:
    shown(browser, pages[name], width)
    script = "const page = document.documentElement; return [page.scrollWidth, page.clientWidth, innerWidth]"
    needed, there, window = browser.execute_script(script)
    assert window == width and needed <= there


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["posterior", "comparison", "densities"])
def test_light_and_dark(browser: Any, pages: dict[str, Path], name: str, width: int, tmp_path: Path) -> None:
    """Text and pictures stand out from the paper, which is light or dark as the reader wants it."""
    means = {}
    for scheme in ("light", "dark"):
        shown(browser, pages[name], width, scheme)
        picture = tmp_path / f"{scheme}.png"
        browser.save_screenshot(str(picture))
        brightness = np.asarray(Image.open(picture).convert("L"), dtype=float)
        means[scheme] = float(np.median(brightness))
        assert np.ptp(brightness) > 150
    assert means["light"] > 230 and means["dark"] < 50
    contrast = """
        const picture = document.querySelector("svg.picture text");
        return [getComputedStyle(picture).fill, getComputedStyle(document.body).color];
    """
    text_of_pictures, text = browser.execute_script(contrast)
    assert text_of_pictures == text


def test_the_keyboard_reaches_the_parts(browser: Any, pages: dict[str, Path]) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    shown(browser, pages["posterior"])
    reached = []
    for _ in range(8):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        reached.append(browser.execute_script("return document.activeElement.getAttribute('href')"))
    assert reached[:4] == ["#content", "#summary", "#diagnostics", "#data"]
    ActionChains(browser).send_keys(Keys.ENTER).perform()
    assert browser.current_url.endswith("#provenance")
