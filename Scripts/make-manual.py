#!/usr/bin/env python3
"""Writes the manual page of a command that was built, from what its --help says.

    Scripts/make-manual.py .build/release/cka cka.1

The page is made wherever the command is installed (CMake) or bundled (make dist), so that it cannot differ from the
command's own help.
"""
import json
import subprocess
import sys


def escaped(text):
    """Text that troff takes as it stands."""
    lines = text.replace("\\", "\\e").replace("-", "\\-").split("\n")
    text = "\n".join(("\\&" if line[:1] in (".", "'") else "") + line for line in lines)
    # Older tools read a page byte by byte.
    return "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in text)


def spelled(argument):
    """An argument as it is typed: `-k, --components <components>`."""
    if argument["kind"] == "positional":
        text = f"<{argument['valueName']}>"
        return text + (" ..." if argument["isRepeating"] else "")
    names = ", ".join(("--" if name["kind"] == "long" else "-") + name["name"] for name in argument["names"])
    value = f" <{argument['valueName']}>" if argument["kind"] == "option" else ""
    return names + value + (" ..." if argument["isRepeating"] else "")


def description(argument):
    """What the argument is for, with its values and its default."""
    parts = [argument.get("abstract", "")]
    if argument.get("discussion"):
        parts.append(argument["discussion"])
    values = argument.get("allValues")
    notes = []
    if values:
        notes.append("values: " + ", ".join(values))
    if argument.get("defaultValue") is not None and argument["kind"] != "flag":
        notes.append("default: " + argument["defaultValue"])
    if notes:
        parts.append("(" + "; ".join(notes) + ")")
    return " ".join(part for part in parts if part)


def arguments(command):
    """The lines of all arguments that --help shows, under their headings."""
    lines = []
    section = None
    shown = [argument for argument in command.get("arguments", []) if argument["shouldDisplay"]]
    # Those without a heading of their own first, as --help has them.
    for argument in sorted(shown, key=lambda argument: argument.get("sectionTitle") is not None):
        if argument.get("sectionTitle") != section:
            section = argument.get("sectionTitle")
            lines += [".PP", f".I {escaped(section)}"]
        lines += [".TP", f".B {escaped(spelled(argument))}", escaped(description(argument))]
    return lines


def usage(command, name):
    """The command with all that it needs: its arguments, and options that it does not go without."""
    words = [name]
    shown = [argument for argument in command.get("arguments", []) if argument["shouldDisplay"]]
    for argument in shown:
        if argument["kind"] == "positional":
            word = spelled(argument)
            words.append(f"[{word}]" if argument["isOptional"] else word)
    words += [spelled(argument) for argument in shown if argument["kind"] == "option" and not argument["isOptional"]]
    return " ".join(words + ["[options]"])


def page(command, version):
    name = command["commandName"]
    subcommands = [each for each in command["subcommands"] if each["shouldDisplay"] and each["commandName"] != "help"]
    lines = [f'.TH {name.upper()} 1 "" "{name} {version}" "User Commands"', ".SH NAME"]
    lines += [f"{name} \\- {escaped(command['abstract'])}", ".SH SYNOPSIS"]
    for each in subcommands:
        lines += [f".B {escaped(usage(each, name + ' ' + each['commandName']))}", ".br"]
    lines += [".SH DESCRIPTION", escaped(command.get("discussion", ""))]
    lines += [".SH OPTIONS", *arguments(command), ".SH COMMANDS"]
    for each in subcommands:
        lines += [f".SS {escaped(usage(each, name + ' ' + each['commandName']))}", escaped(each["abstract"])]
        if each.get("discussion"):
            lines += [".PP", escaped(each["discussion"])]
        lines += arguments(each)
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    command = sys.argv[1]
    help_text = subprocess.run([command, "--experimental-dump-help"], check=True, capture_output=True).stdout
    version = subprocess.run([command, "--version"], check=True, capture_output=True, text=True).stdout.strip()
    with open(sys.argv[2], "w", encoding="ascii") as file:
        file.write(page(json.loads(help_text)["command"], version))


if __name__ == "__main__":
    main()
