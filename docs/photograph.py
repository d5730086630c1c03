"""Takes the picture of the page for the documentation, with Chromium: `python -m docs.photograph` in the root folder."""

import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from tests.serving import Server

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "figures" / "page.png"


def main() -> None:
    """Restore the sample on the page, mark a passage of noise, and take the picture."""
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1000, "height": 1240})
        page.goto(server.address)
        page.locator("#limits:not(:empty)").wait_for()
        page.set_input_files("#file", ROOT / "samples" / "guitar_vinyl.flac")
        page.locator("#studio").wait_for()
        page.select_option("#task", "denoise")
        page.check("[name=tool][value=protect]")
        box = page.locator("canvas[data-which=before]").bounding_box()
        assert box
        page.mouse.move(box["x"] + 80, box["y"] + 120)
        page.mouse.down()
        page.mouse.move(box["x"] + 200, box["y"] + 165, steps=4)
        page.mouse.up()
        page.click("#start")
        page.locator("#result").wait_for(timeout=300_000)
        page.locator("canvas[data-which=removed][aria-label*=kHz]").wait_for()
        page.wait_for_timeout(1000)
        page.evaluate("() => scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()
    # Few colours are enough, and a third of the bytes.
    Image.open(PICTURE).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
