"""Which networks the study has, by the questions that they answer."""

from dataclasses import dataclass
from fractions import Fraction

from networks import Network, PlainNetwork

DATA = [1, 4, 16]  # 1/1, 1/4 and 1/16 of the training images
DEPTHS = [14, 38, 62, 110]  # at width 1
WIDTHS = [Fraction(1, 4), Fraction(1), Fraction(2)]  # at depth 38
WIDEST = Fraction(10)  # at depth 38, where there is a GPU
NARROW_DEPTH = 110  # at width 1/4
SEEDS = 3
# Kinds of networks of which every amount of data has several seeds, and those with little data alone.
REPEATED = [(110, Fraction(1))]
REPEATED_WITH_LITTLE = [(38, Fraction(1)), (38, Fraction(2)), (14, Fraction(1))]
# The deep network that has the block, and one without: looked into in detail, watched in training.
DEEP, SHALLOW = (110, Fraction(1), 16), (38, Fraction(1), 16)
# Two kinds of networks as accurate as each other, on all data: their errors are compared. With the
# rate of the other networks deep ones train badly; with this one they keep up.
WIDE_RIVAL, DEEP_RIVAL = (14, Fraction(1)), (38, Fraction(3, 4))
RIVAL_RATE = 0.05
RIVAL_SEEDS = 10
PLAIN_SEEDS = 10


@dataclass(frozen=True)
class Plan:
    """depths, widths, narrow: the first seed of each cell, as in the paper's Figures 1 to 3. cells:
    the seeds of each cell. rivals: two groups. plain: networks without residual connections."""

    depths: list
    widths: list
    narrow: list
    cells: dict
    rivals: list
    plain: list

    @property
    def residual(self):
        """The residual networks of all cells, rivals aside."""
        return [network for networks in self.cells.values() for network in networks]

    @property
    def repeated(self):
        """The networks of each cell that has several seeds."""
        return [networks for networks in self.cells.values() if len(networks) > 1]

    @property
    def all(self):
        found = [*self.residual, *self.rivals[0], *self.rivals[1], *self.plain]
        return list(dict.fromkeys(found))

    @property
    def watched(self):
        """Of which the weights during training are kept."""
        return [self.deep[0], self.shallow[0]]

    @property
    def deep(self):
        return self.of(*DEEP)

    @property
    def shallow(self):
        return self.of(*SHALLOW)

    def of(self, depth, width, divisor):
        """The networks of a cell."""
        return self.cells[Network(depth, width, divisor, 0).cell]


def plan(seeds=SEEDS, with_widest=False):
    one = Fraction(1)
    widths = WIDTHS + ([WIDEST] if with_widest else [])
    by_depth = [Network(depth, one, part, 0) for part in DATA for depth in DEPTHS]
    by_width = [Network(38, width, part, 0) for part in DATA for width in widths]
    narrow = [Network(NARROW_DEPTH, Fraction(1, 4), part, 0) for part in DATA]
    cells = {}
    for first in [*by_depth, *by_width, *narrow]:
        kind = (first.depth, first.width)
        repeated = kind in REPEATED or (kind in REPEATED_WITH_LITTLE and first.divisor == DATA[-1])
        cells[first.cell] = [
            Network(*kind, first.divisor, seed) for seed in range(seeds if repeated else 1)
        ]
    rivals = [
        [Network(*kind, 1, seed, RIVAL_RATE) for seed in range(RIVAL_SEEDS)]
        for kind in (WIDE_RIVAL, DEEP_RIVAL)
    ]
    ten = [PlainNetwork.of(seed) for seed in range(PLAIN_SEEDS)]
    return Plan(by_depth, by_width, narrow, cells, rivals, ten)
