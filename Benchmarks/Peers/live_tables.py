"""The tables of live.py: what it measured, beside what there is to do and what was aimed at."""

import math
import os
import platform
import statistics
import subprocess
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import peer

OURS, FAST, CITED = "ckakit", "pytorch-cka", "torch_cka"
PACKAGES = [OURS, FAST, CITED]
FORWARD = "forward"
# What is asked for: time beyond the forward pass as a multiple of the limit, and the peers' times as multiples of ours.
MOST_OF_LIMIT, LEAST_RATIO = 1.3, {FAST: 3, CITED: 30}
LONG = [10, 100, 1000]


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def short(value):
    """Three digits."""
    if value is None:
        return "–"
    places = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(places, 3)}f}"


def milliseconds(times):
    if not times:
        return "–"
    middle = statistics.median(times) * 1e3
    return short(middle) if len(times) == 1 else f"{short(middle)} ({short(min(times) * 1e3)})"


def beyond(entry, all_forward):
    """Medians' difference from the forward pass, of the runs that took turns with it."""
    pairs = list(zip(entry.get("with", []), all_forward))
    return statistics.median(a - b for a, b in pairs) if pairs else None


def program_rows(found):
    programs = found["programs"]
    bare = programs[FORWARD]["with"]
    yield [found["title"], "forward pass alone", milliseconds(bare), "", "", "", "", ""]
    ours = statistics.median(programs[OURS]["without"])
    for program in PACKAGES:
        entry = programs[program]
        if entry["failure"]:
            yield ["", program, entry["failure"], "–", "–", "–", "–", "–"]
            continue
        ratio = statistics.median(entry["without"]) / ours
        extra = beyond(entry, bare)
        error = f"{entry['error']:.1e}" + (f", {entry['undefined']} undefined" if entry["undefined"] else "")
        memory = "–" if entry.get("memory") is None else f"{entry['memory'] / 2**20:,.0f} MiB"
        if "memory without OpenCL" in entry:
            memory += f" ({entry['memory without OpenCL'] / 2**20:,.0f})"
        yield [
            "", program, milliseconds(entry["with"]), short(extra * 1e3), milliseconds(entry["without"]),
            "1" if program == OURS else f"{short(ratio)} ×", memory,
            f"**{error}**" if entry["error"] > 1e-3 else error]


def best(cases):
    """The fastest product of each library, in GFLOP/s, of all that were tried between runs."""
    return {name: max(max(found["peaks"][name]) for found in cases) for name in cases[0]["peaks"]}


def limit_of(found, peak, bandwidth):
    """Seconds that a minibatch takes at the machine's peak, and which one."""
    return max((found["operations"] / peak / 1e9, "compute"), (found["bytes"] / bandwidth, "memory"))


def limit_row(found, peak, bandwidth):
    entry = found["programs"][OURS]
    extra = beyond(entry, found["programs"][FORWARD]["with"])
    least, which = limit_of(found, peak, bandwidth)
    return [
        found["title"], f"2 × {found['layers']}", f"{found['features']:,}", short(found["operations"] / 1e9),
        short(found["bytes"] / 1e6), f"{max(max(speeds) for speeds in found['peaks'].values()):.0f}",
        f"{short(least * 1e3)} ({which})",
        *(f"{short(seconds / least)} ×" for seconds in (
            statistics.median(entry["without"]), min(entry["without"]), extra))]


def machine():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    has_wide = any("avx512f" in line for line in lines)
    cores = f"{peer.processors()} of {os.cpu_count()} cores"
    return f"{name}{' (AVX-512)' if has_wide else ''}, {cores}, {platform.system()} {platform.release()}"


def commit():
    done = subprocess.run(
        ["git", "-C", Path(__file__).parent, "describe", "--always", "--dirty", "--exclude", "*"],
        stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() or "unknown commit"


def document(cases, long, workers, bandwidth):
    packages = ", ".join(f"{name} {version(name)}" for name in ["torch", "numpy", CITED, FAST])
    date = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    missed, peak = [], max(best(cases).values())
    for found in cases:
        entries = found["programs"]
        ours = statistics.median(entries[OURS]["without"])
        for program, least in LEAST_RATIO.items():
            if not entries[program]["failure"]:
                ratio = statistics.median(entries[program]["without"]) / ours
                if ratio < least:
                    missed.append(f"{found['title']}: {short(ratio)} × {program}, at least {least} × aimed at")
        share = ours / limit_of(found, peak, bandwidth)[0]
        if share > MOST_OF_LIMIT:
            missed.append(f"{found['title']}: {short(share)} × the limit, at most {MOST_OF_LIMIT} × aimed at")
    parts = [
        f"{machine()}\nckakit at {commit()}, {packages}\n{date}",
        table(
            ["case", "program", "with the forward pass, ms", "beyond it, ms", "without it, ms", "of ours",
             "memory beyond the forward pass", "largest error"],
            [row for found in cases for row in program_rows(found)]),
        table(
            ["case", "layers", "features", "GFLOP", "MB read", "peak meanwhile, GFLOP/s", "limit, ms",
             "without the forward pass", "its least", "beyond the forward pass"],
            [limit_row(found, peak, bandwidth) for found in cases]),
        f"Peaks, the best of all: {', '.join(f'{name} {speed:.0f} GFLOP/s' for name, speed in best(cases).items())}; "
        f"reading memory: {bandwidth / 1e9:.1f} GB/s.",
        table(
            ["ckakit, eight layers of so many features", *(f"{count:,} minibatches" for count in LONG)],
            [[name, *(
                f"{sizes[str(count)] / 2**20:.1f} MiB" if str(count) in sizes else "–" for count in LONG)]
             for name, sizes in long.items()]),
        f"Ten DataLoader workers: {workers['seconds']:.1f} s for all of `ResNet-18`; the map differs from that without "
        f"workers by {workers['difference']:.1e}.",
        "\n".join(f"- missed: {line}" for line in missed),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"
