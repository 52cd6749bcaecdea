"""A plain network of ten layers, like the one whose layers Kornblith et al. (2019) match.

Nine convolutions with batch normalization, and a linear classifier; no residual connections, so that
no layer is nearly a copy of the one before it.
"""

from collections import OrderedDict

from torch import nn
from torch.nn.functional import adaptive_avg_pool2d

from resnet import GlobalAveragePool

# Channels and stride of each convolution of 3 × 3.
CONVOLUTIONS = [(16, 1), (16, 1), (16, 2), (32, 1), (32, 1), (32, 2), (64, 1), (64, 1), (64, 1)]
LAYERS = [f"layer{number}.relu" for number in range(1, 10)] + ["logits"]
PLACES = 2  # a side, to which maps are averaged where layers are matched


def new(classes=10):
    layers, inputs = OrderedDict(), 1
    for number, (outputs, stride) in enumerate(CONVOLUTIONS, start=1):
        layers[f"layer{number}"] = nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
                norm=nn.BatchNorm2d(outputs),
                relu=nn.ReLU(inplace=True),
            )
        )
        inputs = outputs
    layers["pool"] = GlobalAveragePool()
    layers["logits"] = nn.Linear(inputs, classes)
    return nn.Sequential(layers)


def pooled(output, mask=None):
    """Means over 2 × 2 places of a map: fewer features than images, without which the measures that
    undo linear maps say nothing."""
    return adaptive_avg_pool2d(output, PLACES).flatten(1) if output.ndim == 4 else output
