"""A page in headless Chromium, driven over the DevTools protocol.

The browser reads commands from one pipe and writes answers and events to another, JSON ended by a NUL
byte: nothing but Python's own library is needed, and no port is opened.
"""

import base64
import contextlib
import glob
import json
import os
import pathlib
import select
import subprocess
import tempfile
import time


class Browser:
    """Chromium with one page. Use it in a `with` statement."""

    def __init__(self, program="chromium"):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands, self.output = os.pipe()
        self.input, answers = os.pipe()
        # As file descriptors 3 and 4, whatever the pipes got.
        script = f'exec "$0" "$@" 3<&{commands} 4>&{answers}'
        self.process = subprocess.Popen(
            [
                "/bin/bash", "-c", script, program, "--headless", "--remote-debugging-pipe",
                # Sandboxes are refused to root, which is who runs in a container.
                "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                "--disable-background-networking", "--disable-dev-shm-usage",
                f"--user-data-dir={self.profile.name}", "about:blank",
            ],
            pass_fds=(commands, answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self.buffer = b""
        self.last = 0
        self.events = []
        self.session = None
        (target,) = [
            t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"
        ]
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        # Elements take the focus although no window has it.
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()

    def waits(self):
        """How long each thread of its processes has waited for a processor, in seconds."""
        parents, waits = {}, {}
        # Processes and threads come and go.
        for stat in glob.glob("/proc/[0-9]*/stat"):
            with contextlib.suppress(OSError):
                process, _, rest = pathlib.Path(stat).read_text().rpartition(")")
                parents[int(process.split()[0])] = int(rest.split()[1])
        for process in parents:
            ancestor = process
            while ancestor not in (0, self.process.pid):
                ancestor = parents.get(ancestor, 0)
            for thread in glob.glob(f"/proc/{process}/task/*/schedstat") if ancestor else []:
                with contextlib.suppress(OSError):
                    # Nanoseconds on a processor, and in a queue for one.
                    waits[thread] = int(pathlib.Path(thread).read_text().split()[1]) / 1e9
        return waits

    def waited_since(self, before):
        """The seconds that all threads together have waited for a processor since these `waits`."""
        return sum(now - before.get(thread, 0) for thread, now in self.waits().items())

    def call(self, method, **parameters):
        """Sends a command and returns its result; events that come before it are kept."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.output, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _read(self, limit=300):
        while b"\0" not in self.buffer:
            if not select.select([self.input], [], [], limit)[0]:
                raise RuntimeError("the browser has not answered for five minutes")
            part = os.read(self.input, 1 << 20)
            if not part:
                raise RuntimeError("the browser has ended")
            self.buffer += part
        line, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(line)

    def open(self, path, width=1280, height=1000):
        """Opens a file of this machine and waits until its script is done."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=False)
        self.events.clear()
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.wait("document.querySelector('main')?.dataset.complete === ''")
        self.frame()

    def wait(self, condition, limit=300):
        end = time.monotonic() + limit
        while not self.evaluate(condition):
            if time.monotonic() > end:
                raise RuntimeError(f"not true for {limit} s: {condition}")
            time.sleep(0.01)

    def evaluate(self, expression):
        """The value of an expression in the page; promises are waited for."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def frame(self):
        """Waits until what was asked for is painted."""
        self.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", buttons=1, clickCount=1)

    def press(self, key, modifiers=0):
        text = {"text": key} if len(key) == 1 else {}
        codes = {"Tab": 9, "Enter": 13, "End": 35, "Home": 36}
        codes |= {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        code = {"windowsVirtualKeyCode": codes[key]} if key in codes else {}
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=key, modifiers=modifiers, **code,
                **(text if kind == "keyDown" else {}))

    def appearance(self, scheme=None, media=""):
        features = [{"name": "prefers-color-scheme", "value": scheme or "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.frame()

    def screenshot(self, path):
        height = self.evaluate("document.documentElement.scrollHeight")
        size = {"x": 0, "y": 0, "width": 1280, "height": min(height, 4000), "scale": 1}
        data = self.call("Page.captureScreenshot", clip=size, captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def print(self, path):
        data = self.call("Page.printToPDF", printBackground=False, preferCSSPageSize=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def metric(self, name):
        """A number that the browser keeps of the page."""
        return {m["name"]: m["value"] for m in self.call("Performance.getMetrics")["metrics"]}[name]

    def requests(self):
        """All that the page has asked for since it was opened."""
        return [
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
        ]

    def complaints(self):
        """Exceptions, errors and warnings on the console since the page was opened."""
        found = []
        for event in self.events:
            parameters = event.get("params", {})
            if event.get("method") == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"])
            elif event.get("method") == "Runtime.consoleAPICalled":
                if parameters["type"] in ("error", "warning", "assert"):
                    found.append(parameters["args"])
            elif event.get("method") == "Log.entryAdded":
                if parameters["entry"]["level"] in ("error", "warning"):
                    found.append(parameters["entry"])
        return found
