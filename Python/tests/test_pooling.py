"""Pooling, layouts and masks: each test is named after what users of other tools trip over."""

import warnings
from collections import UserDict

import numpy as np
import pytest
import torch
from torch import nn

import ckakit
from ckakit._masks import mask_of
from ckakit._pooling import Pooling
from brute_force import minibatch_cka
from test_compare import TOLERANCE

EXAMPLES, TOKENS, FEATURES = 16, 7, 5


class Tokens(nn.Module):
    """Two layers of tokens × features: one whose module tells so, and one whose module does not."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(FEATURES, FEATURES)
        self.gelu = nn.GELU()

    def forward(self, x, attention_mask=None, lengths=None):
        return self.gelu(self.embed(x))


def minibatches(side="right", seed=0, padding=0.0):
    """Minibatches of sentences of 1 to 7 tokens, padded on one side."""
    generator = torch.Generator().manual_seed(seed)
    result = []
    for _ in range(3):
        x = torch.randn(EXAMPLES, TOKENS, FEATURES, generator=generator)
        lengths = torch.randint(1, TOKENS + 1, (EXAMPLES,), generator=generator)
        # Some sentences are full.
        lengths[0] = TOKENS
        mask = torch.arange(TOKENS) < lengths[:, None]
        if side == "left":
            mask = mask.flip(1)
        x[~mask] = padding
        result.append({"x": x, "attention_mask": mask.long()})
    return result


torch.manual_seed(0)
NETWORK = Tokens().eval()


def outputs(batch, network=NETWORK):
    """What the two layers compute, float64."""
    with torch.no_grad():
        embedded = network.embed(batch["x"])
        return {"embed": embedded.double().numpy(), "gelu": network.gelu(embedded).double().numpy()}


def pooled_by_hand(array, mask, choice):
    """One example after another, from its tokens that count."""
    rows = []
    for tokens, flags in zip(array, mask, strict=True):
        kept = [token for token, flag in zip(tokens, flags, strict=True) if flag]
        rows += kept if choice == "tokens" else [
            {"mean": np.mean(kept, axis=0), "first": kept[0], "last": kept[-1]}[choice]]
    return np.stack(rows)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("choice", ["mean", "first", "last", "tokens"])
def test_padding_on_either_side_does_not_count(choice, side):
    # What is not a number in padded tokens must not get through.
    batches = minibatches(side, padding=float("nan"))
    result = ckakit.compare(NETWORK, loader=batches, pooling=choice, layout={"gelu": "channels-last"})
    parts = {
        layer: [pooled_by_hand(outputs(batch)[layer], batch["attention_mask"].tolist(), choice) for batch in batches]
        for layer in ("embed", "gelu")}
    assert result.cka[0, 1] == pytest.approx(minibatch_cka(parts["embed"], parts["gelu"]), abs=TOLERANCE)
    assert (result.status == "ok").all()


@pytest.mark.parametrize("choice", ["mean", "first", "last", "tokens"])
def test_without_a_mask_all_tokens_count(choice):
    batches = [batch["x"] for batch in minibatches()]
    result = ckakit.compare(NETWORK, loader=batches, pooling=choice, layout="channels-last")
    ones = np.ones((EXAMPLES, TOKENS))
    parts = {
        layer: [pooled_by_hand(outputs({"x": x})[layer], ones, choice) for x in batches] for layer in ("embed", "gelu")}
    assert result.cka[0, 1] == pytest.approx(minibatch_cka(parts["embed"], parts["gelu"]), abs=TOLERANCE)


def test_masks_are_given_as_keys_lengths_and_functions():
    batches = minibatches()
    expected = ckakit.compare(NETWORK, loader=batches, layers="embed", pooling="mean").cka
    counted = [{"x": batch["x"], "lengths": batch["attention_mask"].sum(1)} for batch in batches]
    found = [
        ckakit.compare(NETWORK, loader=batches, layers="embed", pooling="mean", mask="attention_mask"),
        ckakit.compare(NETWORK, loader=counted, layers="embed", pooling="mean", mask="lengths"),
        ckakit.compare(
            NETWORK, loader=[(batch["x"], batch["attention_mask"].bool()) for batch in batches], layers="embed",
            pooling="mean", mask=lambda batch: batch[1]),
    ]
    for result in found:
        assert np.array_equal(result.cka, expected)
    # A network compared with itself says 1 whatever is pooled: another one tells masks from none.
    other = nn.Sequential(nn.Linear(FEATURES, FEATURES)).eval()
    pair = {"layers": "embed", "right_layers": "0", "pooling": "mean", "forward": lambda net, batch: net(batch["x"])}
    masked, unmasked = (ckakit.compare(NETWORK, other, batches, **pair, mask=mask).cka[0, 0] for mask in (None, False))
    assert masked != unmasked


def test_a_mask_is_found_in_what_a_tokenizer_returns():
    class Encoding(UserDict):
        """As transformers' BatchEncoding."""

        def __getattr__(self, name):
            if name == "data" or name not in self.data:
                raise AttributeError(name)
            return self.data[name]

    batches = minibatches()
    expected = ckakit.compare(NETWORK, loader=batches, layers="embed", pooling="last")
    found = ckakit.compare(NETWORK, loader=[Encoding(batch) for batch in batches], layers="embed", pooling="last")
    assert np.array_equal(found.cka, expected.cka)

    class Batch(tuple):
        attention_mask = property(lambda self: self[1])

    pairs = [Batch((batch["x"], batch["attention_mask"])) for batch in batches]
    empty = [Batch((batch["x"], torch.zeros(EXAMPLES, TOKENS))) for batch in batches]
    ckakit.compare(NETWORK, loader=pairs, layers="embed", pooling="last")
    with pytest.raises(ValueError, match="example 0 of a minibatch has no token"):
        ckakit.compare(NETWORK, loader=empty, layers="embed", pooling="last")


@pytest.mark.parametrize("mask, words", [
    (lambda batch: torch.ones(EXAMPLES, TOKENS + 1), r"layer embed returns 16 × 7 × 5, and the mask is 16 × 8"),
    (lambda batch: torch.full((EXAMPLES,), TOKENS + 1), r"layer embed .* the mask's greatest length is 8"),
    (lambda batch: torch.ones(EXAMPLES, 1, TOKENS), r"the mask, .*, is 16 × 1 × 7, expected 16 examples × tokens"),
    (lambda batch: torch.ones(EXAMPLES - 1, TOKENS), r"is 15 × 7, expected 16 examples"),
    (lambda batch: torch.zeros(EXAMPLES, TOKENS).log(), r"numbers below 0"),
    (lambda batch: torch.ones(EXAMPLES), r"float32 for each example, expected lengths"),
    ("nothing", r"a minibatch has no mask 'nothing'; there are x, attention_mask"),
])
def test_a_mask_that_does_not_fit_names_the_layer(mask, words):
    with pytest.raises(ValueError, match=words):
        ckakit.compare(NETWORK, loader=minibatches(), layers="embed", pooling="mean", mask=mask)


def test_a_map_with_a_mask_of_tokens_names_the_layer():
    network = nn.Sequential(nn.Conv2d(2, 3, 3)).eval()
    batches = [{"x": torch.randn(8, 2, 6, 6), "attention_mask": torch.ones(8, 4)}]
    with pytest.raises(ValueError, match=r"layer 0 returns 8 × 3 × 4 × 4, and the mask is 8 × 4: they do not fit"):
        ckakit.compare(network, loader=batches, pooling="mean", forward=lambda net, batch: net(batch["x"]))


def test_flattened_padding_is_said_once():
    with pytest.warns(ckakit.CKAWarning, match="layer embed is flattened with its padded tokens") as told:
        ckakit.compare(NETWORK, loader=minibatches())
    assert len(told) == 1 and told[0].filename == __file__
    full = [{"x": torch.randn(8, 3, FEATURES), "attention_mask": torch.ones(8, 3)}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ckakit.compare(NETWORK, loader=full)
        ckakit.compare(NETWORK, loader=minibatches(), mask=False)


class Maps(nn.Module):
    """A Conv1d, 8 channels × 48 places; a ReLU of it; and the same turned, as channels-last."""

    def __init__(self):
        super().__init__()
        self.conv, self.relu, self.turned = nn.Conv1d(3, 8, 3), nn.ReLU(), nn.Linear(8, 8)

    def forward(self, x):
        return self.turned(self.relu(self.conv(x)).transpose(1, 2))


def test_the_mean_of_a_conv1d_is_not_that_of_its_channels():
    torch.manual_seed(1)
    network, batches = Maps().eval(), [torch.randn(EXAMPLES, 3, 50) for _ in range(2)]
    result = ckakit.compare(network, loader=batches, pooling="mean", layout={"relu": "channels-first"})
    parts = {"conv": [], "relu": [], "turned": []}
    with torch.no_grad():
        for x in batches:
            y = network.conv(x)
            parts["conv"].append(y.double().numpy().mean(axis=2))
            parts["relu"].append(y.relu().double().numpy().mean(axis=2))
            parts["turned"].append(network.turned(y.relu().transpose(1, 2)).double().numpy().mean(axis=1))
    for i, left in enumerate(parts):
        for j, right in enumerate(parts):
            assert result.cka[i, j] == pytest.approx(minibatch_cka(parts[left], parts[right]), abs=TOLERANCE)


@pytest.mark.parametrize("choice, words", [
    ("mean", r"pooling 'mean' needs layout=: for layer relu, 16 × 8 × 48, channels-first keeps 8 features, "
     "channels-last keeps 48 features"),
    ("first", r"pooling 'first' needs layout=: for layer relu, 16 × 8 × 48, channels-first reads 48 tokens of 8 "
     "features, channels-last reads 8 tokens of 48 features"),
])
def test_the_axis_of_channels_is_not_guessed(choice, words):
    with pytest.raises(ValueError, match=words):
        ckakit.compare(Maps(), loader=[torch.randn(EXAMPLES, 3, 50)], layers="relu", pooling=choice)


@pytest.mark.parametrize("choice", ["first", "last", "tokens"])
def test_a_map_has_no_first_token(choice):
    words = f"layer conv returns 16 × 8 × 48, channels first: the pooling '{choice}' is for"
    with pytest.raises(ValueError, match=words):
        ckakit.compare(Maps(), loader=[torch.randn(EXAMPLES, 3, 50)], layers="conv", pooling=choice)
    with pytest.raises(ValueError, match="layer 0 returns 16 × 3 × 4 × 4"):
        ckakit.compare(
            nn.Sequential(nn.Conv2d(3, 3, 3)), loader=[torch.randn(EXAMPLES, 3, 6, 6)], pooling=choice)


def test_a_norm_that_turns_its_axes_is_not_taken_for_tokens():
    class LayerNorm2d(nn.LayerNorm):
        """As torchvision's: channels first, though its kind is a LayerNorm."""

        def forward(self, x):
            return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    with pytest.raises(ValueError, match="pooling 'mean' needs layout="):
        ckakit.compare(nn.Sequential(LayerNorm2d(3)), loader=[torch.randn(8, 3, 4, 5)], pooling="mean")


def test_the_mask_tells_which_axis_holds_the_tokens():
    batches = minibatches()
    by_mask = ckakit.compare(NETWORK, loader=batches, layers="gelu", right_layers=None, pooling="mean")
    by_hand = ckakit.compare(NETWORK, loader=batches, layers="gelu", pooling="mean", layout="channels-last")
    assert np.array_equal(by_mask.cka, by_hand.cka)


def test_a_sequence_is_what_its_last_part_computes():
    from ckakit._layouts import axis_of_channels

    assert axis_of_channels(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.ReLU())) == "channels-first"
    assert axis_of_channels(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(2), nn.ReLU())) is None
    assert axis_of_channels(nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Dropout())) == "channels-last"
    assert axis_of_channels(nn.LayerNorm((4, 4))) is None and axis_of_channels(nn.LayerNorm(4)) == "channels-last"


def test_poolings_by_pattern_and_function():
    batches = minibatches()
    result = ckakit.compare(
        NETWORK, loader=batches, mask=False, layout="channels-last",
        pooling={"emb*": "mean", "*": lambda output, mask: output.amax(1)})
    left = [outputs(batch)["embed"].mean(axis=1) for batch in batches]
    right = [outputs(batch)["gelu"].max(axis=1) for batch in batches]
    assert result.cka[0, 1] == pytest.approx(minibatch_cka(left, right), abs=TOLERANCE)
    masks = []
    ckakit.compare(NETWORK, loader=batches, layers="gelu", pooling=lambda output, mask: masks.append(mask) or output)
    assert all(torch.equal(mask, batch["attention_mask"].bool()) for mask, batch in zip(masks, batches, strict=True))
    with pytest.raises(ValueError, match=r"layer gelu returns \(5,\), expected 16 examples"):
        ckakit.compare(NETWORK, loader=batches, layers="gelu", pooling=lambda output, mask: output.mean((0, 1)))


def test_the_mean_of_bfloat16_is_taken_in_float32():
    torch.manual_seed(2)
    network = nn.Sequential(nn.Linear(FEATURES, FEATURES)).to(torch.bfloat16).eval()
    batches = [(torch.randn(EXAMPLES, 2000, FEATURES) + 3).to(torch.bfloat16) for _ in range(2)]
    other = nn.Sequential(nn.Identity()).eval()
    result = ckakit.compare(network, other, batches, pooling="mean", layout="channels-last")
    with torch.no_grad():
        left = [network(x).double().numpy().mean(axis=1) for x in batches]
    right = [x.double().numpy().mean(axis=1) for x in batches]
    # Means near 3 of 2000 terms vary by 1 / √2000 = 0.022. float32 rounds them by some 3e-6, 1.4e-4 of their spread;
    # bfloat16 would by 3 / 512 = 0.006, a quarter of it.
    assert result.cka[0, 0] == pytest.approx(minibatch_cka(left, right), abs=1e-3)


def test_the_second_axis_may_be_the_examples_of_a_recurrent_layer():
    network, loader = nn.Sequential(nn.LSTM(3, 4)), [torch.randn(8, 8, 3)]
    with pytest.raises(ValueError, match="layer 0 has batch_first=False"):
        ckakit.compare(network, loader=loader)
    turned = ckakit.compare(network, loader=loader, pooling=lambda output, mask: output.transpose(0, 1))
    assert turned.status.tolist() == [["ok"]]


def test_tokens_of_layers_of_other_lengths_are_told():
    class Shorter(Tokens):
        def forward(self, x):
            return self.gelu(self.embed(x)[:, ::2])

    with pytest.raises(ValueError, match="layer gelu has 64 examples, layer embed 112: tokens as examples"):
        ckakit.compare(
            Shorter(), loader=[torch.randn(EXAMPLES, TOKENS, FEATURES)], pooling="tokens", layout="channels-last")
    with pytest.raises(ValueError, match="layer 0 returns 16 × 5, expected examples × tokens × features"):
        ckakit.compare(nn.Sequential(nn.Linear(5, 5)), loader=[torch.randn(16, 5)], pooling="tokens")


def test_few_sentences_have_many_tokens():
    batches = [{"x": torch.randn(2, TOKENS, FEATURES)}, {"x": torch.randn(1, 3, FEATURES)}]
    with pytest.warns(ckakit.CKAWarning, match="minibatch 1 is left out: it has 3 examples"):
        result = ckakit.compare(NETWORK, loader=batches, layers="embed", pooling="tokens")
    assert result.status.tolist() == [["ok"]]


@pytest.mark.parametrize("options, words", [
    ({"pooling": "average"}, "pooling is 'average', expected flatten, mean, first, last, tokens or a function"),
    ({"layout": "NCHW"}, "layout is 'NCHW', expected channels-first or channels-last"),
    ({"pooling": {"*": 3}}, "pooling is 3"),
])
def test_unknown_choices_are_told(options, words):
    with pytest.raises(ValueError, match=words):
        ckakit.compare(NETWORK, loader=minibatches(), **options)


def test_a_mean_copies_none_of_the_tokens():
    x = torch.randn(64, 32, 256)
    mask = torch.arange(32) < torch.randint(1, 33, (64, 1))
    pooling = Pooling("mean", "channels-last")
    with torch.profiler.profile(profile_memory=True) as profile, torch.no_grad():
        found, _ = pooling("layer", None, x, len(x), mask_of({"attention_mask": mask}, len(x)))
    expected = [tokens[flags].mean(0) for tokens, flags in zip(x.double(), mask)]
    # A mean of 32 numbers of about 1: 32 roundings of 2^-24.
    assert torch.allclose(found.double(), torch.stack(expected), rtol=0, atol=1e-5)
    taken = sum(max(event.self_cpu_memory_usage, 0) for event in profile.events())
    assert taken < x.nbytes / 4


@pytest.mark.parametrize("pooling, name", [
    ("flatten", "flatten"), ("mean", "mean"), (lambda output, mask: output, "function"), ({"0": "mean"}, "by layer"),
    ({"*": "mean"}, "mean"),
])
def test_the_document_names_the_pooling(pooling, name):
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    result = ckakit.compare(network, loader=torch.randn(16, 3).split(8), pooling=pooling)
    assert result.document["pooling"] == name
