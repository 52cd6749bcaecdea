"""Gram matrices that PyTorch makes on an accelerator: the same code, with PyTorch on the CPU as the device."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from ckakit import _device_grams
from ckakit._device_grams import DeviceGrams, float32_products, packed_gram

ROUNDING = 2.0**-24


def unpacked(numbers, facts, examples):
    """The whole matrix, filled number by number from rows of a lower triangle."""
    gram, numbers = np.empty((examples, examples)), iter(numbers.tolist())
    for i in range(examples):
        for j in range(i + 1):
            gram[i, j] = gram[j, i] = next(numbers)
    assert next(numbers, None) is None
    return gram * 2.0 ** facts.tolist()[2]


def flags(facts):
    """Whether all is finite, whether all is constant."""
    return [bool(fact) for fact in facts.tolist()[:2]]


def found(x, *chunk):
    return unpacked(*packed_gram(x, *chunk), len(x))


def brute_force(x):
    """The Gram matrix of centered columns in float64, and what float32 may be off by in each number.

    A mean of b numbers, and the subtraction, round by (b + 1) u max |x|, which each of p products sees on both sides;
    a sum of p products rounds by (p + 1) u times the sum of their sizes.
    """
    x = x.double().numpy().reshape(len(x), -1)
    centered = x - x.mean(axis=0)
    sizes = np.abs(centered) @ np.abs(centered).T
    shift = (len(x) + 1) * ROUNDING * np.abs(x).max()
    reach = np.abs(centered).sum(axis=1)
    error = (x.shape[1] + 1) * ROUNDING * sizes + shift * (reach[:, None] + reach) + x.shape[1] * shift**2
    return centered @ centered.T, error


@pytest.mark.parametrize("shape", [(4, 1), (5, 7), (33, 129), (16, 3, 8, 8), (9,), (256, 40)])
@pytest.mark.parametrize("chunk", [1, 1000, _device_grams.CHUNK_BYTES])
def test_the_triangle_is_that_of_brute_force(shape, chunk):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(shape, generator=generator) + 2
    packed, facts = packed_gram(x, chunk)
    expected, error = brute_force(x)
    assert packed.dtype == torch.float32 and flags(facts) == [True, False]
    assert (np.abs(unpacked(packed, facts, len(x)) - expected) <= error).all()


def test_a_large_offset_does_not_cancel():
    # Not centered, the products are near 1e8 · p and keep nothing of a spread of 1.
    x = torch.randn(32, 64, generator=torch.Generator().manual_seed(4)) + 1e4
    expected, error = brute_force(x)
    assert (np.abs(found(x) - expected) <= error).all() and error.max() < 0.2 * expected.max()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64", "int8", "int64", "bool"])
def test_numbers_of_other_types(dtype):
    x = torch.randn(8, 20, generator=torch.Generator().manual_seed(5)) * 3
    x = x > 0 if dtype == "bool" else x.to(getattr(torch, dtype))
    expected, error = brute_force(x)
    assert (np.abs(found(x) - expected) <= error).all() and flags(packed_gram(x)[1]) == [True, False]


def test_float64_is_centered_before_it_is_rounded():
    # The spread is below what float32 holds beside 1.
    x = torch.randn(8, 20, generator=torch.Generator().manual_seed(6), dtype=torch.float64) * 1e-9 + 1
    centered = (x - x.mean(0)).numpy()
    # float64 rounds numbers near 1 by 1e-16, 1e-7 of their spread; float32 then by 20 u.
    assert np.allclose(found(x), centered @ centered.T, rtol=1e-5, atol=1e-23)


@pytest.mark.parametrize("size, dtype", [
    (1e38, "float32"), (1e30, "bfloat16"), (1e-30, "float32"), (1e-42, "float32"), (1e300, "float64"),
    (1e-300, "float64"),
])
def test_squares_neither_overflow_nor_vanish(size, dtype):
    # Between -1 and 1, times a size whose square no float32 holds.
    signs = torch.rand(8, 20, generator=torch.Generator().manual_seed(9), dtype=torch.float64) * 2 - 1
    x = (signs * size).to(getattr(torch, dtype))
    numbers, facts = packed_gram(x)
    expected, error = brute_force(x.double() / size)
    scaled = unpacked(numbers, torch.tensor([1, 0, 0]), 8) * (2.0 ** (facts.tolist()[2] // 2) / size) ** 2
    assert flags(facts) == [True, False] and (np.abs(scaled - expected) <= error).all()


@pytest.mark.parametrize("value, expected", [
    (float("nan"), [False, False]), (float("inf"), [False, False]), (3.0, [True, False]),
])
def test_flags(value, expected):
    x = torch.randn(6, 9)
    x[3, 7] = value
    for chunk in (1, 1 << 20):
        assert flags(packed_gram(x, chunk)[1]) == expected
        assert flags(packed_gram(torch.ones(6, 9) * torch.arange(9), chunk)[1]) == [True, True]
    x = torch.randn(6, 9)
    x[:, -1] = 1
    assert flags(packed_gram(x, 1)[1]) == [True, False]


def test_a_view_is_read_as_it_is():
    x = torch.randn(8, 6, 10)[::2, :, ::3]
    expected, error = brute_force(x)
    assert (np.abs(found(x) - expected) <= error).all()


def test_autocast_of_the_network_does_not_reach_the_product():
    x = torch.randn(16, 300, generator=torch.Generator().manual_seed(7))
    expected, error = brute_force(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        gram = found(x)
        assert torch.is_autocast_enabled("cpu")
    assert (np.abs(gram - expected) <= error).all()


def precisions():
    return [setting.fp32_precision for setting in (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)]


@pytest.mark.skipif(not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="an older PyTorch")
def test_tf32_is_off_in_the_product_and_restored():
    before = precisions()
    try:
        torch.backends.cuda.matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision = "tf32", "bf16"
        with pytest.raises(ArithmeticError), float32_products():
            assert precisions() == ["ieee", "ieee"]
            raise ArithmeticError
        assert precisions() == ["tf32", "bf16"]
        x = torch.randn(64, 300, generator=torch.Generator().manual_seed(8))
        expected, error = brute_force(x)
        assert (np.abs(found(x) - expected) <= error).all()
    finally:
        torch.backends.cuda.matmul.fp32_precision, torch.backends.mkldnn.matmul.fp32_precision = before


def test_tf32_that_was_chosen_by_its_older_name_is_restored():
    # In a process of its own: PyTorch refuses the newer name for the rest of one where the older was used.
    code = (
        "import torch\n"
        "from ckakit._device_grams import float32_products\n"
        "matmul = torch.backends.cuda.matmul\n"
        "for value in (True, False):\n"
        "    matmul.allow_tf32 = value\n"
        "    with float32_products():\n"
        "        assert matmul.fp32_precision == 'ieee'\n"
        "    assert matmul.allow_tf32 is value\n"
        "torch.set_float32_matmul_precision('medium')\n"
        "with float32_products():\n"
        "    pass\n"
        "assert torch.get_float32_matmul_precision() == 'medium'\n")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_layers_may_be_overwritten_as_soon_as_they_are_added(monkeypatch):
    waits = []
    monkeypatch.setattr(_device_grams, "_synchronize", waits.append)
    grams, layers = DeviceGrams(), [torch.randn(5, 4), torch.randn(5, 3, 2)]
    expected = [brute_force(x) for x in layers]
    for name, x in zip("ab", layers, strict=True):
        grams.add(name, x)
        x.fill_(float("nan"))
    # Nothing waits for the device while the network runs.
    assert not waits
    taken = grams.take()
    assert waits == [torch.device("cpu")]
    assert [(packed.name, packed.examples, packed.features) for packed in taken] == [("a", 5, 4), ("b", 5, 6)]
    for packed, (gram, error) in zip(taken, expected, strict=True):
        assert (np.abs(unpacked(packed.numbers, packed.facts, 5) - gram) <= error).all()
        assert flags(packed.facts) == [True, False]
    assert grams.take() == []
