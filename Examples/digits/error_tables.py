"""What `cka errors` says of two architectures that are as accurate as each other."""

import json

from statistics_of_seeds import table


def errors(study):
    [path] = (study.folder / "errors").glob("*/errors.json")
    found = json.loads(path.read_text())
    first, second = (group["name"] for group in found["groups"])
    accuracy, dispersion, logistic = found["accuracy"], found["dispersion"], found["logistic"]
    percent = {side: f"{100 * accuracy[side]['mean']:.2f}" for side in ("first", "second")}
    error = {side: f"{100 * accuracy[side]['standardError']:.2f}" for side in ("first", "second")}
    rows = [
        [f"accuracy of {first}, %", f"{percent['first']} (SE {error['first']})"],
        [f"accuracy of {second}, %", f"{percent['second']} (SE {error['second']})"],
        ["Welch's p of the difference", f"{accuracy['welch']['p']:.3f}"],
        ["excess dispersion of images' accuracies", f"{dispersion['excess']:z.5f}"],
        ["excess dispersion of random groups", f"{dispersion['chance']['mean']:z.5f}"],
        ["its p", f"{dispersion['chance']['p']:.3f}"],
        ["images that differ most, their difference", ahead(found["firstAhead"])],
        ["the other way round", ahead(found["secondAhead"])],
        ["classes with p < 0.05", found["classes"]["significant"]],
        ["of them after Holm–Šidák", found["classes"]["significantAdjusted"]],
        ["v² of the logistic models", f"{logistic['effectSize']:.3f}"],
        ["v² of random groups", f"{logistic['chance']['mean']:.3f}"],
        ["its p", f"{logistic['chance']['p']:.3f}"],
    ]
    for name, measure in found["outputs"].items():
        within = (measure["withinFirst"] + measure["withinSecond"]) / 2
        rows.append([f"{name} within, between", f"{within:.4f}, {measure['between']:.4f}"])
    networks = len(found["groups"][0]["networks"])
    rows = [[str(cell).replace("-0", "−0") for cell in row] for row in rows]
    title = f"Errors of {first} and {second}, {networks} networks each, {path.parent.name}"
    return title, table(["", "value"], rows)


def ahead(found):
    return f"{found['chosen']:.2f} chosen, {found['judged']:.2f} judged on the other half"
