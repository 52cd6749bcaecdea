#!/usr/bin/env python3
"""Writes the second half of Documentation/Python.md from the docstrings of `ckakit`.

    Python/reference.py            writes it
    Python/reference.py --check    fails where the file is not what the docstrings say
"""

import inspect
import re
import sys
import textwrap
from pathlib import Path

import ckakit

FILE = Path(__file__).parent.parent / "Documentation" / "Python.md"

# What is above the line is written by hand.
MARK = "<!-- From here on Python/reference.py writes what the docstrings say. -->\n"

GROUPS = {
    "Compare": ["compare", "cka", "capture", "record", "Stream"],
    "Analyze": ["trust", "blocks", "components", "probe", "converge", "errors", "sweep"],
    "Results": [
        "Result", "Study", "TrustResult", "BlocksResult", "ComponentsResult", "ProbeResult", "ConvergeResult",
        "ErrorsResult", "SweepResult", "ModelPoints", "load",
    ],
    "Else": ["Capture", "CKAWarning", "set_program"],
}


def reference():
    """The text after the mark."""
    missing = set(ckakit.__all__) ^ {name for names in GROUPS.values() for name in names}
    if missing:
        raise SystemExit(f"GROUPS and ckakit.__all__ differ in {', '.join(sorted(missing))}")
    parts = []
    for group, names in GROUPS.items():
        parts.append(f"## {group}\n")
        if group == "Results":
            parts.append(
                "Every result but a `Study` has these, and the methods of `Result` but `plot` and `to_xarray`:\n")
            parts.extend(list(_sections(inspect.getdoc(ckakit.Result.__mro__[1])))[2:])
        for name in names:
            parts.extend(_entry(name, getattr(ckakit, name)))
    return "\n".join(parts)


def _entry(name, thing):
    # Other classes are what functions return.
    is_shown = not inspect.isclass(thing) or thing is ckakit.Stream
    yield f"### {name}\n"
    if is_shown:
        yield f"```python\n{_call(name, thing)}\n```\n"
    yield from _sections(inspect.getdoc(thing))
    if inspect.isclass(thing):
        yield from _methods(thing)


def _methods(kind):
    """Its methods, but not those of Python's own classes."""
    lines = []
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if name.startswith("_") or not method.__module__.startswith("ckakit"):
            continue
        # What all results have is said once, of `Result`.
        if name not in vars(kind) and kind is not ckakit.Result:
            continue
        call = " ".join(_call(name, method).split())
        lines.append(_line(f"- `{call}`: {_summary(method)}"))
    if lines:
        yield "\n".join(lines) + "\n"


def _call(name, thing):
    signature = inspect.signature(thing)
    parameters = [parameter for key, parameter in signature.parameters.items() if key != "self"]
    text = str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))
    return _wrapped(f"{name}{text}")


def _wrapped(text, width=100):
    """A call in lines of at most `width` characters."""
    if len(text) <= width:
        return text
    name, inside = text.split("(", 1)
    lines = [""]
    for part in re.split(r"(?<=,) ", inside[:-1]):
        if len(lines[-1]) + len(part) > width - 5:
            lines.append("")
        lines[-1] += part + " "
    return "\n".join([f"{name}(", *(f"    {line.rstrip()}" for line in lines), ")"])


def _summary(method):
    """The first paragraph."""
    return " ".join((inspect.getdoc(method) or "").split("\n\n")[0].split())


def _sections(text):
    """A docstring in the style of NumPy as Markdown."""
    head, *rest = re.split(r"(?m)^(\w[\w ]*)\n-+\n", text)
    yield head.strip() + "\n"
    for title, body in zip(rest[::2], rest[1::2]):
        if title == "Examples":
            yield f"```python\n{body.strip()}\n```\n"
        else:
            yield f"{title}:\n"
            yield "\n".join(_fields(body)) + "\n"


def _fields(body):
    """Names, or types, and what is said of each below them."""
    for field in re.split(r"\n(?=\S)", body.strip()):
        first, *more = field.split("\n")
        names, _, kind = first.partition(" : ")
        said = " ".join(line.strip() for line in more if line.strip())
        shown = ", ".join(f"`{name}`" for name in names.split(", "))
        yield _line(f"- {shown}{f' ({kind})' if kind else ''}{f': {said}' if said else ''}")


def _line(text):
    """An item of a list in lines of at most 120 characters."""
    return textwrap.fill(text, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def main():
    text = FILE.read_text()
    above = text.split(MARK)[0]
    wanted = f"{above}{MARK}\n{reference()}"
    if "--check" in sys.argv[1:]:
        if text != wanted:
            sys.exit(f"{FILE.name} is not what the docstrings say: run Python/reference.py")
        return
    FILE.write_text(wanted)


if __name__ == "__main__":
    main()
