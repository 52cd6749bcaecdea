"""What a comparison does to the process, and the process to it."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

import ckakit
from test_networks import INPUTS, LOADER, network


def test_ten_workers_of_a_loader_do_not_hang():
    net = network()
    expected = ckakit.compare(net, loader=DataLoader(TensorDataset(INPUTS), 16)).cka
    # They are forked after the library was called.
    with warnings.catch_warnings():
        # PyTorch's, that the machine has fewer cores.
        warnings.simplefilter("ignore")
        workers = DataLoader(TensorDataset(INPUTS), 16, num_workers=10, timeout=60, multiprocessing_context="fork")
        found = ckakit.compare(net, loader=workers).cka
    assert np.array_equal(found, expected)


def test_a_forked_worker_that_calls_the_library_is_told():
    class Calls(Dataset):
        def __len__(self):
            return 16

        def __getitem__(self, index):
            ckakit.cka(np.eye(8), np.eye(8))

    ckakit.cka(np.eye(8), np.eye(8))
    workers = DataLoader(Calls(), 16, num_workers=2, timeout=60, multiprocessing_context="fork")
    with pytest.raises(RuntimeError, match="forked"):
        ckakit.compare(network(), loader=workers)


def test_a_minibatch_is_freed_before_the_next_one_is_made():
    alive, freed = [], []

    def loader(count):
        for _ in range(count):
            freed.append(all(batch() is None for batch in alive))
            numbers = np.random.default_rng(0).normal(size=(16, 12)).astype("float32")
            alive.append(weakref.ref(numbers))
            batch = {"input": torch.from_numpy(numbers)}
            del numbers
            yield batch
            del batch

    class Takes(nn.Sequential):
        def forward(self, input):
            return super().forward(input)

    net = Takes(*network())
    ckakit.compare(net, loader=loader(5))
    ckakit.compare(net, network(1), loader(5), right_loader=[batch.clone() for batch in LOADER] + [INPUTS[:16]],
                   ids=lambda batch: range(16), forward=lambda net, batch: net(batch["input"])
                   if isinstance(batch, dict) else net(batch))
    assert len(freed) == 10 and all(freed)


@pytest.mark.parametrize("call", ["compare(net, loader=loader)", "record(net, loader, folder, overwrite=True)"])
def test_memory_does_not_grow_with_minibatches(call, tmp_path):
    # Peak memory of a process after fifty minibatches, and after five hundred.
    code = (
        "import resource, sys, torch, ckakit\n"
        "net, folder = torch.nn.Sequential(torch.nn.Linear(64, 2048), torch.nn.ReLU()), sys.argv[1]\n"
        "def peak(count):\n"
        "    loader = (torch.randn(128, 64) for _ in range(count))\n"
        f"    ckakit.{call}\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "first = peak(50)\n"
        "print(peak(500) - first)\n")
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=True)
    # Kept, the activations of 450 minibatches would be 900 MiB, their triangles 28 MiB. What allocators keep is less.
    assert int(run.stdout) < 16 << 10


def test_control_c_works_within_a_tenth_of_a_second():
    net = network()
    told = []

    def interrupt():
        told.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    def endless():
        while True:
            yield INPUTS

    net.train()
    threading.Timer(0.3, interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        ckakit.compare(net, network(1), endless())
    # Ten times that: the machine may be busy.
    assert time.monotonic() - told[0] < 1
    assert net.training and not any(module._forward_hooks for module in net.modules())


def test_an_exception_of_a_hook_of_the_user_passes():
    net = network()

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    handle = net[2].register_forward_hook(stop)
    with pytest.raises(Stop):
        ckakit.compare(net, loader=LOADER)
    handle.remove()
    assert ckakit.compare(net, loader=LOADER).cka.shape == (5, 5)


def test_a_loader_may_be_a_training_loop():
    net = network().train()

    def training():
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        for batch in LOADER:
            assert net.training and torch.is_grad_enabled()
            net(batch).square().mean().backward()
            optimizer.step()
            yield batch

    assert (ckakit.compare(net, loader=training()).status == "ok").all()


def test_progress_is_a_bar_where_tqdm_is_installed(capsys):
    pytest.importorskip("tqdm")
    ckakit.compare(network(), loader=LOADER, progress=True)
    assert "4/4" in capsys.readouterr().err
    ckakit.compare(network(), loader=iter(LOADER), progress=True)
    assert "4batch" in capsys.readouterr().err
    ckakit.compare({"x": INPUTS}, estimator="unbiased", progress=True)
    assert capsys.readouterr().out == ""


def test_progress_without_tqdm_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ValueError, match="progress=True needs tqdm"):
        ckakit.compare(network(), loader=LOADER, progress=True)


def test_the_share_is_none_of_loaders_without_length():
    shares = []
    ckakit.compare(network(), loader=iter(LOADER), progress=shares.append)
    assert shares == [0, 0, 0, 0]


def test_a_distributed_wrapper_is_opened(tmp_path):
    if not torch.distributed.is_available():
        pytest.skip("a PyTorch without processes that work together")
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/rendezvous", rank=0, world_size=1)
    try:
        net = network()
        expected = ckakit.compare(net, loader=LOADER)
        found = ckakit.compare(nn.parallel.DistributedDataParallel(net), loader=LOADER)
        assert found.rows == expected.rows and np.array_equal(found.cka, expected.cka)
    finally:
        torch.distributed.destroy_process_group()


def test_compiled_networks_are_run_as_they_were_written():
    compilations = []

    def backend(graph, inputs):
        compilations.append(1)
        return graph.forward

    def with_compiled_parts(net):
        net[1] = torch.compile(nn.Sequential(net[1], net[2]), backend=backend)
        net[2] = nn.Identity()
        return net

    class Own(nn.Sequential):
        def forward(self, x):
            return super().forward(x) + 0

    def compiled_inside(net):
        net = Own(*net)
        net.compile(backend=backend)
        return net

    expected = ckakit.compare(network(), loader=LOADER).cka
    for compiled, names in [
        (torch.compile(network().eval(), backend=backend), ["0", "1", "2", "3", "4"]),
        (with_compiled_parts(network().eval()), ["0", "1.0", "1.1", "3", "4"]),
        (compiled_inside(network().eval()), ["0", "1", "2", "3", "4"]),
    ]:
        compiled(INPUTS)
        assert compilations
        compilations.clear()
        result = ckakit.compare(compiled, loader=LOADER, exclude=nn.Identity)
        assert result.rows == names and np.array_equal(result.cka, expected)
        # Compiled code would call no hooks, or be compiled again with them.
        assert not compilations


def test_no_gradients_are_kept():
    class Watches(nn.Sequential):
        def forward(self, x):
            assert not torch.is_grad_enabled()
            return super().forward(x)

    ckakit.compare(Watches(*network()), loader=LOADER)


def test_attention_does_not_call_its_own_children():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    result = ckakit.compare(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False), loader=[torch.randn(16, 5, 8)])
    assert "layers.0.self_attn" in result.rows and "layers.1.self_attn" in result.rows
    assert not any(name.endswith("out_proj") for name in result.rows)
