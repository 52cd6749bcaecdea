#!/usr/bin/env python3
"""CKA of all layers by the package `pytorch-cka`, on stored activations.

    python3 pytorch_cka_peer.py MODEL [MODEL2] --batch-size 256 --runs 5 --output map.npy
"""

from importlib.metadata import version

import peer

options = peer.arguments(__doc__)
torch = peer.require("torch", "PyTorch")
package = peer.require("cka", "pytorch-cka")

import stored_model  # noqa: E402

torch.set_num_threads(peer.processors())


def compare():
    left, right = stored_model.models(options)
    data = stored_model.loader(left, options.batch_size)
    return package.compute_cka(
        left,
        right,
        data,
        layers=left.names,
        model2_layers=right.names,
        device="cpu",
        progress=False,
    )[0]


peer.serve(f"pytorch-cka {version('pytorch-cka')}", "PyTorch's own threads", compare, options)
