"""Residual networks of the CIFAR family, of any depth 6k + 2 and any width.

Three stages of k blocks; a stage halves the image and doubles the channels: 16, 32 and 64 at width
1, as in the paper. Every step is a module of its own, so that every step can be recorded:

    stem                                  3   conv, norm, relu
    3k blocks                       7 × 3k    conv, norm, relu, conv, norm, add, relu
    shortcuts of stages 2 and 3       2 × 2   1×1 conv, norm
    head                                  2   pool, logits

which makes 21k + 9 layers, as in Nguyen, Raghu & Kornblith (2021).
"""

from collections import OrderedDict

from torch import nn

BASE_CHANNELS = 16


class Add(nn.Module):
    """The sum of a residual block as a module, so that it can be recorded."""

    def forward(self, residual, shortcut):
        return residual + shortcut


class GlobalAveragePool(nn.Module):
    def forward(self, maps):
        return maps.mean(dim=(2, 3))


def convolution(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, stride)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = convolution(outputs, outputs, 3)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut = None
        if inputs != outputs:
            self.shortcut = nn.Sequential(
                OrderedDict(
                    conv=convolution(inputs, outputs, 1, stride),
                    norm=nn.BatchNorm2d(outputs),
                )
            )
        self.add = Add()
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x):
        residual = self.norm2(self.conv2(self.relu1(self.norm1(self.conv1(x)))))
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return self.relu2(self.add(residual, shortcut))


class ResNet(nn.Module):
    def __init__(self, depth, width, classes=10):
        super().__init__()
        if depth < 8 or depth % 6 != 2:
            raise ValueError(f"depth {depth}: it must be 8, 14, 20, … (6k + 2)")
        channels = round(BASE_CHANNELS * width)
        if channels < 1 or channels != BASE_CHANNELS * width:
            raise ValueError(f"width {width}: it must be a multiple of 1/{BASE_CHANNELS}")
        self.stem = nn.Sequential(
            OrderedDict(
                conv=convolution(1, channels, 3),
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(inplace=True),
            )
        )
        for stage in (1, 2, 3):
            blocks = OrderedDict()
            for block in range(1, depth // 6 + 1):
                downsamples = stage > 1 and block == 1
                inputs = channels
                channels = 2 * channels if downsamples else channels
                blocks[f"block{block}"] = Block(inputs, channels, 2 if downsamples else 1)
            self.add_module(f"stage{stage}", nn.Sequential(blocks))
        self.head = nn.Sequential(
            OrderedDict(pool=GlobalAveragePool(), logits=nn.Linear(channels, classes))
        )

    def forward(self, images):
        return self.head(self.stage3(self.stage2(self.stage1(self.stem(images)))))
