"""Means over seeds with their spread, and tables in Markdown."""

import numpy as np


def mean(values):
    """Of those that are defined; NaN of none."""
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else np.nan


def spread(values, digits=2, scale=1.0, sign=False):
    """`mean ± standard deviation`, of one value the value alone, a dash without any."""
    values = scale * np.asarray([value for value in values if value is not None], dtype=float)
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return "–"
    text = number(values.mean(), digits, sign)
    return text if len(values) == 1 else f"{text} ± {values.std(ddof=1):.{digits}f}"


def number(value, digits=2, sign=False):
    return format(value, f"{'+' if sign else ''}z.{digits}f").replace("-", "−")


def table(header, rows):
    """Markdown; what stands in the first column is left, the rest to the right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
