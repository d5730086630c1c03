"""The listening page of a comparison, in a real browser."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from torch import Tensor

from audioprior.compare import System, compare
from audioprior.sound.recording import Recording
from audioprior.sound.source import read
from tests.browsing import Browser, Page, expect
from tests.conftest import SAMPLES

NAMES = ["half", "double", "same"]


def louder(by: float, samples: Tensor, _: int) -> Tensor:
    return by * samples


def excerpt(name: str) -> Recording:
    sound = read(SAMPLES / f"{name}.flac")
    return sound.with_samples(sound.samples[:, 44100 : 44100 + 88200] / 4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three systems of known level and one that fails, beside the recording and its reference."""
    levels = dict(zip(NAMES, (0.5, 2.0, 1.0), strict=True))
    made = [System(name, partial(louder, by), f"{by} times") for name, by in levels.items()]
    failing = System("failing", lambda samples, _: getattr(samples, "nothing"))  # noqa: B009
    result = compare(excerpt("guitar_vinyl"), clean=excerpt("guitar"), systems=[*made, failing])
    folder = tmp_path_factory.mktemp("page") / "x.compare"
    result.write(folder)
    return folder


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    """The page, opened as a file; it fails the test that it asks another machine for something, or has an error."""
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(("file:", "blob:")) else wrong.append(request.url))
    page.goto((folder / "index.html").as_uri())
    yield page
    page.close()
    assert not wrong


def chosen(page: Page) -> str:
    return page.locator("#now").inner_text()


def test_every_row_and_column_is_there(page: Page) -> None:
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(6)
    for number, words in enumerate(("as it is", "reference", *[""] * 3, "failing failed: AttributeError")):
        expect(rows.nth(number)).to_contain_text(words)
    for name in NAMES:
        expect(page.locator("tbody")).to_contain_text(name)
    heads = ["listen", "what", "spectrogram", "time", "level", "SI-SDR", "LSD", "PESQ", "STOI", "ViSQOL"]
    assert page.locator("th").all_inner_texts() == heads
    assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
    assert page.locator("img").count() == 5


def test_rows_change_at_the_same_instant(page: Page) -> None:
    page.keyboard.press("3")
    third = chosen(page)
    page.keyboard.press(" ")
    page.wait_for_function("now.audio.currentTime > 0.3 && !now.audio.paused")
    # Pressed and read in one turn of the page: a busy machine has no time between.
    before, after = page.evaluate(
        """() => {
            document.body.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", bubbles: true, cancelable: true}));
            return [shown[2].audio.currentTime, now.audio.currentTime];
        }"""
    )
    assert chosen(page) != third
    assert before == pytest.approx(after, abs=0.05)
    assert page.evaluate("heard.filter(row => !row.audio.paused).length") == 1  # one at a time
    assert page.locator("[aria-pressed=true]").count() == 1
    page.keyboard.press(" ")
    assert page.evaluate("heard.every(row => row.audio.paused)")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("seconds()") == 0
    page.locator(".picture").nth(1).click(position={"x": 100, "y": 10})
    width = page.locator(".picture").nth(1).bounding_box()
    assert width
    assert page.evaluate("seconds() / length()") == pytest.approx(100 / width["width"], abs=0.02)
    assert chosen(page) == "reference"


def test_it_plays_from_the_buttons_to_the_end(page: Page) -> None:
    page.get_by_role("button", name="Listen to same").click()
    assert (chosen(page), page.locator("#play").inner_text()) == ("same", "Pause")
    page.evaluate("seek(length() - 0.2)")
    expect(page.locator("#play")).to_have_text("Play")  # at the end
    page.locator("#repeat").check()
    page.locator("#play").click()
    page.evaluate("seek(length() - 0.2)")
    page.wait_for_function("playing && seconds() < 0.5")


def test_equally_loud(page: Page) -> None:
    def volumes() -> dict[str, float]:
        found: dict[str, float] = page.evaluate("Object.fromEntries(heard.map(row => [row.name, row.audio.volume]))")
        return found

    assert set(volumes().values()) == {1.0}
    page.locator("#match").check()
    loud = volumes()
    for name, level in (("half", 0.5), ("same", 1.0), ("double", 2.0)):
        assert loud[name] * level == pytest.approx(loud["as it is"], rel=1e-3)
    assert max(loud.values()) == pytest.approx(1.0)


def test_blind_listening(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="Listen blind").click()
    visible = page.locator("body").inner_text()
    dom = page.evaluate("document.body.outerHTML")
    for name in (*NAMES, "as it is", "failing", "10.9"):
        assert f">{name}" not in dom
        assert f'"{name}"' not in dom
    assert "sound-" not in dom  # no file's name
    assert page.locator("tbody td").count() == 2 * 5  # a letter and its arrows, or the reference
    assert "the clean reference, not ranked" in visible
    letters = page.locator("tbody .listen")
    assert letters.all_inner_texts() == ["ref", "A", "B", "C", "D"]
    page.get_by_role("button", name="Listen to C").click()
    assert chosen(page) == "C"
    page.get_by_role("button", name="C is better: up").click()
    assert letters.all_inner_texts() == ["ref", "A", "C", "B", "D"]
    assert page.evaluate("document.activeElement.ariaLabel") == "C is better: up"
    expect(page.locator("#said")).to_have_text("C is number 2 of 4")
    page.keyboard.press("Enter")
    assert letters.all_inner_texts() == ["ref", "C", "A", "B", "D"]
    truth = page.evaluate("Object.fromEntries([...blind].map(([row, letter]) => [letter, row.name]))")
    page.get_by_role("button", name="Show the names").click()
    rows = page.locator("tbody tr")
    for place, letter in enumerate("CABD", 1):
        expect(rows.nth(place)).to_contain_text(truth[letter])
        expect(rows.nth(place).locator("td").nth(2)).to_have_text(f"{place}was {letter}")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the ranking").click()
    download.value.save_as(tmp_path / "ranking.json")
    saved = json.loads((tmp_path / "ranking.json").read_text())
    assert [(one["rank"], one["letter"], one["name"]) for one in saved["ranking"]] == [
        (place, letter, truth[letter]) for place, letter in enumerate("CABD", 1)
    ]
    assert saved["equally_loud"]


def test_blind_order_differs_from_time_to_time(page: Page) -> None:
    orders = set()
    for _ in range(30):
        page.locator("#blind").click()
        orders.add(tuple(page.evaluate("[...blind.keys()].map(row => row.name)")))
        page.locator("#blind").click()
    assert len(orders) > 5  # of 24
    assert page.locator("#after").is_hidden()  # stopped, so not ranked


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_it_fits_any_screen(page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.locator("#blind").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colours = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    dark, light = (sum(map(int, colour.strip("rgb()").split(","))) for colour in colours[:: 1 if scheme == "light" else -1])
    assert light - dark > 450


def test_the_keyboard_reaches_everything(page: Page) -> None:
    reached = []
    for _ in range(11):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className || ''"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached[:7] == ["play", "position", "repeat", "match", "blind", "wide", "listen"]
    assert page.evaluate(
        "[...document.querySelectorAll('button, input, img')].every(one => one.labels?.length || one.ariaLabel || one.alt"
        " || one.textContent.trim())"
    )
