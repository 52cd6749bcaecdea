"""Means over seeds, with their uncertainty, and Markdown tables of them."""

import math
from dataclasses import replace

import numpy as np
from scipy.stats import t as student


def finite(values):
    values = np.asarray(list(values), dtype=float)
    return values[np.isfinite(values)]


def half_width(values):
    """Half of the 95 % confidence interval of a mean by Student's t; the values are seeds."""
    count = len(values)
    if count < 2:
        return math.nan
    return student.ppf(0.975, count - 1) * np.std(values, ddof=1) / math.sqrt(count)


def with_interval(values, digits=2, sign=False):
    """`mean ± half width of its 95 % interval`, or a dash without values."""
    return with_error(values, half_width, digits, 1, sign)


def with_spread(values, digits=2, scale=1, sign=False):
    """`mean ± standard deviation`, or a dash without values."""
    return with_error(values, lambda found: np.std(found, ddof=1), digits, scale, sign)


def with_error(values, error, digits, scale, sign):
    values = scale * finite(values)
    if len(values) == 0:
        return "–"
    mean = format(values.mean(), f"{'+' if sign else ''}.{digits}f").replace("-", "−")
    return mean if len(values) == 1 else f"{mean} ± {error(values):.{digits}f}"


def table(header, rows):
    """A Markdown table; what stands in the first column is left, the rest to the right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def effect(study, value, name, levels):
    """The change of a value from one level of `depth`, `width` or `divisor` to another: for each
    seed the mean over all that the networks have in common beside it.

    value: network → number; levels: from, to. A place where either network has no value is left
    out.
    """
    changes = {}
    for network in study.networks:
        other = replace(network, **{name: levels[1]})
        if getattr(network, name) == levels[0] and other in study.descriptions:
            changes.setdefault(network.seed, []).append(value(other) - value(network))
    means = [finite(of_seed) for of_seed in changes.values()]
    return [of_seed.mean() for of_seed in means if len(of_seed)]
