"""Look into reports with headless Chromium: run by Scripts/test-report.sh, which makes them.

    test_report.py FOLDER [PICTURES]

The oracle is the .npy files beside the pages. A page shows four decimals: a value is right if it is
the file's, rounded, after the page's own rounding to float32 (relative 2⁻²⁴) or to 1/65534 of a map's range.
"""

import json
import re
import sys
from pathlib import Path

import numpy
from devtools import Browser
from make_models import MARKUP

FOLDER = Path(sys.argv[1])
PICTURES = Path(sys.argv[2]) if len(sys.argv) > 2 else None
HALF_DIGIT = 0.5e-4


def check(condition, message):
    if not condition:
        raise AssertionError(message)


def number(text):
    return float(text.replace("−", "-"))


def close(text, value, rounding):
    """Whether a page's text is `value`."""
    return abs(number(text) - value) <= max(HALF_DIGIT, abs(value) * 5e-3 * (abs(value) < 1e-3)) + rounding


class Map:
    """The map of a page that `selector` finds."""

    def __init__(self, browser, selector="figure.map"):
        self.browser = browser
        self.selector = selector
        self.evaluate("map.querySelector('.stage').scrollIntoView({ block: 'center' })")
        browser.frame()

    def evaluate(self, expression):
        return self.browser.evaluate(
            f"(() => {{ const map = document.querySelector({json.dumps(self.selector)});"
            f" return {expression}; }})()")

    def text(self, part):
        return self.evaluate(f"map.querySelector('{part}').textContent")

    def geometry(self):
        data = self.evaluate(
            "(() => { const stage = map.querySelector('.stage'), box = stage.getBoundingClientRect();"
            " return { ...stage.dataset, boxX: box.x, boxY: box.y }; })()")
        return {name: float(value) for name, value in data.items()}

    def place(self, row, column):
        """The middle of a cell, in pixels of the window."""
        g = self.geometry()
        x = g["boxX"] + g["x"] + (column + 0.5 - g["left"]) * g["cell"]
        y = g["boxY"] + g["y"] + g["height"] - (row + 0.5 - g["bottom"]) * g["cell"]
        return x, y

    def hover(self, row, column):
        self.browser.mouse("mouseMoved", *self.place(row, column))
        return self.text(".pair"), self.text(".value"), self.text(".more")


def page_is_quiet(browser, path):
    """No complaint, and nothing asked for but the file itself and the pictures in it."""
    check(browser.complaints() == [], f"{path}: {browser.complaints()}")
    others = [
        url for url in browser.requests()
        if url != "file://" + str(path.resolve()) and not url.startswith("data:image/svg+xml;")
    ]
    check(others == [], f"{path} asks for {others}")


def pictures(browser, name):
    if PICTURES is None:
        return
    PICTURES.mkdir(parents=True, exist_ok=True)
    browser.screenshot(PICTURES / f"{name}-light.png")
    browser.appearance("dark")
    browser.screenshot(PICTURES / f"{name}-dark.png")
    browser.appearance()
    browser.print(PICTURES / f"{name}.pdf")


def large_map(browser):
    path = FOLDER / "large" / "report.html"
    size = path.stat().st_size
    check(size < 15e6, f"the page has {size} bytes")
    first_paint(browser, path, size)

    cka = numpy.load(FOLDER / "large" / "cka.npy")
    z = numpy.load(FOLDER / "large" / "z.npy")
    layers = json.loads((FOLDER / "large" / "result.json").read_text())["models"][0]["layers"]
    names = [layer["name"] for layer in layers]
    view = Map(browser)

    def check_cell(row, column, found):
        pair, value, more = found
        check(pair == f"{names[row]} × {names[column]}", f"at {row}, {column}: {pair}")
        if numpy.isnan(cka[row, column]):
            check(value == "undefined", f"at {row}, {column}: {value}")
            check("constant" in more, f"at {row}, {column}: {more}")
            return
        check(close(value, cka[row, column], 1e-7), f"{value} is not {cka[row, column]}")
        shown = re.search(r"z (\S+) · ok$", more)
        check(shown and abs(number(shown[1]) - z[row, column]) <= 0.06, f"{more} is not {z[row, column]}")

    cells = [(0, 0), (575, 575), (0, 575), (100, 3), (17, 400), (200, 5), (300, 200)]
    for row, column in cells:
        check_cell(row, column, view.hover(row, column))

    # Names are text: the page has no element that they name.
    check(names[100] == MARKUP, "the model has lost its name of markup")
    check(browser.evaluate("typeof broken") == "undefined", "a name was run")
    check(browser.evaluate("document.images.length") == 0, "a name became an element")

    zoom(browser, view, check_cell)
    page_is_quiet(browser, path)
    # Afresh, so that Tab goes to the first thing of the page that takes the focus.
    browser.open(path)
    view = Map(browser)
    keyboard(browser, view, names, cka)
    table(browser, view, names, cka)
    page_is_quiet(browser, path)
    # Last, because the browser warns of the pixels that this test reads.
    smoothness(browser, view)
    pictures(browser, "large")


def first_paint(browser, path, size):
    """Opens the page until its first paint comes within a second, five times at most. The time is that of the
    clock, less what the browser's threads together waited for a processor: nearly nothing, but on a machine
    that is at other work. The time of the page's own thread does not depend on that, and is the whole page's."""
    browser.call("Performance.enable", timeDomain="threadTicks")
    paints, threads = [], []
    while len(paints) < 5 and not (paints and paints[-1] < 1000):
        before, waits = browser.metric("TaskDuration"), browser.waits()
        browser.open(path)
        after = browser.metric("TaskDuration")
        # A page in a new process counts from 0.
        threads.append(1000 * (after - before if after > before else after))
        browser.wait("performance.getEntriesByName('first-contentful-paint').length > 0")
        waited = 1000 * browser.waited_since(waits)
        paints.append(max(0, browser.evaluate(
            "performance.getEntriesByName('first-contentful-paint')[0].startTime") - waited))
    print(f"576 × 576 layers: {size / 1e6:.2f} MB; first paint after {', '.join(f'{t:.0f}' for t in paints)} ms;"
          f" the page's thread is busy for {min(threads):.0f} ms")
    check(min(paints) < 1000, f"first paint after {min(paints):.0f} ms")
    check(min(threads) < 1000, f"the page's thread is busy for {min(threads):.0f} ms")


def zoom(browser, view, check_cell):
    whole = view.geometry()["cell"]
    x, y = view.place(150, 420)
    for _ in range(4):
        browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-300, modifiers=2)
    browser.frame()
    closer = view.geometry()
    check(closer["cell"] > 20 * whole, f"a cell of {whole} pixels has {closer['cell']}")
    check_cell(150, 420, view.hover(150, 420))
    check_cell(152, 418, view.hover(152, 418))

    # Dragging moves the map with the mouse.
    browser.mouse("mouseMoved", x, y)
    browser.mouse("mousePressed", x, y, button="left", buttons=1, clickCount=1)
    browser.mouse("mouseMoved", x + 40, y + 25, button="left", buttons=1)
    browser.mouse("mouseReleased", x + 40, y + 25, button="left", clickCount=1)
    browser.frame()
    moved = view.geometry()
    check(abs((closer["left"] - moved["left"]) * moved["cell"] - 40) < 1, "the map did not move along")
    check(abs((moved["bottom"] - closer["bottom"]) * moved["cell"] - 25) < 1, "the map did not move up")
    check_cell(151, 419, view.hover(151, 419))

    browser.evaluate("document.querySelector('[aria-label=\"Show the whole map\"]').click()")
    browser.frame()
    check(abs(view.geometry()["cell"] - whole) < 1e-9, "the whole map is not shown again")
    browser.evaluate("document.querySelector('[aria-label=\"Zoom in\"]').click()")
    browser.frame()
    check(view.geometry()["cell"] > 1.5 * whole, "the button does not zoom")
    browser.evaluate("document.querySelector('[aria-label=\"Show the whole map\"]').click()")


def keyboard(browser, view, names, cka):
    browser.press("Tab")
    check(view.evaluate("document.activeElement === map.querySelector('.stage')"), "Tab misses the map")
    outline = view.evaluate("getComputedStyle(map.querySelector('.stage')).outlineStyle")
    check(outline == "solid", f"the focus is not seen: {outline}")
    browser.press("Home")
    for key, modifiers, count in (("ArrowDown", 8, 60), ("ArrowRight", 0, 3), ("ArrowUp", 8, 1), ("ArrowUp", 0, 2)):
        for _ in range(count):
            browser.press(key, modifiers)
    expected = f"{names[12]} × {names[3]}: {cka[12, 3]:.4f}"
    spoken = view.text("[aria-live]")
    check(spoken.startswith(expected), f"'{spoken}' does not begin with '{expected}'")
    before = view.geometry()["cell"]
    for _ in range(6):
        browser.press("+")
    browser.frame()
    check(view.geometry()["cell"] > 10 * before, "+ does not zoom")
    browser.press("End")
    browser.frame()
    g = view.geometry()
    seen = g["left"] + g["width"] / g["cell"]
    check(g["left"] <= 575 < 576 <= seen + 1e-6, "the cursor has left the window")
    check(view.text(".pair") == f"{names[12]} × {names[575]}", view.text(".pair"))
    browser.press("0")
    browser.frame()
    check(abs(view.geometry()["cell"] - before) < 1e-9, "0 does not show the whole map")


def smoothness(browser, view):
    """Zooms and moves for sixty frames: how long the painting of one takes, its pixels included."""
    view.evaluate("map.querySelector('.stage').focus()")
    times = browser.evaluate(
        """(async () => {
          const [times, paint] = [[], MapPainter.prototype.paint];
          MapPainter.prototype.paint = function (scale) {
            const start = performance.now();
            paint.call(this, scale);
            this.context.getImageData(0, 0, 1, 1);
            times.push(performance.now() - start);
          };
          const stage = document.querySelector(".stage"), box = stage.getBoundingClientRect();
          for (let i = 0; i < 60; i += 1) {
            const [x, y] = [box.x + 300 + i, box.y + 200 + i];
            stage.dispatchEvent(new WheelEvent("wheel",
              { clientX: x, clientY: y, deltaY: i < 30 ? -40 : 40, ctrlKey: true, cancelable: true }));
            stage.dispatchEvent(new PointerEvent("pointermove", { clientX: x, clientY: y }));
            await new Promise(requestAnimationFrame);
          }
          MapPainter.prototype.paint = paint;
          return times;
        })()""")
    median, most = numpy.median(times), max(times)
    print(f"painting while zooming: median {median:.1f} ms, longest {most:.1f} ms of {len(times)}")
    check(len(times) >= 50, "fewer frames than asked for")
    # Four times what a screen of 60 Hz leaves: this machine may be busy with other things.
    check(median < 66, f"a frame takes {median:.0f} ms")
    browser.press("0")
    browser.frame()


def table(browser, view, names, cka):
    view.evaluate("map.querySelector('details').open = true")
    browser.wait("document.querySelector('figure.map table') !== null")
    view.evaluate(
        "(() => { const choice = map.querySelector('select'); choice.selectedIndex = 44;"
        " choice.dispatchEvent(new Event('change')); })()")
    view.evaluate("map.querySelector('details .wide > button').click()")
    rows = view.evaluate(
        "[...map.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
    check(len(rows) == 576, f"the table has {len(rows)} rows")
    check([row[0] for row in rows] == names, "the table's names differ")
    for column, (_, value, _, status) in enumerate(rows):
        if numpy.isnan(cka[44, column]):
            check((value, status) == ("undefined", "constant"), f"{column}: {value}, {status}")
        else:
            check(close(value, cka[44, column], 1e-7), f"{column}: {value}")
    # Sorted by value, the layer itself comes first.
    view.evaluate("map.querySelectorAll('th button')[1].click()")
    check(view.evaluate("map.querySelector('tbody td').textContent") == names[44], "not sorted")
    view.evaluate("map.querySelector('details').open = false")


def sweep(browser):
    results = FOLDER / "store" / "results"
    path = results / "report.html"
    browser.open(path)
    document = json.loads((results / "sweep.json").read_text())
    models = [model["name"] for model in document["models"]]
    maps = {}
    for pair in document["pairs"]:
        cka = numpy.load(results / pair["folder"] / "cka.npy")
        maps[pair["left"], pair["right"]] = cka
        maps[pair["right"], pair["left"]] = cka.T
    shown = "document.querySelector('.pairs > div:last-child h3').textContent"
    view = Map(browser, ".pairs > div:last-child figure.map")

    def check_pair(row, column):
        names = models[row] if row == column else f"{models[row]} × {models[column]}"
        check(browser.evaluate(shown) == names, f"{browser.evaluate(shown)} is not {names}")
        cka = maps[row, column]
        for cell in ((0, cka.shape[1] - 1), (cka.shape[0] - 1, 1), (2, 2)):
            _, value, _ = view.hover(*cell)
            check(value and close(value, cka[cell], 1e-7), f"{names} at {cell}: {value} is not {cka[cell]}")

    check_pair(0, 0)
    # The slider, by keyboard: one model with itself after another.
    browser.evaluate("document.querySelector('.choice input[type=range]').focus()")
    for model in range(1, len(models)):
        browser.press("ArrowRight")
        check_pair(model, model)
        browser.evaluate("document.querySelector('.choice input[type=range]').focus()")
    # Any pair, by a click on the map of all models, and by Enter.
    overview = Map(browser, ".pairs > div:first-child figure.map")
    for row, column in ((2, 0), (0, 2), (3, 1), (1, 3)):
        browser.click(*overview.place(row, column))
        browser.frame()
        check_pair(row, column)
    overview.evaluate("map.querySelector('.stage').focus()")
    browser.press("ArrowLeft")
    browser.press("Enter")
    browser.frame()
    check_pair(1, 2)

    # Architectures: a slider over their maps.
    group = Map(browser, "section:nth-of-type(2) figure.map")
    (folder,) = [g for g in document["groups"] if g.get("folder")]
    browser.evaluate("document.querySelector('section:nth-of-type(2) input[type=range]').focus()")
    for index, name in enumerate(folder["maps"]):
        if index:
            browser.press("ArrowRight")
        expected = numpy.load(results / folder["folder"] / f"{name}.npy")
        _, value, _ = group.hover(1, 4)
        check(close(value, expected[1, 4], 1e-7), f"{name}: {value} is not {expected[1, 4]}")
        browser.evaluate("document.querySelector('section:nth-of-type(2) input[type=range]').focus()")
    page_is_quiet(browser, path)
    pictures(browser, "sweep")


def converge(browser):
    path = FOLDER / "converge" / "report.html"
    browser.open(path)
    points = json.loads((FOLDER / "converge" / "converge.json").read_text())["points"]
    first = [p for p in points if p["passes"] == points[0]["passes"]]
    browser.evaluate("document.querySelector('.chart svg').focus()")
    browser.press("ArrowRight")
    text = browser.evaluate("document.querySelector('.chart .pair').textContent")
    found = re.search(r"batch size (\S+) → (\S+)", text)
    check(found, text)
    check(float(found[1]) == first[1]["batchSize"], text)
    check(abs(number(found[2]) / first[1]["meanError"] - 1) < 5e-3, text)
    page_is_quiet(browser, path)
    pictures(browser, "converge")


def components(browser):
    """The maps: the cursor of one map is that of all, each with its own value."""
    folder = FOLDER / "components"
    path = folder / "report.html"
    browser.open(path)
    expected = [numpy.load(folder / "alignment.npy"), numpy.load(folder / "cka.npy"),
                numpy.load(folder / "reduced.npy")[0]]
    # The first two panels are the charts of variances.
    views = [Map(browser, f".panels > div:nth-child({place}) figure.map") for place in (5, 3, 4)]
    for hovered, (row, column) in zip(views * 2, ((0, 0), (8, 4), (3, 1), (5, 2), (8, 0), (1, 3))):
        hovered.evaluate("map.querySelector('.stage').scrollIntoView({ block: 'center' })")
        hovered.hover(row, column)
        for view, values in zip(views, expected):
            value = view.text(".value")
            check(close(value, values[row, column], 1e-7), f"{value} is not {values[row, column]}")
    # Zooming one zooms all.
    views[0].evaluate("map.querySelector('[aria-label=\"Zoom in\"]').click()")
    browser.frame()
    cells = [view.geometry()["cell"] / view.geometry()["width"] for view in views]
    check(max(cells) - min(cells) < 1e-9 and cells[0] > 1.5 / 5, f"not the same zoom: {cells}")
    page_is_quiet(browser, path)
    pictures(browser, "components")


def blocks(browser):
    """The planted block is outlined, and named in the readout of its cells alone."""
    path = FOLDER / "blocky" / "report.html"
    browser.open(path)
    view = Map(browser)
    for row, column, is_inside in ((8, 17, True), (17, 8, True), (12, 12, True), (7, 9, False), (18, 18, False)):
        _, _, more = view.hover(row, column)
        check(("block layer8 … layer17" in more) == is_inside, f"at {row}, {column}: {more}")
    page_is_quiet(browser, path)
    pictures(browser, "blocky")


def probe(browser):
    """The curve's readout, layer by layer with the arrow keys, and the table are the file's accuracies."""
    path = FOLDER / "probe" / "report.html"
    browser.open(path)
    layers = json.loads((FOLDER / "probe" / "probe.json").read_text())["layers"]
    browser.evaluate("document.querySelector('.chart svg').focus()")
    browser.press("Home")
    for index, layer in enumerate(layers):
        if index:
            browser.press("ArrowRight")
        text = browser.evaluate("document.querySelector('.chart .pair').textContent")
        found = re.search(r"→ (\S+)", text)
        check(found and abs(number(found[1]) - layer["testAccuracy"]) < 1e-5, f"{text}: {layer}")
    cells = browser.evaluate(
        "[...document.querySelectorAll('table tbody tr')].map((row) => row.textContent)")
    check(len(cells) == len(layers), f"a table of {len(cells)} layers")
    check(all(layer["name"] in text for layer, text in zip(layers, cells)), f"{cells}")
    page_is_quiet(browser, path)
    pictures(browser, "probe")


def errors(browser):
    """Each map of the networks' outputs has the numbers of its file."""
    folder = FOLDER / "errors"
    path = folder / "report.html"
    browser.open(path)
    measures = browser.evaluate(
        "[...document.querySelectorAll('figure.map')].map((map, place) => {"
        " map.id = `map${place}`; return map.textContent; })")
    check(len(measures) == 3, f"{len(measures)} maps")
    for place, name in enumerate(("agreement", "divergence", "hellinger")):
        check(name in measures[place], f"{measures[place]} is not {name}")
        values = numpy.load(folder / f"{name}.npy")
        view = Map(browser, f"#map{place}")
        for row, column in ((0, 1), (7, 0), (3, 4), (5, 5)):
            _, value, _ = view.hover(row, column)
            check(close(value, values[row, column], numpy.nanmax(values) / 65534),
                  f"{name} at {row}, {column}: {value} is not {values[row, column]}")
    # The static picture has a text in its place for who does not see it.
    alternatives = browser.evaluate(
        "[...document.querySelectorAll('img')].filter((image) => image.naturalWidth > 0).map((image) => image.alt)")
    check(alternatives and all(len(text) > 20 for text in alternatives), f"{alternatives}")
    page_is_quiet(browser, path)
    pictures(browser, "errors")


def others(browser):
    """Pages of other commands are built without complaint, and every map and chart of them answers."""
    for name, maps, charts in (("blocks", 2, 0), ("trust", 3, 1)):
        path = FOLDER / name / "report.html"
        browser.open(path)
        found = browser.evaluate(
            "['figure.map', 'figure.chart'].map((kind) => document.querySelectorAll(kind).length)")
        check(found == [maps, charts], f"{name}: {found}")
        texts = browser.evaluate(
            "[...document.querySelectorAll('.stage, .chart svg')].map((node) => {"
            " node.focus(); return node.closest('figure').querySelector('.pair').textContent; })")
        check(all(re.search(r" × |→", text) for text in texts), f"{name}: {texts}")
        page_is_quiet(browser, path)
        pictures(browser, name)


def appearance(browser):
    browser.open(FOLDER / "large" / "report.html")
    ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    check(browser.evaluate(ground) > 200, "the page is dark by day")
    browser.appearance("dark")
    check(browser.evaluate(ground) < 60, "the page is light in the dark")
    ink = browser.evaluate(
        "(() => { const c = document.querySelector('canvas').getContext('2d');"
        " const d = c.getImageData(0, 0, 120, c.canvas.height).data; let most = 0;"
        " for (let i = 0; i < d.length; i += 4) if (d[i + 3] > 200) most = Math.max(most, d[i]);"
        " return most; })()")
    check(ink > 200, f"names of layers are dark on dark: {ink}")
    browser.appearance("dark", media="print")
    check(browser.evaluate(ground) > 200, "print is dark")
    browser.appearance()


def paper(browser):
    """A printed page has every row of every table that is open; nobody can ask paper for the rest."""
    browser.open(FOLDER / "large" / "report.html")
    layers = json.loads((FOLDER / "large" / "result.json").read_text())["models"][0]["layers"]
    seen = (
        "[...document.querySelectorAll('section > .single table, section table')]"
        ".map((table) => [...table.tBodies[0].rows].filter((row) => row.offsetHeight > 0).length)")
    check(browser.evaluate(seen)[-1] == 25, "a long table is not short on a screen")
    browser.appearance(media="print")
    found = browser.evaluate(seen)[-1]
    check(found == len(layers), f"{found} of {len(layers)} rows are printed")
    browser.appearance()
    printed = FOLDER / "large.pdf"
    browser.print(printed)
    # No more than 80 rows of a table have room on a page.
    pages = len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes()))
    check(pages >= len(layers) / 80, f"{len(layers)} layers are printed on {pages} pages")


def main():
    tests = (large_map, sweep, converge, components, blocks, probe, errors, others, appearance, paper)
    for test in tests:
        with Browser() as browser:
            test(browser)
        print(f"{test.__name__}: passed")


if __name__ == "__main__":
    main()
