#!/usr/bin/env python3
"""CKA of all layers by the package `torch_cka`, on stored activations.

    python3 torch_cka_peer.py MODEL [MODEL2] --batch-size 256 --runs 5 --output map.npy
"""

import warnings
from importlib.metadata import version

import peer

options = peer.arguments(__doc__)
torch = peer.require("torch", "PyTorch")
package = peer.require("torch_cka", "torch_cka")

import stored_model  # noqa: E402

torch.set_num_threads(peer.processors())
torch.set_grad_enabled(False)


def compare():
    left, right = stored_model.models(options)
    data = stored_model.loader(left, options.batch_size)
    with warnings.catch_warnings():
        # It warns of models that have one name.
        warnings.simplefilter("ignore")
        cka = package.CKA(
            left,
            right,
            model1_layers=left.names,
            model2_layers=right.names,
            device="cpu",
        )
        cka.compare(data, data)
    return cka.hsic_matrix


peer.serve(f"torch_cka {version('torch_cka')}", "PyTorch's own threads", compare, options)
