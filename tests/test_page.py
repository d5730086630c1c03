"""The page, in a real browser on a real server, with real files."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from torch import Tensor

from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording
from tests.browsing import Browser, Locator, Page, expect
from tests.serving import Server, run_command

RATE = 8000
WIDE, NARROW = {"width": 1280, "height": 1000}, {"width": 360, "height": 740}
PATIENCE_MS = 90_000  # on a busy machine
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("page"), "--max-mb", "30") as running:
        yield running


@pytest.fixture
def noisy(tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Path:
    """Three seconds of a tone in noise, whose first second is noise only."""
    samples = noise(3.0, RATE)
    samples[:, RATE:] += tone(440, 2.0, RATE)
    Recording(samples, RATE, Encoding("WAV", "PCM_16")).write(tmp_path / "tape.wav")
    return tmp_path / "tape.wav"


@contextmanager
def visitor(browser: Browser, server: Server, *, quiet: bool = True, **options: Any) -> Iterator[Page]:
    """A visitor's page; no request may leave the machine, and nothing may be complained of."""
    given: dict[str, Any] = {"viewport": WIDE, "accept_downloads": True} | options
    context = browser.new_context(**given)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, outside, complaints = context.new_page(), list[str](), list[str]()
    page.set_default_timeout(PATIENCE_MS)
    local = (server.address, "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(local) else outside.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.goto(server.address)
    expect(page.locator("#limits")).not_to_be_empty()
    yield page
    assert not outside
    assert not (quiet and complaints), complaints
    context.close()


def drop(page: Page, path: Path, name: str | None = None) -> None:
    """Drop a file onto the page, as from a folder."""
    page.evaluate(
        """async ([bytes, name]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], name));
            document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
        }""",
        [list(path.read_bytes()), name or path.name],
    )
    expect(page.locator("#studio")).to_be_visible()


def drag(page: Page, canvas: Locator, start: float, end: float, low: float = 0.3, high: float = 0.7) -> None:
    """Drag over a spectrogram: shares of its width, and of its height from below."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    x, width = box["x"] + 44, box["width"] - 44
    page.mouse.move(x + start * width, box["y"] + (1 - high) * 170)
    page.mouse.down()
    page.mouse.move(x + end * width, box["y"] + (1 - low) * 170, steps=4)
    page.mouse.up()


def begin(page: Page, method: str = "fast") -> None:
    page.select_option("#task", "denoise")
    page.select_option("#method", method)
    page.click("#start")


def download(page: Page, which: str, folder: Path) -> Path:
    with page.expect_download() as arriving:
        page.click(f"#get-{which}")
    path = folder / arriving.value.suggested_filename
    arriving.value.save_as(path)
    return path


def test_a_visitor_restores_a_recording(browser: Browser, server: Server, noisy: Path, tmp_path: Path) -> None:
    downloads = tmp_path / "downloads"
    with visitor(browser, server) as page:
        drop(page, noisy)
        expect(page.locator("#name")).to_have_text("tape.wav")
        expect(page.locator("#facts")).to_contain_text("3.0 s, 1 channel, 8000 Hz, WAV PCM_16")
        before = page.locator("canvas[data-which=before]")
        expect(before).to_have_attribute("aria-label", re.compile("Spectrogram, before, 0:00.0 to 0:03.0"))

        page.check("[name=tool][value=noise]")
        drag(page, before, 0.05, 0.3)
        expect(page.locator("#marks li")).to_have_count(1)
        start, end = (float(page.locator("#marks input").nth(place).input_value()) for place in (0, 1))
        assert abs(start - 0.15) < 0.02
        assert abs(end - 0.9) < 0.02

        begin(page, "best")  # long enough to be cancelled
        expect(page.locator("#run-state")).to_contain_text(re.compile("step .* left"))
        page.click("#cancel")
        expect(page.locator("#run-state")).to_have_text("Cancelled.")

        begin(page)
        expect(page.locator("#result")).to_be_visible()
        expect(page.locator("#frames canvas")).to_have_count(6)
        expect(page.locator("#told")).to_contain_text(re.compile(r"Removed \d+ dB of steady"))
        expect(page.locator("#jobs button")).to_have_count(2)
        command = page.input_value("#command")
        assert command == f"audioprior denoise tape.wav -m fast --noise {start!r}-{end!r}"

        restored = download(page, "restored", downloads)
        run_command(command, noisy.parent)
        assert restored.read_bytes() == noisy.with_name("tape.denoise.wav").read_bytes()
        removed = download(page, "removed", downloads)
        sounds = [soundfile.read(path)[0] for path in (noisy, restored, removed)]
        assert np.array_equal(sounds[0], sounds[1] + sounds[2])
        assert b"<audio" in download(page, "report", downloads).read_bytes()

        # Moved afterwards: no new fit, another file, and the command line that gives it.
        page.locator("#stop").fill("1")
        page.locator("#stop").dispatch_event("change")
        expect(page.locator("#command")).to_have_value(re.compile("--stop-at 0.125"))
        page.locator("#strength").fill("60")
        page.locator("#strength").dispatch_event("change")
        expect(page.locator("#command")).to_have_value(re.compile("--strength 0.6"))
        expect(page.locator("#jobs button")).to_have_count(2)
        run_command(page.input_value("#command") + " --force", noisy.parent)
        moved = download(page, "restored", tmp_path / "moved")
        assert moved.read_bytes() == noisy.with_name("tape.denoise.wav").read_bytes()
        assert moved.read_bytes() != restored.read_bytes()

        # All of it comes back after a reload.
        page.reload()
        expect(page.locator("#command")).to_have_value(re.compile("--strength 0.6"))
        expect(page.locator("#strength-value")).to_have_text("60 %")


HEARD = "() => [...document.querySelectorAll('[name=hear]')].find((choice) => choice.checked).value"


def test_before_after_and_removed_are_compared_at_one_instant(browser: Browser, server: Server, noisy: Path) -> None:
    with visitor(browser, server) as page:
        # Audio elements that stand in no document are found where they are made.
        page.evaluate("() => { const made = window.Audio; window.heard = []; window.Audio = function () {"
                      " const audio = new made(); window.heard.push(audio); return audio; }; }")  # fmt: skip
        drop(page, noisy)
        begin(page)
        expect(page.locator("#result")).to_be_visible()
        page.keyboard.press("Escape")
        page.locator("h2").click()
        page.keyboard.press("Space")
        expect(page.locator("#play")).to_have_text("Pause")
        page.wait_for_function("() => window.heard.length === 3 && window.heard.every((audio) => audio.currentTime > 0.3)")
        for key, which in (("2", "after"), ("3", "removed"), ("1", "before"), ("x", "after")):
            page.keyboard.press(key)
            assert page.evaluate(HEARD) == which
            # Pressed again and read in one turn of the page: a busy machine has no time between.
            times, muted = page.evaluate(
                """(key) => {
                    document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
                    return [heard.map((audio) => audio.currentTime), heard.map((audio) => audio.muted)];
                }""",
                {"x": "2"}.get(key, key),
            )
            assert max(times) - min(times) < 0.07  # apart by more than 30 ms they are brought together
            assert muted.count(False) == 1
        loud = page.evaluate("() => heard.map((audio) => audio.volume)")
        assert loud == [1, 1, 1]
        page.keyboard.press("l")
        matched = page.evaluate("() => heard.map((audio) => audio.volume)")
        assert max(matched) == 1
        assert min(matched) < 0.9
        page.keyboard.press("Space")
        expect(page.locator("#play")).to_have_text("Play")

        # All three are zoomed together, by key, by button and by dragging.
        labels = page.locator("#panels canvas")
        page.keyboard.press("0")
        page.keyboard.press("+")
        for row in range(3):
            expect(labels.nth(row)).not_to_have_attribute("aria-label", re.compile("0:00.0 to 0:03.0"))
        page.click("#zoom-all")
        drag(page, labels.nth(1), 0.5, 0.75)
        for row in range(3):
            expect(labels.nth(row)).to_have_attribute("aria-label", re.compile("0:01.5 to 0:02.[23]"))


def test_marks_of_every_kind_reach_the_fit(browser: Browser, server: Server, noisy: Path) -> None:
    with visitor(browser, server) as page:
        drop(page, noisy)
        canvas = page.locator("canvas[data-which=before]")
        page.check("[name=tool][value=protect]")
        drag(page, canvas, 0.4, 0.6, 0.0, 0.5)
        begin(page)
        expect(page.locator("#command")).to_have_value(re.compile(r"--protect 1\.\d+-1\.\d+:\d.*-20\d\d"))
        # On the mel scale half of the height is 700 (√(1 + 4000/700) − 1) Hz.
        page.check("#mel")
        drag(page, canvas, 0.65, 0.7, 0.0, 0.5)
        assert abs(float(page.locator("#marks li:last-child input").nth(3).input_value()) - 1114) < 30
        page.uncheck("#mel")
        page.locator("#marks li:last-child button").click()
        page.check("[name=tool][value=region]")
        drag(page, canvas, 0.7, 0.8)
        page.select_option("#task", "inpaint")
        page.click("#start")
        expect(page.locator("#command")).to_have_value(re.compile("audioprior inpaint tape.wav --region 2.1"))
        expect(page.locator("#told")).to_contain_text("1 place repaired")
        expect(page.locator("#frames canvas")).to_have_count(6)  # what the prior drew on the way
        page.locator("#marks li:last-child button").click()
        # Without a mouse: a mark where the cursor is, and its ends by their numbers.
        page.check("[name=tool][value=gap]")
        page.click("#mark-here")
        page.locator("#marks li:last-child input").nth(0).fill("2.0")
        page.locator("#marks li:last-child input").nth(1).fill("2.015")
        page.click("#start")
        expect(page.locator("#command")).to_have_value("audioprior inpaint tape.wav --gap 2.0-2.015")
        page.click("#findings summary")
        expect(page.locator("#findings td").nth(2)).to_have_text("15.0 ms")


def test_two_visitors_at_once(browser: Browser, server: Server, noisy: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.wav"
    soundfile.write(other, soundfile.read(noisy)[0][::-1], RATE, subtype="PCM_16")
    long = tmp_path / "long.wav"  # whose run is not over before the other visitor has come
    soundfile.write(long, np.tile(soundfile.read(noisy)[0], 8), RATE, subtype="PCM_16")
    with visitor(browser, server) as first, visitor(browser, server) as second:
        drop(first, long)
        begin(first, "best")
        drop(second, other)
        begin(second)
        expect(second.locator("#run-state")).to_contain_text("1 run comes first")
        expect(first.locator("#run-state")).to_contain_text(re.compile("step .* left"))
        first.click("#cancel")
        expect(second.locator("#result")).to_be_visible()
        begin(first)
        expect(first.locator("#result")).to_be_visible()
        for page, path in ((first, long), (second, other)):
            assert path.stem in page.input_value("#command")
            run_command(page.input_value("#command"), path.parent)
            got = download(page, "restored", tmp_path / "downloads")
            assert got.read_bytes() == path.with_name(f"{path.stem}.denoise.wav").read_bytes()


def test_bad_input_is_a_sentence(browser: Browser, server: Server, noisy: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.wav"
    thesis.write_text("no sound at all")
    large = tmp_path / "large.wav"
    large.write_bytes(b"\0" * 30_000_001)
    hour = tmp_path / "hour.flac"
    soundfile.write(hour, np.random.default_rng(0).normal(0, 0.01, 3600 * 2000), 2000, subtype="PCM_16")
    with visitor(browser, server, quiet=False) as page:
        page.set_input_files("#file", thesis)
        expect(page.locator("#alert")).to_contain_text("Thesis.wav cannot be read as sound", ignore_case=True)
        page.set_input_files("#file", large)
        expect(page.locator("#alert")).to_contain_text("large.wav is larger than 30 MB")
        expect(page.locator("#welcome")).to_be_visible()
        page.goto(f"{server.address}#{'x' * 22}")
        expect(page.locator("#alert")).to_contain_text("is not here any more")
    with visitor(browser, server) as page:
        drop(page, noisy, "../../<img src=x onerror=alert(1)>.wav")
        expect(page.locator("#name")).to_have_text("img src=x onerror=alert(1).wav")
        expect(page.locator("#name img")).to_have_count(0)
    with visitor(browser, server) as page:
        page.set_input_files("#file", hour)
        expect(page.locator("#facts")).to_contain_text("1 h 0 min")
        expect(page.locator("#facts")).to_contain_text("what is finished can be heard while the rest")
        page.select_option("#task", "denoise")
        page.select_option("#method", "fast")
        expect(page.locator("#estimate")).to_have_text("takes about 36 s")
        page.click("#start")
        expect(page.locator("[name=hear][value=after]")).to_be_enabled()
        expect(page.locator("#panels h4").nth(1)).to_contain_text("restored up to")
        page.click("#cancel")
        expect(page.locator("#run-state")).to_have_text("Cancelled.")


def test_a_lost_connection_loses_nothing(browser: Browser, noisy: Path, tmp_path: Path) -> None:
    server = Server(tmp_path / "page")
    port = server.address.rstrip("/").rsplit(":", 1)[1]
    with visitor(browser, server, quiet=False) as page:
        drop(page, noisy)
        begin(page, "consensus")
        expect(page.locator("#run-state")).to_contain_text(re.compile("step .* left"))
        server.kill()
        expect(page.locator("#status")).to_contain_text("The connection was lost")
        page.click("#start")
        expect(page.locator("#alert")).to_contain_text("The server does not answer")
        with Server(tmp_path / "page", port=int(port)) as again:
            assert again.address == server.address
            expect(page.locator("#result")).to_be_visible()
            run_command(page.input_value("#command"), noisy.parent)
            got = download(page, "restored", tmp_path / "downloads")
            assert got.read_bytes() == noisy.with_name("tape.denoise.wav").read_bytes()


NAMELESS = """() => [...document.querySelectorAll("button, input, select, canvas, progress, audio")]
    .filter((part) => part.checkVisibility())
    .filter((part) => !(part.labels?.length || part.ariaLabel || part.textContent.trim() || part.title))
    .map((part) => part.outerHTML)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_everything_has_a_name(browser: Browser, server: Server, noisy: Path, scheme: str) -> None:
    with visitor(browser, server, viewport=NARROW, color_scheme=scheme) as page:
        for stage in ("welcome", "studio", "result"):
            if stage == "studio":
                drop(page, noisy)
            if stage == "result":
                begin(page)
                expect(page.locator("#result")).to_be_visible()
            assert page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0, stage
            assert page.evaluate(NAMELESS) == [], stage
        ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) < 384) == (scheme == "dark")


def test_it_works_with_the_keyboard_alone(browser: Browser, server: Server, noisy: Path) -> None:
    with visitor(browser, server) as page:
        page.set_input_files("#file", noisy)
        expect(page.locator("#studio")).to_be_visible()

        def to(name: str) -> None:
            for _ in range(80):
                if page.evaluate("() => document.activeElement?.id") == name:
                    return
                page.keyboard.press("Tab")
            raise AssertionError(f"{name} cannot be reached with the keyboard")

        to("task")
        page.keyboard.type("Take noise")
        to("method")
        page.keyboard.type("fast")
        to("start")
        page.keyboard.press("Enter")
        expect(page.locator("#result")).to_be_visible()
        to("strength")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#command")).to_have_value(re.compile("--strength 0.95"))
        to("play")
        page.keyboard.press("Space")
        expect(page.locator("#play")).to_have_text("Pause")


def test_a_visitor_records(browser: Browser, server: Server) -> None:
    with visitor(browser, server, permissions=["microphone"]) as page:
        page.click("#record")
        expect(page.locator("#record")).to_have_text("Stop recording")
        page.wait_for_timeout(1500)
        page.click("#record")
        expect(page.locator("#name")).to_have_text("recording.wav")
        expect(page.locator("#facts")).to_contain_text("WAV FLOAT")
