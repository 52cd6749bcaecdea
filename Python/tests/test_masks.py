"""Masks and pooling of files and arrays: one choice for all layers, against means by hand."""

import numpy as np
import pytest

import ckakit
from test_compare import brute_force

EXAMPLES, TOKENS, FEATURES = 40, 6, 5


@pytest.fixture
def padded():
    """Tokens, where the padding is no number, their flags, and a layer without tokens."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, TOKENS + 1, EXAMPLES)
    flags = np.arange(TOKENS) < lengths[:, None]
    tokens = rng.standard_normal((EXAMPLES, TOKENS, FEATURES)).astype("f4")
    tokens[~flags] = np.nan
    return tokens, flags, rng.standard_normal((EXAMPLES, 3)).astype("f4")


def by_hand(tokens, flags, pooling):
    rows = [example[kept].astype("f8") for example, kept in zip(tokens, flags)]
    return {
        "mean": lambda: np.array([row.mean(0) for row in rows]),
        "first": lambda: np.array([row[0] for row in rows]),
        "last": lambda: np.array([row[-1] for row in rows]),
        "tokens": lambda: np.concatenate(rows),
    }[pooling]()


@pytest.mark.parametrize("pooling", ["mean", "first", "last"])
@pytest.mark.parametrize("kind", ["flags", "lengths", "file"])
def test_arrays_and_files_take_the_tokens_that_count(padded, pooling, kind, tmp_path):
    tokens, flags, other = padded
    np.savez(tmp_path / "model.npz", tokens=tokens, other=other)
    np.save(tmp_path / "mask.npy", flags)
    model = tmp_path / "model.npz" if kind == "file" else {"tokens": tokens, "other": other}
    mask = {"flags": flags, "lengths": flags.sum(1), "file": tmp_path / "mask.npy"}[kind]
    result = ckakit.compare(
        model, pooling=pooling, mask=mask, layout="channels-last", estimator="unbiased", device="cpu")
    # float32 Gram matrices of numbers of order 1: errors of some 2⁻²⁴ of them each.
    assert result.cka[0, 1] == pytest.approx(brute_force(by_hand(tokens, flags, pooling), other.astype("f8"), True), abs=1e-5)


def test_tokens_are_examples_with_masks_of_their_own(padded):
    tokens, flags, _ = padded
    # The same tokens, padded at the left.
    left = np.full_like(tokens, np.inf)
    left[flags[:, ::-1]] = tokens[flags]
    result = ckakit.compare(
        {"a": tokens}, {"b": left}, pooling="tokens", mask=flags, right_mask=flags[:, ::-1], layout="channels-last",
        estimator="unbiased", device="cpu")
    assert result.cka[0, 0] == pytest.approx(1, abs=1e-6)
    assert result.document["pooling"] == "tokens"


@pytest.mark.parametrize(
    "options, words", [
        ({"mask": np.ones((3, TOKENS))}, "expected the same examples"),
        ({"mask": np.ones((EXAMPLES, TOKENS + 1))}, "expected 6 tokens"),
        ({"mask": np.full((EXAMPLES, TOKENS), -1e9)}, "expected 1 for tokens and 0 for padding"),
        ({"mask": "nowhere.npy"}, "nowhere.npy"),
        ({"mask": lambda batch: batch}, "others need a network"),
        ({"pooling": {"*": "mean"}}, "one choice for all layers"),
        ({"pooling": "median"}, "pooling"),
        ({"right_mask": np.ones((EXAMPLES, TOKENS))}, "need a second model"),
    ])
def test_masks_that_do_not_fit_are_named(padded, options, words):
    options = {"pooling": "mean", "layout": "channels-last", **options}
    with pytest.raises((ValueError, OSError), match=words):
        ckakit.compare({"a": padded[0]}, device="cpu", **options)
