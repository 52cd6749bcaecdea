"""Question 6: do a wide and a deep network that are as accurate as each other err on the same images?
As in the paper's Figures 8 and 9: on all test images, by class and by image, against random groups."""

import ckakit
import numpy as np

import data
from statistics_of_seeds import number, table


def run(plan, folder):
    groups = {
        networks[0].architecture: {one.name: one.probabilities(folder.path) for one in networks}
        for networks in plan.rivals
    }
    labels = data.test_set().labels.numpy()

    def analyze():
        found = ckakit.errors(groups, labels, class_names=data.CLASSES)
        pictures = {
            name: np.frombuffer(found.file(f"{name}.png"), np.uint8)
            for name in ("examples", "classes")
        }
        return {"document": found.document, **pictures}

    made_of = [network.name for group in plan.rivals for network in group]
    found = folder.kept("errors/rivals", analyze, made_of)
    for name in ("examples", "classes"):
        folder.bytes(f"errors-{name}.png", found[name].tobytes())
    return [summary(found["document"]), by_class(found["document"])]


def summary(found):
    first, second = (group["name"] for group in found["groups"])
    accuracy, dispersion, logistic = found["accuracy"], found["dispersion"], found["logistic"]
    rows = [
        [
            f"accuracy of {accuracy[side]['networks']} networks {name}, %",
            f"{percent(accuracy[side]['mean'])} (SE {percent(accuracy[side]['standardError'])})",
        ]
        for side, name in (("first", first), ("second", second))
    ]
    halves = dispersion["halves"]
    rows += [
        ["Welch's p of the difference", number(accuracy["welch"]["p"], 3)],
        ["excess dispersion of images' accuracies", number(dispersion["excess"], 5)],
        ["the same of random groups", number(dispersion["chance"]["mean"], 5)],
        ["p", number(dispersion["chance"]["p"], 3)],
        ["the same of halves of the groups", number(halves["excess"], 5)],
        [f"images on which {first} is ahead: difference", ahead(found["firstAhead"])],
        [f"images on which {second} is ahead: difference", ahead(found["secondAhead"])],
        ["classes with p < 0.05", found["classes"]["significant"]],
        ["after Holm–Šidák", found["classes"]["significantAdjusted"]],
        ["v² of the logistic models", number(logistic["effectSize"], 3)],
        ["v² of random groups", number(logistic["chance"]["mean"], 3)],
        ["p", number(logistic["chance"]["p"], 3)],
    ]
    for name, measure in found["outputs"].items():
        within = (measure["withinFirst"] + measure["withinSecond"]) / 2
        cell = f"{number(within, 4)}, {number(measure['between'], 4)}"
        rows.append([f"{name} of two networks of a group, of both groups", cell])
    return f"Errors of {first} and {second}", table(["", "value"], rows)


def by_class(found):
    first, second = (group["name"] for group in found["groups"])
    rows = [
        [
            one["name"],
            number(100 * one["difference"], 2, True),
            number(one["adjustedP"], 3) if one.get("adjustedP") is not None else "–",
        ]
        for one in found["classes"]["differences"]
    ]
    header = ["class", f"{first} − {second}, points of accuracy", "p, Holm–Šidák"]
    return "Differences by class", table(header, rows)


def percent(value):
    return number(100 * value, 2)


def ahead(found):
    return f"{number(found['chosen'])} where chosen, {number(found['judged'])} on the other half"
