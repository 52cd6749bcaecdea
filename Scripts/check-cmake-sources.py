#!/usr/bin/env python3
"""Check that CMake builds the same targets from the same sources as SwiftPM.

    Scripts/check-cmake-sources.py            print the differences; exit 1 if there are any
    Scripts/check-cmake-sources.py --write    write CMake/Sources.cmake anew

`swift package describe` says what SwiftPM builds. CMake/Sources.cmake is what CMake builds: for
every target the type, the directory, the targets it depends on and the sources. What a trait of the
package adds is in both lists, with the trait's name.
"""

import argparse
import difflib
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "CMake" / "Sources.cmake"
HEADER = """\
# What each target is made of. Not for editing: `Scripts/check-cmake-sources.py --write` makes this
# file from Package.swift and the folders it names.
"""


def swift_package(*arguments):
    command = ["swift", "package", *arguments]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def shipped_targets():
    """The targets of the libraries and commands, each after those it depends on."""
    targets = {
        target["name"]: target for target in swift_package("describe", "--type", "json")["targets"]
    }
    for target in swift_package("dump-package")["targets"]:
        targets[target["name"]]["pkg_config"] = target.get("pkgConfig")
        for dependency, condition in filter(None, (d.get("target") for d in target["dependencies"])):
            (targets[dependency]["trait"],) = condition["traits"]
            targets[target["name"]].setdefault("target_dependencies", []).append(dependency)
    # The tests stay SwiftPM's.
    shipped = {
        name
        for name, target in targets.items()
        if target["type"] != "test" and not target["path"].startswith("Tests/")
    }
    return {name: targets[name] for name in in_build_order(targets) if name in shipped}


def in_build_order(targets):
    """Names with every target after those it depends on, alphabetical where there is a choice."""
    order = []

    def visit(name):
        if name in order:
            return
        for dependency in sorted(targets[name].get("target_dependencies", [])):
            visit(dependency)
        order.append(name)

    for name in sorted(targets):
        visit(name)
    return order


def call(name, target):
    kind = {"executable": "command", "system-target": "system_library"}.get(target["type"])
    if kind is None:
        kind = "c_library" if target["module_type"] == "ClangTarget" else "swift_library"
    lines = [f"cka_{kind}({name} {target['path']}"]
    if kind == "command":
        lines.append("  PRODUCT " + target["product_memberships"][0])
    if kind == "system_library":
        lines.append("  PKG_CONFIG " + target["pkg_config"])
        if "trait" in target:
            lines.append("  TRAIT " + target["trait"])
    dependencies = target.get("target_dependencies", []) + target.get("product_dependencies", [])
    if dependencies:
        lines.append("  DEPENDS " + " ".join(sorted(dependencies)))
    if kind != "system_library":
        lines.append("  SOURCES")
        lines += [f"    {source}" for source in sorted(target["sources"])]
    return "\n".join(lines) + ")\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    text = "\n".join([HEADER, *(call(*item) for item in shipped_targets().items())])
    if arguments.write:
        LIST.write_text(text)
        return
    differences = list(
        difflib.unified_diff(
            LIST.read_text().splitlines(), text.splitlines(), "CMake", "SwiftPM", "", "", 1, ""
        )
    )
    if differences:
        print(*differences, sep="\n")
        sys.exit("CMake and SwiftPM differ: run Scripts/check-cmake-sources.py --write")


if __name__ == "__main__":
    main()
