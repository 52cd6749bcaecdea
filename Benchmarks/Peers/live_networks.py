"""The networks and loaders on which `live.py` times the packages: two networks of each kind, of other seeds.

Weights are random. Each loader is a DataLoader that hands out batches made before, so that it costs nothing. All layers
are named in the order in which they run, in which `torch_cka` lists them whatever it is told.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import interpolate, scaled_dot_product_attention

BATCH = 256
TOKENS = 32
WORDS = 1000


class Block(nn.Module):
    """A block of a ResNet-18. `is_inplace`: as in torchvision, where ReLU and the sum rewrite what a norm returned."""

    def __init__(self, inputs, outputs, stride, is_inplace):
        super().__init__()
        self.is_inplace = is_inplace
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1, self.relu1 = nn.BatchNorm2d(outputs), nn.ReLU(is_inplace)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2, self.relu2 = nn.BatchNorm2d(outputs), nn.ReLU(is_inplace)

    def forward(self, x):
        kept = self.shortcut(x)
        y = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        if self.is_inplace:
            y += kept
        else:
            y = y + kept
        return self.relu2(y)


class ResNet(nn.Module):
    """ResNet-18's eight blocks behind a stem for small images, half as wide."""

    def __init__(self, is_inplace=False, width=32):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.relu = nn.ReLU(is_inplace)
        widths = [width] + [width * 2**stage for stage in range(4) for _ in range(2)]
        self.blocks = nn.ModuleList(
            Block(inputs, outputs, 1 if inputs == outputs else 2, is_inplace)
            for inputs, outputs in zip(widths, widths[1:]))
        self.head = nn.Linear(widths[-1], 10)

    def forward(self, x):
        x = self.relu(self.norm(self.conv(x)))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.inputs, self.outputs = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, mask=None):
        examples, tokens, width = x.shape
        q, k, v = self.inputs(x).view(examples, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        y = scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.outputs(y.transpose(1, 2).reshape(examples, tokens, width))


class Encoder(nn.Module):
    """A block of a transformer, norms first."""

    def __init__(self, width, heads=4):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x, mask=None):
        x = x + self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """A vision transformer: 64 patches and the class token."""

    def __init__(self, width=128, depth=6, patches=64):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, stride=2)
        self.start = nn.Parameter(torch.randn(1, 1, width) * 0.5)
        self.places = nn.Parameter(torch.randn(1, patches + 1, width) * 0.5)
        self.blocks = nn.ModuleList(Encoder(width) for _ in range(depth))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.start.expand(len(x), -1, -1), x], dim=1) + self.places
        for block in self.blocks:
            x = block(x)
        return self.head(x[:, 0])


class Transformer(nn.Module):
    """An encoder of sentences, which needs the mask: tokens would else attend to padding."""

    def __init__(self, width=256, depth=4):
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, width), nn.Parameter(torch.randn(1, TOKENS, width) * 0.5)
        self.blocks = nn.ModuleList(Encoder(width) for _ in range(depth))

    def forward(self, input_ids, attention_mask=None):
        mask = None if attention_mask is None else attention_mask[:, None, None, :].bool()
        x = self.words(input_ids) + self.places
        for block in self.blocks:
            x = block(x, mask)
        return x


class OneTensor(Transformer):
    """The same for packages that know no mask: one tensor holds words and mask, examples × 2 × tokens."""

    def forward(self, both):
        return super().forward(both[:, 0], both[:, 1])


class Batches(torch.utils.data.Dataset):
    """Batches that lie ready."""

    def __init__(self, batches):
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def loader_of(batches):
    return torch.utils.data.DataLoader(Batches(batches), batch_size=None)


@dataclass
class Case:
    """Two networks, the names of their layers, a loader, and what `ckakit.compare` is told beside them."""

    title: str
    networks: list
    layers: list
    loader: object
    options: dict = field(default_factory=dict)

    @property
    def pools(self):
        return self.options.get("pooling") == "mean"


def digits(count):
    """Batches of scikit-learn's digits, images of 16 × 16 and their labels."""
    bunch = load_digits()
    order = np.random.default_rng(0).permutation(len(bunch.images))
    images = torch.from_numpy(bunch.images[order]).float()[:, None] / 16
    images = interpolate(images, scale_factor=2, mode="bilinear")
    labels = torch.from_numpy(bunch.target[order])
    return [(images[i : i + BATCH], labels[i : i + BATCH]) for i in range(0, count * BATCH, BATCH)]


def sentences(count):
    """Batches as a tokenizer gives them: sentences of 4 to 32 words, padded on the right."""
    generator = torch.Generator().manual_seed(0)
    batches = []
    for _ in range(count):
        lengths = torch.randint(4, TOKENS + 1, (BATCH, 1), generator=generator)
        mask = (torch.arange(TOKENS) < lengths).long()
        words = torch.randint(1, WORDS, (BATCH, TOKENS), generator=generator) * mask
        batches.append({"input_ids": words, "attention_mask": mask})
    return batches


def two(make, batch=None):
    """Two networks that differ in their seeds, as in use; `batch` gives norms their statistics."""
    networks = []
    for seed in range(2):
        torch.manual_seed(seed)
        network = make()
        if batch is not None:
            for norm in [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]:
                norm.momentum = None
                nn.init.uniform_(norm.weight, 0.5, 1.5)
                nn.init.normal_(norm.bias, std=0.3)
            with torch.no_grad():
                network.train()(batch)
        networks.append(network.eval())
    return networks


def resnet(is_inplace=False, parts=("relu1", "relu2"), count=4):
    batches = digits(count)
    # Of the stem the modules that a block has twice.
    stem = list(dict.fromkeys(part.rstrip("12") for part in parts))
    layers = stem + [f"blocks.{i}.{part}" for i in range(8) for part in parts]
    title = f"ResNet-18, {', '.join(stem)}{', in place' if is_inplace else ''}"
    return Case(title, two(lambda: ResNet(is_inplace), batches[0][0]), layers, loader_of(batches))


def encoders(depth):
    return [f"blocks.{i}{part}" for i in range(depth) for part in (".attention", ".mlp", "")]


def vit():
    return Case("ViT", two(ViT), ["patches", *encoders(6)], loader_of(digits(2)))


def transformer(make=Transformer, **options):
    batches = sentences(2)
    title = "transformer, masks in a mapping"
    if make is OneTensor:
        title = "transformer, words and mask in one tensor"
        batches = [(torch.stack(list(batch.values()), dim=1),) for batch in batches]
    elif options:
        title = "transformer, mean of the tokens that count"
    return Case(title, two(make), encoders(4), loader_of(batches), options)


CASES = {
    "resnet": resnet,
    "resnet-all": lambda: resnet(parts=("conv1", "norm1", "relu1", "conv2", "norm2", "relu2"), count=1),
    "inplace": lambda: resnet(True, ("norm1", "norm2")),
    "vit": vit,
    "one-tensor": lambda: transformer(OneTensor),
    "masks": transformer,
    "mean": lambda: transformer(pooling="mean", layout="channels-last"),
}


class Replay(nn.Module):
    """A network whose layers' outputs were computed before: a forward pass that costs nothing."""

    def __init__(self, stored):
        super().__init__()
        self.stored = stored
        for index in range(len(stored[0])):
            setattr(self, f"layer{index}", nn.Identity())

    def forward(self, x, attention_mask=None):
        for index, output in enumerate(self.stored[int(x[0])]):
            getattr(self, f"layer{index}")(output)


def replayed(case, count):
    """The same case with stored outputs of the first `count` batches."""
    stored, batches = [[], []], []
    for number, batch in enumerate(case.loader.dataset.batches[:count]):
        x = torch.full((BATCH,), number)
        more = {"attention_mask": batch["attention_mask"]} if isinstance(batch, dict) else {}
        batches.append({"x": x, **more} if more else (x,))
        for network, all_outputs in zip(case.networks, stored):
            all_outputs.append(list(outputs_of(network, case.layers, batch).values()))
    layers = [f"layer{index}" for index in range(len(case.layers))]
    return Case(case.title, [Replay(each).eval() for each in stored], layers, loader_of(batches), case.options)


def outputs_of(network, layers, batch):
    """Copies of what the layers return, made as soon as they do."""
    kept, handles = {}, []
    modules = dict(network.named_modules())
    for name in layers:

        def keep(_module, _inputs, output, name=name):
            kept[name] = output.clone()

        handles.append(modules[name].register_forward_hook(keep))
    try:
        with torch.no_grad():
            run(network, batch)
    finally:
        for handle in handles:
            handle.remove()
    return kept


def run(network, batch):
    """A forward pass, with all that a batch has."""
    return network(**batch) if isinstance(batch, dict) else network(batch[0])
