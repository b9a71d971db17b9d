"""A hand on a slider of the page: how long until the picture of where it stands is on the screen.

The page is started for it as `python app.py` starts it, and looked at with a browser on the same cores: what is waited for is the
way of a wish to the page's server, its painting in few steps, the way back and the picture's decoding and drawing.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from train.benchmarks.builds import ROOT
from train.benchmarks.clients import WatchedApp, percentile

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
#: Milliseconds after which a picture that does not come ends the run.
LOST = 120_000
#: Milliseconds from a picture to the next move that lets the page begin to refine it; the page itself waits 200.
PAUSE = 600
#: Shares of the second emotion, as far apart as a hand moves a slider; no two in turn are the same.
SHARES = (50, 55, 60, 65, 70, 65, 60, 55, 50, 45, 40, 35, 30, 35, 40, 45)

#: Moves a slider and gives the seconds until the picture of its new state is drawn. What a picture is of stands in its `alt`: one
#: that was refined meanwhile is still of the state before.
_MOVE = """([slider, live, value]) => new Promise(done => {
  const holder = document.querySelector(live), input = document.querySelector(slider);
  const before = holder.querySelector('img').alt, start = performance.now();
  const watch = new MutationObserver(async () => {
    const image = holder.querySelector('img');
    if (!image || image.alt === before) return;
    watch.disconnect();
    await image.decode();
    requestAnimationFrame(() => done((performance.now() - start) / 1000));
  });
  watch.observe(holder, { subtree: true, childList: true, attributes: true });
  input.value = value;
  input.dispatchEvent(new Event('input', { bubbles: true }));
})"""


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Debian's Chromium, which has to be there, without what it does for itself over the network."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@dataclass
class SliderTimes:
    """Seconds from a move to its picture.

    Args:
        moving: of moves that come as soon as the last one's picture is there.
        refining: of moves that come while that picture is being refined, and end this.
        computed: seconds that the page's process computed for a move while it moves, on all cores together: this is the same on a
            machine where others compute as well.
        load: of the machine at the end, the processes that compute or want to, as a mean over the last minute.
    """

    moving: list[float] = field(default_factory=list)
    refining: list[float] = field(default_factory=list)
    computed: float = 0.0
    load: float = 0.0

    def __str__(self) -> str:
        """As a table in Markdown."""
        rows = {"while it moves": self.moving, "from a picture that is being refined": self.refining}
        return "\n".join(
            [
                "| from a move of the slider to its picture | moves | median | 95 of 100 |",
                "|---|---|---|---|",
                *(
                    f"| {name} | {len(times)} | {percentile(times, 50)} | {percentile(times, 95)} |"
                    for name, times in rows.items()
                ),
                "",
                f"Computed by the page: {1000 * self.computed:.0f} ms a move while it moves.",
                f"Load of the machine, this page and its browser included: {self.load:.1f} on {os.cpu_count()} cores.",
            ]
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-clean: every time."""
        return asdict(self)


def measure_slider(moves: int, threads: int = 0) -> SliderTimes:
    """Start this tree's page and move the slider of the tab Fuse, `moves` times of either kind.

    Raises RuntimeError when there is no Chromium or the page does not start, and Playwright's TimeoutError when a picture does not come.
    """
    if CHROMIUM is None:
        raise RuntimeError("Moving the page's slider needs Chromium on the PATH.")
    with WatchedApp(ROOT, threads) as app, open_browser() as browser:
        return move_slider(browser.new_page(), app, moves)


def move_slider(page: Page, app: WatchedApp, moves: int) -> SliderTimes:
    """The times of `app` in one page of a browser; see `measure_slider`."""
    page.set_default_timeout(LOST)
    page.goto(app.url)
    page.get_by_role("tab", name="Fuse", exact=True).click()
    # From then on the teacher is loaded too.
    page.locator("#fuse-live [data-rested=yes]").wait_for()
    times, shares = SliderTimes(), itertools.cycle(SHARES[1:] + SHARES[:1])

    def move() -> float:
        return page.evaluate(_MOVE, ["#fuse-share input[type=range]", "#fuse-live", next(shares)])

    move()
    before = app.computed()
    times.moving = [move() for _ in range(moves)]
    times.computed = (app.computed() - before) / moves
    for _ in range(moves):
        page.wait_for_timeout(PAUSE)
        times.refining.append(move())
    times.load = os.getloadavg()[0]
    return times
