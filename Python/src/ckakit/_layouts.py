"""Which axis of a layer's output holds its channels, where the type of its module makes that certain."""

from functools import cache

FIRST, LAST = LAYOUTS = ("channels-first", "channels-last")


def axis_of_channels(module):
    """The layout of a module's output: one of `LAYOUTS`, or None where its type does not tell."""
    from torch import nn

    kinds = _kinds()
    own = next((kind for kind in type(module).__mro__ if kind.__module__.startswith("torch.nn.modules.")), None)
    # A subclass that computes something else, such as torchvision's LayerNorm2d, says nothing.
    if own is None or type(module).forward is not own.forward:
        return None
    if own is nn.Sequential:
        return _of_sequence(list(module), kinds)
    if own in kinds["normalizes"]:
        return LAST if len(module.normalized_shape) == 1 else None
    return FIRST if issubclass(own, kinds["first"]) else LAST if issubclass(own, kinds["last"]) else None


def _of_sequence(modules, kinds):
    """What comes last but for modules that keep the axes, such as a ReLU."""
    for module in reversed(modules):
        if type(module) not in kinds["keeps"]:
            return axis_of_channels(module)
    return None


def examples_are_second(module):
    """Whether a module says that its first axis counts tokens, and the second the examples."""
    from torch import nn

    if isinstance(module, (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)):
        module = module.self_attn
    return isinstance(module, (nn.RNNBase, nn.MultiheadAttention)) and not module.batch_first


@cache
def _kinds():
    from torch import nn
    from torch.nn.modules import batchnorm, conv, pooling

    return {
        "first": (
            conv._ConvNd, batchnorm._NormBase, nn.GroupNorm, nn.LocalResponseNorm, pooling._MaxPoolNd,
            pooling._AvgPoolNd, pooling._AdaptiveMaxPoolNd, pooling._AdaptiveAvgPoolNd, pooling._LPPoolNd,
            nn.FractionalMaxPool2d, nn.FractionalMaxPool3d, nn.Upsample, nn.PixelShuffle, nn.PixelUnshuffle,
            nn.ChannelShuffle),
        "last": (
            nn.Linear, nn.Bilinear, nn.Embedding, nn.MultiheadAttention, nn.RNNBase, nn.TransformerEncoderLayer,
            nn.TransformerDecoderLayer, nn.TransformerEncoder, nn.TransformerDecoder, nn.Transformer),
        # RMSNorm came with PyTorch 2.4.
        "normalizes": tuple(getattr(nn, name) for name in ("LayerNorm", "RMSNorm") if hasattr(nn, name)),
        "keeps": (
            nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Sigmoid,
            nn.Tanh, nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardsigmoid, nn.Hardswish, nn.Identity, nn.Dropout,
            nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout),
    }
