#!/usr/bin/env python3
"""How often `ckakit.blocks` outlines something in networks that were never trained.

    python3 untrained.py

Fifty networks of random weights: ResNets of depth 14 to 110 with batch normalization as it is made
(means 0, variances 1) and with the statistics of 256 test images, perceptrons, and convolutions without
connections. Each is compared with itself on these images, by the estimator of minibatches and by the
biased one of all images.
"""

import ckakit
import torch
from torch import nn

import data
from resnet import ResNet

IMAGES = 256


def perceptron(depth, width, activation, normalizes):
    layers, inputs = [nn.Flatten()], 14 * 14
    for _ in range(depth):
        layers += [nn.Linear(inputs, width)] + [nn.BatchNorm1d(width)] * normalizes + [activation()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(width, 10))


def convolutions(depth, channels, normalizes):
    layers, inputs = [], 1
    for place in range(depth):
        outputs = channels * 2 ** (3 * place // depth)
        stride = 1 if outputs == inputs or place == 0 else 2
        layers.append(nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=not normalizes))
        layers += [nn.BatchNorm2d(outputs)] * normalizes + [nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def networks():
    """Names, networks, and whether their normalization has the statistics of the images."""
    for depth in (14, 20, 26, 32, 44, 56, 80, 110):
        for width in (0.5, 1):
            for knows in (False, True):
                yield f"ResNet-{depth}, width {width}", ResNet(depth, width), knows
    for depth, width in ((6, 128), (12, 256), (30, 64)):
        for activation in (nn.ReLU, nn.Tanh):
            for normalizes in (False, True):
                yield f"perceptron of {depth}", perceptron(depth, width, activation, normalizes), normalizes
    for depth in (8, 16, 30):
        for normalizes in (False, True):
            yield f"convolutions of {depth}", convolutions(depth, 8, normalizes), normalizes


def learn_statistics(network, images):
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = None
    with torch.no_grad():
        network.train()(images)


def main():
    images = data.test_set().pixels[:IMAGES]
    found = {"minibatch": 0, "biased": 0}
    count = 0
    torch.manual_seed(0)
    for name, network, knows in networks():
        count += 1
        if knows:
            learn_statistics(network, images)
        for estimator in found:
            result = ckakit.compare(network.eval(), [images], estimator=estimator)
            blocks = ckakit.blocks(result).blocks
            found[estimator] += bool(blocks)
            for block in blocks:
                print(
                    f"{name}{', statistics' if knows else ''}, {estimator}: {block['firstLayer']} to "
                    f"{block['lastLayer']}, {block['size']} layers of {len(result.rows)}, contrast "
                    f"{block['contrast']:.2f}, p {block['p']:.3f}", flush=True)
    for estimator, maps in found.items():
        print(f"{estimator}: {maps} of {count} networks have a block")


if __name__ == "__main__":
    main()
