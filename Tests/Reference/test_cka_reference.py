#!/usr/bin/env python3
"""The reference against values that are known without it: python3 test_cka_reference.py"""

import argparse
import unittest

import numpy as np

from cka_reference import SplitMix64, add_settings, cka_map, permutation


def cka(x, y, **changes):
    parser = argparse.ArgumentParser()
    add_settings(parser)
    settings = parser.parse_args([])
    vars(settings).update(changes)
    return cka_map([x], [y], settings)[0, 0]


def one_hot(labels):
    return np.eye(labels.max() + 1)[labels]


class Golden(unittest.TestCase):
    def setUp(self):
        np.random.seed(1337)
        self.x = np.random.randn(100, 10)
        self.y = np.random.randn(100, 10) + self.x

    def check(self, expected, x, y, places=13, **settings):
        self.assertAlmostEqual(cka(x, y, **settings), expected, places)

    def test_published_fixture(self):
        self.check(0.5576132566117588, self.x, self.y, estimator="biased")
        self.check(0.513456489505526, self.x, self.y, estimator="unbiased")
        rbf = {"kernel": "rbf", "bandwidth": 0.5}
        self.check(0.6548311822614982, self.x, self.y, estimator="biased", **rbf)
        self.check(0.4192767510220516, self.x, self.y, estimator="unbiased", **rbf)

    def test_fewer_examples_than_a_batch_is_the_unbiased_estimator(self):
        self.check(0.513456489505526, self.x, self.y, estimator="minibatch")

    def test_wide_rbf_is_linear(self):
        linear = cka(self.x, self.y, estimator="unbiased")
        wide = cka(self.x, self.y, estimator="unbiased", kernel="rbf", bandwidth=100)
        self.assertAlmostEqual(wide, linear, delta=3e-6)

    def test_offset_changes_nothing(self):
        self.check(0.513456489505526, self.x + 1000, self.y - 300, 10, estimator="unbiased")

    def test_one_feature_is_the_squared_correlation(self):
        x, y = self.x[:, :1], self.y[:, :1]
        r = np.corrcoef(x[:, 0], y[:, 0])[0, 1]
        self.check(r * r, x, y, estimator="biased")

    def test_merged_classes(self):
        labels = np.arange(100) % 4
        fine, coarse = one_hot(labels), one_hot(labels // 2)
        self.check(1 / np.sqrt(3), fine, coarse, estimator="biased")
        self.check(0.5714285714285714, fine, coarse, estimator="unbiased")

    def test_undefined(self):
        identity = np.eye(100)
        self.assertTrue(np.isnan(cka(identity, self.y, estimator="unbiased")))
        self.assertTrue(np.isnan(cka(np.ones((100, 3)), self.y, estimator="biased")))
        broken = self.x.copy()
        broken[5, 2] = np.inf
        with np.errstate(invalid="ignore"):
            self.assertTrue(np.isnan(cka(broken, self.y, estimator="biased")))

    def test_minibatches_average_before_they_divide(self):
        settings = {"batch_size": 32, "order": "stored"}
        parts = [(self.x[i : i + 32], self.y[i : i + 32]) for i in (0, 32, 64)]  # 4 rows dropped

        def hsic(a, b):  # Székely & Rizzo's form, which the reference does not use
            def center(m):
                n = len(m)
                k = m @ m.T
                np.fill_diagonal(k, 0)
                rows = k.sum(axis=1) / (n - 2)
                rows -= rows.sum() / (2 * (n - 1))
                k -= rows[:, None] + rows[None, :]
                np.fill_diagonal(k, 0)
                return k

            return np.sum(center(a) * center(b))

        cross = sum(hsic(a, b) for a, b in parts)
        left, right = sum(hsic(a, a) for a, _ in parts), sum(hsic(b, b) for _, b in parts)
        self.check(cross / np.sqrt(left * right), self.x, self.y, **settings)


class Shuffling(unittest.TestCase):
    def test_generator(self):
        generator = SplitMix64(1234567)
        self.assertEqual(generator.next(), 6457827717110365317)
        self.assertEqual(generator.next(), 3203168211198807973)

    def test_permutation(self):
        self.assertEqual(sorted(permutation(1000, 7, 3)), list(range(1000)))
        self.assertNotEqual(permutation(1000, 7, 3), permutation(1000, 7, 4))
        self.assertEqual(permutation(10, 0, 0), PERMUTATION_OF_TEN)
        counts = np.zeros((5, 5))
        for seed in range(5000):
            counts[np.arange(5), permutation(5, seed, 0)] += 1
        self.assertLess(np.abs(counts - 1000).max(), 6 * np.sqrt(1000 * 0.8))


# Fixed here so that a change of the documented shuffle is noticed.
PERMUTATION_OF_TEN = [1, 2, 5, 7, 0, 8, 4, 3, 9, 6]

if __name__ == "__main__":
    unittest.main()
