"""Recording: each test is named after what users of other tools trip over."""

import json
import os
import resource
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch import nn

import ckakit
from test_compare import TOLERANCE, brute_force
from test_networks import INPUTS, LOADER, activations, network


def read(folder):
    """What is in a folder, by NumPy and JSON alone."""
    described = json.loads((folder / "layers.json").read_text())
    return described, {layer["name"]: np.load(folder / f"{layer['name']}.npy") for layer in described["layers"]}


def test_rows_are_those_of_the_network(tmp_path):
    net = network().eval()
    folder = ckakit.record(net, LOADER, tmp_path / "run")
    assert folder == tmp_path / "run"
    described, layers = read(folder)
    assert [layer["name"] for layer in described["layers"]] == ["0", "1", "2", "3", "4"]
    for index in range(5):
        # A later in-place ReLU does not change the norm's rows: equal to the bit.
        expected = np.concatenate([activations(net, batch, index) for batch in LOADER])
        assert layers[str(index)].dtype == np.float32 and np.array_equal(layers[str(index)], expected)
    result = ckakit.compare(folder, estimator="unbiased")
    assert result.rows == ["0", "1", "2", "3", "4"]
    expected = brute_force(layers["1"].astype(float), layers["4"].astype(float))
    assert result.cka[1, 4] == pytest.approx(expected, abs=TOLERANCE)


def test_what_is_recorded_compares_as_what_is_live(tmp_path):
    a, b = network(0), network(1)
    folders = [ckakit.record(net, LOADER, tmp_path / name) for name, net in (("a", a), ("b", b))]
    # The same minibatches, in their order: the same numbers to the bit.
    found = ckakit.compare(*folders, batch_size=16, order="stored")
    live = ckakit.compare(a, b, LOADER)
    assert np.array_equal(found.cka, live.cka) and found.rows == live.rows


def test_the_number_of_examples_need_not_be_known(tmp_path):
    # No len(), and a last minibatch of three examples, which counts like any other.
    folder = ckakit.record(network(), (batch for batch in [*LOADER, INPUTS[:3]]), tmp_path / "run")
    _, layers = read(folder)
    assert {len(rows) for rows in layers.values()} == {67}
    assert ckakit.compare(folder, estimator="biased").cka.shape == (5, 5)


def test_stages_ids_layouts_and_names_are_written_down(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
            self.head = nn.Linear(4 * 16, 2)

        def forward(self, x):
            return self.head(self.stem(x).flatten(1))

    loader = [{"x": torch.randn(8, 3, 6, 6), "id": [f"img{8 * i + j}" for j in range(8)]} for i in range(2)]
    options = {"forward": lambda net, batch: net(batch["x"])}
    folder = ckakit.record(Net(), loader, tmp_path / "a", ids="id", name="small", **options)
    assert json.loads((folder / "layers.json").read_text()) == {
        "layers": [{"name": "stem.0", "stage": "stem", "layout": "channels-first"},
                   {"name": "stem.1", "stage": "stem"}, {"name": "head"}],
        "examples": [f"img{i}" for i in range(16)]}
    described = json.loads((folder / "record.json").read_text())
    assert described["model"] == "small" and described["examples"] == 16
    assert described["layers"][0] == {"name": "stem.0", "file": "stem.0.npy", "pooling": "flatten"}
    # The library reads the IDs: other ones are refused.
    other = ckakit.record(
        Net(), loader, tmp_path / "b", ids=range(16), stages={"head": "end"}, layout="channels-first", **options)
    assert json.loads((other / "layers.json").read_text())["layers"] == [
        {"name": "stem.0", "layout": "channels-first"}, {"name": "stem.1", "layout": "channels-first"},
        {"name": "head", "stage": "end"}]
    with pytest.raises(ValueError, match="img0"):
        ckakit.compare(folder, other)


def test_the_key_of_ids_is_no_argument_of_the_network(tmp_path):
    class Takes(nn.Sequential):
        def forward(self, x):
            return super().forward(x)

    loader = [{"x": batch, "id": range(16 * i, 16 * i + 16)} for i, batch in enumerate(LOADER)]
    described, _ = read(ckakit.record(Takes(nn.Linear(12, 4)), loader, tmp_path / "run", ids="id"))
    assert described["examples"] == [str(i) for i in range(64)]
    result = ckakit.compare(Takes(nn.Linear(12, 4)), Takes(nn.Linear(12, 4)), loader, right_loader=loader, ids="id")
    assert result.cka.shape == (1, 1)


def test_bfloat16_does_not_go_through_numpy(tmp_path):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    net = network().to(torch.bfloat16).eval()
    folder = ckakit.record(net, [batch.to(torch.bfloat16) for batch in LOADER], tmp_path / "run")
    with torch.no_grad():
        expected = torch.cat([net[0](batch.to(torch.bfloat16)) for batch in LOADER])
    rows = np.load(folder / "0.npy").view(ml_dtypes.bfloat16)
    assert np.array_equal(rows.astype(np.float32), expected.float().numpy())


def test_bfloat16_is_read_as_what_it_was(tmp_path):
    net = network().to(torch.bfloat16).eval()
    loader = [batch.to(torch.bfloat16) for batch in LOADER]
    folder = ckakit.record(net, loader, tmp_path / "run")
    # The same numbers as float32, which holds those of bfloat16 exactly. Sums are rounded elsewhere where a
    # processor multiplies bfloat16 as it is stored.
    other = ckakit.record(net, loader, tmp_path / "wide", dtype="float32")
    assert ckakit.compare(folder, estimator="unbiased").cka == pytest.approx(
        ckakit.compare(other, estimator="unbiased").cka, abs=TOLERANCE)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", torch.float16])
def test_numbers_of_another_type(tmp_path, dtype):
    net = network().eval()
    _, layers = read(ckakit.record(net, LOADER, tmp_path / "run", dtype=dtype))
    name = str(dtype).removeprefix("torch.")
    expected = np.concatenate([activations(net, batch, 0) for batch in LOADER]).astype(name)
    assert layers["0"].dtype == name and np.array_equal(layers["0"], expected)
    with pytest.raises(ValueError, match="layer 0: a number does not fit float16; record it as float32"):
        ckakit.record(nn.Sequential(nn.Identity()), [torch.full((4, 2), 1e6)], tmp_path / "large", dtype="float16")
    assert not (tmp_path / "large").exists()


def test_a_module_called_twice_tuples_and_mappings(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(3, 5, batch_first=True), nn.Linear(5, 5)

        def forward(self, x):
            return {"logits": self.head(self.head(self.lstm(x)[0]))}

    folder = ckakit.record(Net(), [torch.randn(8, 4, 3) for _ in range(2)], tmp_path / "run")
    described, layers = read(folder)
    assert list(layers) == ["lstm", "head", "head:2"] and layers["lstm"].shape == (16, 4, 5)
    assert described["layers"][0] == {"name": "lstm", "layout": "channels-last"}
    assert ckakit.compare(folder).rows == ["lstm", "head", "head:2"]


def test_masks_are_honored_and_tokens_have_ids(tmp_path):
    net = nn.Sequential(nn.Linear(3, 4)).eval()
    mask = torch.tensor([[1, 1, 0], [0, 1, 1], [1, 1, 1], [0, 0, 1]])
    loader = [{"x": torch.randn(4, 3, 3), "attention_mask": mask}]
    options = {"forward": lambda net, batch: net(batch["x"]), "ids": "abcd"}
    with pytest.raises(ValueError, match="a minibatch has no 'abcd'"):
        ckakit.record(net, loader, tmp_path / "none", pooling="mean", **options)
    options["ids"] = list("abcd")
    described, layers = read(ckakit.record(net, loader, tmp_path / "tokens", pooling="tokens", **options))
    expected = [net[0](loader[0]["x"][i, j]) for i in range(4) for j in range(3) if mask[i, j]]
    assert np.allclose(layers["0"], torch.stack(expected).detach().numpy(), atol=1e-6)
    assert described["examples"] == ["a:0", "a:1", "b:1", "b:2", "c:0", "c:1", "c:2", "d:2"]
    _, layers = read(ckakit.record(net, loader, tmp_path / "mean", pooling="mean", **options))
    means = [net[0](loader[0]["x"][i][mask[i].bool()]).mean(0) for i in range(4)]
    assert np.allclose(layers["0"], torch.stack(means).detach().numpy(), atol=1e-6)


def test_names_that_no_file_can_have(tmp_path):
    net = nn.Sequential()
    net.add_module("down/up", nn.Linear(12, 4))
    net.add_module("naïve layer\n", nn.Linear(4, 4))
    folder = ckakit.record(net, LOADER, tmp_path / "run")
    assert (folder / "down%2Fup.npy").exists()
    assert json.loads((folder / "record.json").read_text())["layers"][0]["name"] == "down/up"
    assert ckakit.compare(folder).rows == ["down%2Fup", "naïve layer\n"]
    # What the caller compares keeps its names.
    assert ckakit.compare(net, loader=LOADER, estimator="biased").rows == ["down/up", "naïve layer\n"]
    net.add_module("l" * 252, nn.Linear(4, 4))
    with pytest.raises(ValueError, match="its name has 252 bytes, expected 1 to 251"):
        ckakit.record(net, LOADER, tmp_path / "long")
    net = nn.Sequential()
    net.add_module("a/b", nn.Linear(12, 4))
    net.add_module("a%2Fb", nn.Linear(4, 4))
    with pytest.raises(ValueError, match="layer a%2Fb would be recorded in the same file as another one"):
        ckakit.record(net, LOADER, tmp_path / "both")
    assert os.listdir(tmp_path) == ["run"]


def test_nothing_is_left_after_an_error(tmp_path):
    def broken():
        yield LOADER[0]
        raise OSError("the disk of the data is gone")

    for loader, error, words in [
        (broken(), OSError, "is gone"),
        ([LOADER[0], torch.randn(16, 5)], RuntimeError, "shapes"),
        ([], ValueError, "the loader has no minibatch"),
    ]:
        with pytest.raises(error, match=words):
            ckakit.record(network(), loader, tmp_path / "run")
        assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("ids, words", [
    (range(63), "there are 63 sample IDs, and more examples"),
    (range(65), "there are 65 sample IDs for 64 examples"),
    ([0] * 64, "the sample ID '0' is that of several examples"),
    (lambda batch: [1, 2], "found 2 sample IDs in a minibatch of 16 examples"),
    (3, "ids is int"),
])
def test_ids_that_do_not_fit(tmp_path, ids, words):
    with pytest.raises(ValueError, match=words):
        ckakit.record(network(), LOADER, tmp_path / "run", ids=ids)
    assert os.listdir(tmp_path) == []


def test_only_a_recording_is_replaced(tmp_path):
    folder = ckakit.record(network(), LOADER, tmp_path / "run", layers="0")
    with pytest.raises(FileExistsError, match="run exists; overwrite=True"):
        ckakit.record(network(), LOADER, folder)
    ckakit.record(network(), LOADER, folder, layers="4", overwrite=True)
    assert sorted(os.listdir(folder)) == ["4.npy", "layers.json", "record.json"] and os.listdir(tmp_path) == ["run"]
    # The earlier one stays where the later one fails.
    with pytest.raises(RuntimeError):
        ckakit.record(network(), [torch.randn(16, 5)], folder, overwrite=True)
    assert ckakit.compare(folder).rows == ["4"]
    (folder / "thesis.tex").write_text("")
    with pytest.raises(FileExistsError, match="contains thesis.tex, which record does not write"):
        ckakit.record(network(), LOADER, folder, overwrite=True)
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "mine.npy", np.eye(3))
    with pytest.raises(FileExistsError, match="has no layers.json"):
        ckakit.record(network(), LOADER, tmp_path / "other", overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["other", "run"]


def test_layers_that_change_between_minibatches_are_told(tmp_path):
    class Fickle(nn.Module):
        def __init__(self):
            super().__init__()
            self.relu, self.runs = nn.ReLU(), 0

        def forward(self, x):
            self.runs += 1
            return self.relu(self.relu(x)) if self.runs == 2 else self.relu(x)

    with pytest.raises(ValueError, match="layer relu:2 runs on minibatch 1, but not on earlier ones"):
        ckakit.record(Fickle(), LOADER, tmp_path / "run")
    same = nn.Sequential(nn.Identity())
    with pytest.raises(ValueError, match="layer 0 returns examples of 9 numbers, before of 12: pad them"):
        ckakit.record(same, [torch.randn(8, 12), torch.randn(8, 9)], tmp_path / "run")
    with pytest.raises(ValueError, match="layer 0 returns float16, before float32"):
        ckakit.record(same, [torch.randn(8, 12), torch.randn(8, 12).half()], tmp_path / "run")
    assert os.listdir(tmp_path) == []


def test_more_layers_than_a_process_may_have_files(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, hard))
        ckakit.record(nn.Sequential(*[nn.Identity() for _ in range(100)]), LOADER, tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(os.listdir(tmp_path / "run")) == 102


def test_what_a_killed_run_left_is_deleted_by_the_next(tmp_path):
    code = (
        "import os, sys, torch, ckakit\n"
        "def loader():\n"
        "    yield torch.ones(4, 2)\n"
        "    os.kill(os.getpid(), 9)\n"
        "ckakit.record(torch.nn.Sequential(torch.nn.Identity()), loader(), sys.argv[1])\n")
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [name.rpartition("-")[0] for name in os.listdir(tmp_path)] == [".run.partial"]
    ckakit.record(network(), LOADER, tmp_path / "run")
    assert os.listdir(tmp_path) == ["run"]


def test_control_c_leaves_nothing(tmp_path):
    def endless():
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        while True:
            yield INPUTS

    with pytest.raises(KeyboardInterrupt):
        ckakit.record(network(), endless(), tmp_path / "run")
    assert os.listdir(tmp_path) == []
