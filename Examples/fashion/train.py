"""Trains the networks of the study, in as many processes at a time as are asked for.

Every network takes the same number of steps, whatever the amount of data: less data must not mean
less training. Products are in bfloat16 where the processor or GPU has it, weights in float32;
everything is measured in float32.
"""

import fcntl
import json
import multiprocessing
import time
from contextlib import contextmanager
from itertools import islice

import numpy as np
import torch
from torch.nn.functional import cross_entropy

import data
from networks import WATCHED_STEPS, device, write_whole

STEPS = 800
BATCH = 128


def train_all(networks, watched, folder, jobs):
    """Trains what is missing; the ones that take longest first, so that none is waited for."""
    missing = [network for network in networks if not network.is_made(folder)]
    missing.sort(key=lambda network: -network.cost)
    # A forked process would inherit PyTorch's threads in an undefined state.
    context = multiprocessing.get_context("spawn")
    arguments = (missing, watched, folder)
    processes = [context.Process(target=work, args=arguments) for _ in range(jobs)]
    for process in processes[: len(missing)]:
        process.start()
    for process in processes[: len(missing)]:
        process.join()
    if not all(network.is_made(folder) for network in networks):
        raise SystemExit("networks are missing: a process that trains has ended early")
    print(f"networks: {len(networks) - len(missing)} found, {len(missing)} trained", flush=True)


def work(networks, watched, folder):
    """Trains what is missing and is not being trained by another process."""
    # One thread: sums in another order would give other last digits.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    images = {}
    for network in networks:
        with claimed(network.file(folder, ".claim")) as is_ours:
            if is_ours and not network.is_made(folder):
                if network.divisor not in images:
                    images[network.divisor] = data.training_set(network.divisor)
                numbers = make(network, images[network.divisor], network in watched, folder)
                percent = 100 * numbers["accuracy"]
                print(f"{network.name}: {percent:.1f} %, {numbers['seconds']:.0f} s", flush=True)


@contextmanager
def claimed(path):
    """Whether this process has the file to itself; when it ends, however, it gives it back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = True
        except BlockingIOError:
            is_ours = False
        yield is_ours
        if is_ours:
            path.unlink(missing_ok=True)


def make(network, images, is_watched, folder):
    start, start_processor = time.perf_counter(), time.process_time()
    torch.manual_seed(network.seed)
    model = network.new().to(device(), memory_format=torch.channels_last)
    images, test = images.to(device()), data.test_set().to(device())

    def save(suffix):
        weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
        write_whole(network.file(folder, suffix), lambda file: torch.save(weights, file))

    def watch(step):
        if is_watched and step in WATCHED_STEPS:
            save(f"-step{step}.pt")

    train(model, images, network, watch)
    save(".pt")
    found = probabilities(model, test.pixels)
    write_whole(network.file(folder, ".npy"), lambda file: np.save(file, found))
    numbers = {
        "trainingImages": len(images),
        "steps": STEPS,
        "trainingAccuracy": accuracy(probabilities(model, images.pixels[:10_000]), images.labels),
        "accuracy": accuracy(found, test.labels),
        "seconds": round(time.perf_counter() - start, 1),
        "processorSeconds": round(time.process_time() - start_processor, 1),
        "device": device(),
        "bfloat16": has_bfloat16(device()),
        "torch": torch.__version__,
    }
    text = json.dumps(numbers, indent=1) + "\n"
    write_whole(network.file(folder, ".json"), lambda file: file.write(text.encode()))
    return numbers


def train(model, images, network, watch):
    """SGD with momentum; the learning rate rises at first, then falls along a cosine."""
    place = images.pixels.device.type
    generator = torch.Generator().manual_seed(network.seed)
    rate = network.rate
    optimizer = torch.optim.SGD(
        model.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=STEPS)
    model.train()
    for step, rows in enumerate(islice(shuffled_batches(len(images), generator), STEPS)):
        watch(step)
        rows = rows.to(place)
        pixels = images.pixels[rows].contiguous(memory_format=torch.channels_last)
        with torch.autocast(place, torch.bfloat16, enabled=has_bfloat16(place)):
            loss = cross_entropy(model(pixels), images.labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


def shuffled_batches(count, generator):
    """Pass after pass in a new order; what does not fill a batch is left out of its pass."""
    while True:
        batches = torch.randperm(count, generator=generator).split(BATCH)
        yield from batches[: count // BATCH or 1]


def has_bfloat16(place):
    """Whether products in bfloat16 are faster there than in float32."""
    if place == "cuda":
        return torch.cuda.is_bf16_supported()
    has = torch.cpu.get_capabilities()
    return has.get("avx512_bf16", False) or has.get("amx_bf16", False)


@torch.inference_mode()
def probabilities(model, pixels):
    """Images × classes, float32."""
    logits = torch.cat([model(batch) for batch in pixels.split(500)])
    return torch.softmax(logits.float(), dim=1).cpu().numpy()


def accuracy(found, labels):
    return float((found.argmax(axis=1) == labels[: len(found)].cpu().numpy()).mean())
