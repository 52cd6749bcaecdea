"""Networks of transformers: hidden states, masks, outputs that are mappings. Weights are random: nothing is loaded."""

import numpy as np
import pytest
import torch

import ckakit
from brute_force import minibatch_cka
from test_compare import TOLERANCE

transformers = pytest.importorskip("transformers")

TOKENS = 9
SIZES = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 50}


def bert():
    torch.manual_seed(0)
    return transformers.BertModel(transformers.BertConfig(**SIZES, max_position_embeddings=16)).eval()


def llama(heads=transformers.LlamaModel):
    torch.manual_seed(1)
    config = transformers.LlamaConfig(**SIZES, num_key_value_heads=2, max_position_embeddings=16)
    return heads(config).eval()


def sentences(side="right"):
    """What a tokenizer returns, with sentences of 2 to 9 tokens."""
    generator = torch.Generator().manual_seed(2)
    batches = []
    for _ in range(2):
        lengths = torch.randint(2, TOKENS + 1, (16,), generator=generator)
        lengths[0] = TOKENS
        mask = torch.arange(TOKENS) < lengths[:, None]
        batches.append(transformers.BatchEncoding({
            "input_ids": torch.randint(0, 50, (16, TOKENS), generator=generator),
            "attention_mask": (mask if side == "right" else mask.flip(1)).long()}))
    return batches


def pooled(state, mask, choice):
    rows = []
    for tokens, flags in zip(state.double().numpy(), mask.tolist(), strict=True):
        kept = [token for token, flag in zip(tokens, flags, strict=True) if flag]
        rows.append({"mean": np.mean(kept, axis=0), "first": kept[0], "last": kept[-1]}[choice])
    return np.stack(rows)


@pytest.mark.parametrize("side, choice", [("right", "mean"), ("right", "first"), ("left", "last")])
def test_hidden_states_of_padded_sentences(side, choice):
    left, right, batches = bert(), llama(), sentences(side)
    result = ckakit.compare(left, right, batches, layers="hidden_states", pooling=choice)
    assert result.rows == [f"hidden_states.{i}" for i in range(4)]
    assert result.columns == [*(f"hidden_states.{i}" for i in range(3)), "hidden_states.3 (final norm)"]
    with torch.no_grad():
        states = [
            [net(**batch, output_hidden_states=True).hidden_states for batch in batches] for net in (left, right)]
    for i in (0, 2, 3):
        for j in (1, 3):
            x, y = (
                [pooled(state[k], batch["attention_mask"], choice) for state, batch in zip(side, batches, strict=True)]
                for side, k in ((states[0], i), (states[1], j)))
            assert result.cka[i, j] == pytest.approx(minibatch_cka(x, y), abs=TOLERANCE)


def test_the_last_hidden_state_is_named_after_the_final_norm():
    for net in (llama(), llama(transformers.LlamaForCausalLM)):
        rows = ckakit.compare(net, loader=sentences(), layers="hidden_states", pooling="mean").rows
        assert rows[-1] == "hidden_states.3 (final norm)" and rows[-2] == "hidden_states.2"
    gpt = transformers.GPT2Model(transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=50, n_positions=16))
    rows = ckakit.compare(gpt, loader=sentences(), layers="hidden_states", pooling="mean").rows
    assert rows == ["hidden_states.0", "hidden_states.1", "hidden_states.2 (final norm)"]


def test_hidden_states_beside_modules_and_without_some():
    result = ckakit.compare(
        bert(), loader=sentences(), layers=["hidden_states", "encoder.layer.?.output.dense"], pooling="mean",
        exclude=["hidden_states.0", "*.1.*"])
    assert result.rows == [
        "encoder.layer.0.output.dense", "encoder.layer.2.output.dense", "hidden_states.1", "hidden_states.2",
        "hidden_states.3"]


def test_hidden_states_that_are_not_there_are_told():
    with pytest.raises(ValueError, match="left: the network returned no hidden_states; give forward="):
        ckakit.compare(
            bert(), loader=sentences(), layers="hidden_states", forward=lambda net, batch: net(**batch).pooler_output)
    found = ckakit.compare(
        bert(), loader=sentences(), layers="hidden_states", pooling="first",
        forward=lambda net, batch: net(**batch, output_hidden_states=True))
    assert len(found.rows) == 4


def test_hidden_states_are_recorded_and_captured(tmp_path):
    net, batches = llama(), sentences()
    expected = ckakit.compare(net, loader=batches, layers="hidden_states", pooling="mean")
    folder = ckakit.record(net, batches, tmp_path / "run", layers="hidden_states", pooling="mean")
    assert ckakit.compare(folder).rows == expected.rows
    with ckakit.capture(net, layers="hidden_states", pooling="mean") as capture:
        for batch in batches:
            net(**batch)
    assert np.array_equal(capture.result().cka, expected.cka)


def test_all_modules_of_a_padded_transformer():
    batches = sentences()
    result = ckakit.compare(bert(), loader=batches, layers="encoder.layer.?", pooling="mean")
    with torch.no_grad():
        states = [bert()(**batch, output_hidden_states=True).hidden_states for batch in batches]
    x, y = (
        [pooled(state[k], batch["attention_mask"], "mean") for state, batch in zip(states, batches, strict=True)]
        for k in (1, 3))
    assert result.cka[0, 2] == pytest.approx(minibatch_cka(x, y), abs=TOLERANCE)
    # Every module without children, by default; positions are the same for all examples, and have no axis of them.
    with pytest.raises(ValueError, match=r"layer embeddings.position_embeddings returns \(1, 9, 16\), expected 16"):
        ckakit.compare(bert(), loader=batches, pooling="mean")
    # Attention has a dropout of its own, which the fused one does not call.
    with pytest.raises(ValueError, match="layer encoder.layer.0.attention.self.dropout did not run, nor did 2 others"):
        ckakit.compare(bert(), loader=batches, exclude="*.position_embeddings", pooling="mean", layout="channels-last")
    leaves = ckakit.compare(
        bert(), loader=batches, exclude=["*.position_embeddings", torch.nn.Dropout], pooling="mean")
    assert (leaves.status == "ok").all() and len(leaves.rows) > 30
