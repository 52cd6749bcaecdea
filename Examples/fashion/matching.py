"""Question 8: does a layer find itself in a network of another seed? Kornblith et al. (2019) ask this
of ten seeds of a plain network of ten layers, to choose a measure; here CKA beside five others, and
the same of residual networks with and without a block."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, permutations, product

import ckakit
import numpy as np

import data
import figures
import plain
from folder import minibatches
from measures import MEASURES, Layer, similarities
from pairs import pair_map
from statistics_of_seeds import number, table

MATCHED_IMAGES = 5000


def by_measure(folder, networks):
    """By measure an array seeds × seeds × layers × layers; NaN of a seed with itself."""

    def compute():
        images = data.balanced(data.test_set(), MATCHED_IMAGES, seed=2)
        seeds = []
        for network in networks:
            choices = {"layers": plain.LAYERS, "pooling": plain.pooled}
            with folder.recorded(network, images, **choices) as recording:
                seeds.append([Layer(np.load(recording / f"{name}.npy")) for name in plain.LAYERS])
        count = len(plain.LAYERS)
        found = {name: np.full((len(seeds),) * 2 + (count,) * 2, np.nan) for name in MEASURES}

        def compare(pair):
            i, j = pair
            for (k, x), (m, y) in product(enumerate(seeds[i]), enumerate(seeds[j])):
                for name, (there, back) in similarities(x, y).items():
                    found[name][i, j, k, m], found[name][j, i, m, k] = there, back

        # Matrices are small: each core has a pair of seeds, and study.py leaves NumPy one thread.
        with ThreadPoolExecutor(os.cpu_count()) as cores:
            list(cores.map(compare, combinations(range(len(seeds)), 2)))
        return found

    return folder.kept("matching/measures", compute, [network.name for network in networks])


def library(folder, networks):
    """The same by `ckakit.compare`, of pairs of different seeds: seeds × seeds × layers × layers."""

    def compare():
        models = {network.name: network.trained(folder.path) for network in networks}
        choices = {"layers": plain.LAYERS, "pooling": plain.pooled}
        images = data.balanced(data.test_set(), MATCHED_IMAGES, seed=2)
        found = ckakit.compare(models, minibatches(images), **choices)
        count = len(plain.LAYERS)
        cka = np.full((len(models), len(models), count, count), np.nan)
        for i, one in enumerate(found.names):
            for j, other in enumerate(found.names[i:], start=i):
                cka[i, j] = found[one, other].cka
                cka[j, i] = cka[i, j].T
        return {"cka": cka}

    return folder.kept("matching/library", compare, [network.name for network in networks])["cka"]


def matched(cka):
    """Whether the most similar layer of another seed is the same one: pairs of seeds × layers."""
    pairs = list(permutations(range(len(cka)), 2))
    best = np.array([cka[i, j].argmax(axis=1) for i, j in pairs])
    return best == np.arange(cka.shape[-1])


def run(plan, folder):
    found = by_measure(folder, plan.plain)
    maps = {name: found[name] for name in MEASURES}
    ours = library(folder, plan.plain)
    maps = {"CKA of the tool": ours, **maps}
    rows = []
    for name, cka in maps.items():
        flags = matched(cka)
        # Each seed's mean over the others: the seeds are the sample.
        seeds = flags.reshape(len(cka), -1).mean(axis=1)
        cells = [number(100 * flags.mean(), 1), number(100 * seeds.std(ddof=1), 1)]
        rows.append([name, *cells, *(number(100 * share, 0) for share in flags.mean(axis=0))])
    layers = [name.removesuffix(".relu").removeprefix("layer") for name in plain.LAYERS]
    header = ["measure", "matched, %", "SD of seeds", *layers]
    picture(folder, maps)
    return [
        (f"Layers that find themselves, {len(plan.plain)} seeds", table(header, rows)),
        ("The same of residual networks, all layers", table(*residual(plan, folder))),
    ]


def picture(folder, maps):
    """Mean similarity of the layers of two seeds, by each measure."""
    figure, axes = figures.panels(1, len(maps), 1.7, 1.8)
    for axis, (name, cka) in zip(axes[0], maps.items()):
        apart = ~np.eye(len(cka), dtype=bool)
        image = figures.draw_map(axis, cka[apart].mean(axis=0), name)
    figure.colorbar(image, ax=axes, shrink=0.7)
    folder.picture("matching", figure)


def residual(plan, folder):
    """The share of all layers of which the nearest one in another seed is the same."""
    rows = []
    for networks in plan.repeated:
        shares = []
        for i, one in enumerate(networks):
            for other in networks[i + 1 :]:
                cka = pair_map(folder, one, other)
                shares += [
                    np.mean(cka.argmax(axis=axis) == np.arange(len(cka))) for axis in (0, 1)
                ]
        chance = number(100 / len(cka), 1)
        rows.append([networks[0].title, number(100 * np.mean(shares), 1), chance])
    return ["network", "matched, %", "by chance, %"], rows
