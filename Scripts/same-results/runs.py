"""Runs lines of steps in folders of their own, under a setting."""

import ctypes
import mmap
import os
import shlex
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import differences

# What an assertion of old PoCL versions says before it ends the process, whatever the program does.
POCL = b"pocl_release_dlhandle_cache"


@dataclass
class Setting:
    """A program, and what its runs find: a name, a line for bash before, variables of the environment."""

    name: str
    cka: str
    before: str = ""
    variables: dict = field(default_factory=dict)
    is_cold: bool = False
    # What the setting may change beside what may always vary, as in `differences.VARIES`.
    varies: tuple = ()


class Bench:
    """Runs all runs of a setting; what each leaves lies in WORK/SETTING/RUN, its messages in RUN.steps."""

    def __init__(self, work, jobs):
        self.work, self.jobs = Path(work), jobs
        self.repeated, self.count = [], 0
        self.stayed, self.inputs = 0, 0
        for name in ("run", "tmp", "home", "cache", "pocl"):
            (self.work / name).mkdir()
        self.environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM", "BASH_ENV")}
        self.environment |= {
            "TERM": "dumb", "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "0", "TMPDIR": str(self.work / "tmp"),
            "HOME": str(self.work / "home"), "XDG_CACHE_HOME": str(self.work / "cache")}
        self.environment.setdefault("POCL_CACHE_DIR", str(self.work / "pocl"))

    def all(self, setting, runs):
        """Runs every run once."""
        (self.work / setting.name).mkdir()
        if setting.is_cold:
            os.sync()  # Only what is on the disk leaves the page cache.
        with ThreadPoolExecutor(1 if setting.is_cold else self.jobs) as pool:
            list(pool.map(lambda run: self.run(setting, *run), runs))

    def run(self, setting, name, steps):
        """Runs steps; all again where PoCL has ended one by its own error."""
        for attempt in range(5):
            folder = self.work / "run" / name
            folder.mkdir()
            (folder / "in").symlink_to(self.work / "in")
            messages = self.work / setting.name / f"{name}.steps"
            messages.mkdir()
            crashed = False
            for number, step in enumerate(steps, 1):
                ended = self.step(setting, folder, step)
                crashed = crashed or POCL in ended.stderr
                (messages / f"{number}.stdout").write_bytes(ended.stdout)
                (messages / f"{number}.stderr").write_bytes(ended.stderr)
                (messages / f"{number}.exit").write_text(f"{ended.returncode}\n")
            (folder / "in").unlink()
            if not crashed or attempt == 4:
                break
            self.repeated.append(f"{setting.name}: {name}")
            shutil.rmtree(folder)
            shutil.rmtree(messages)
        folder.rename(self.work / setting.name / name)

    def step(self, setting, folder, step):
        self.count += 1
        if setting.is_cold:
            self.forget(folder)
        if step.startswith("$ "):
            line, words = f'cka() ( exec -a cka "$CKA" "$@" )\n{step[2:]}', []
        else:
            line, words = 'exec -a cka "$CKA" "$@"', shlex.split(step)
        # A group of processes of its own, so that one that hangs is ended with its children.
        process = subprocess.Popen(
            ["bash", "-c", f"{setting.before}\n{line}", "cka", *words], cwd=folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.environment | setting.variables | {"CKA": setting.cka})
        try:
            out, err = process.communicate(timeout=300)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += b"\nsame-results: did not end within 300 s\n"
        return subprocess.CompletedProcess(step, process.returncode, out, err)

    def forget(self, folder):
        """Takes all inputs, and what the run has written so far, out of the page cache."""
        for path in [*(self.work / "in").rglob("*"), *folder.rglob("*")]:
            if path.is_symlink() or not path.is_file() or not path.stat().st_size:
                continue
            with open(path, "rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        # Counted once, in a large input: what stays where the file system has no other place.
        with open(self.work / "in" / "large.npz", "rb") as file:
            self.inputs, self.stayed = resident(file)[0], max(self.stayed, resident(file)[1])


def resident(file):
    """The pages of a file, and how many of them are in memory."""
    size = os.fstat(file.fileno()).st_size
    count = -(-size // mmap.PAGESIZE)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    place = libc.mmap(None, ctypes.c_size_t(size), mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(), ctypes.c_long(0))
    pages = (ctypes.c_ubyte * count)()
    if libc.mincore(ctypes.c_void_p(place), ctypes.c_size_t(size), pages):
        sys.exit("same-results: mincore: " + os.strerror(ctypes.get_errno()))
    libc.munmap(ctypes.c_void_p(place), ctypes.c_size_t(size))
    return count, sum(page & 1 for page in pages)


def results(work, setting, name):
    """What a run left: names and paths of files, messages first, and its tree of files as bytes."""
    messages, _ = differences.files(work / setting.name / f"{name}.steps")
    found, tree = differences.files(work / setting.name / name)
    return messages, found, tree
