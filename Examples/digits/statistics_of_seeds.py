"""Means over seeds, with their uncertainty, and Markdown tables of them."""

import math

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


def with_interval(values, digits=2, scale=1, sign=False):
    """`mean ± half width`, or a dash where no seed has a value."""
    values = scale * finite(values)
    if len(values) == 0:
        return "–"
    mean = format(values.mean(), f"{'+' if sign else ''}.{digits}f").replace("-", "−")
    if len(values) == 1:
        return mean
    return f"{mean} ± {half_width(values):.{digits}f}"


def table(header, rows):
    """A Markdown table; what stands in the first column is left, the rest to the right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
