"""Record the output of every layer of a PyTorch model into a folder that `cka` reads.

    model.eval()
    with torch.no_grad(), ActivationRecorder(model, "activations/mine", example_count=len(data)):
        for images, _ in loader:  # no shuffling: every model must see the same examples in order
            model(images)

The folder holds one `.npy` per layer, its first axis the examples, and a `layers.json` with the
layers in the order of their execution, their stages, and the examples' IDs. The file stands
alone (PyTorch and NumPy): copy it into your own project.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import torch


def is_leaf(name, module):
    """The default choice of layers: every module that contains no other."""
    return next(module.children(), None) is None


def stage_of(name):
    """The default stage of a layer: its outermost module (`layer1` of `layer1.0.conv1`)."""
    return name.partition(".")[0] if "." in name else None


class ActivationRecorder:
    """A context manager that writes the outputs of a model's modules as they are computed.

    Rows go straight into memory-mapped files, so memory holds one batch, however many examples
    there are. Hooks are removed on exit, even after an error; the folder appears only when every
    row of every layer has been written.

    model: the module to watch; it must be in inference mode (`model.eval()`), or batch
        normalization would mix the examples of a batch.
    folder: where to write; it must not exist yet.
    example_count: the number of examples that will pass through the model altogether.
    dtype: the scalar type of the files, `float16` or `float32`.
    example_ids: one string per example. `cka` refuses two models whose IDs differ.
    layers: (name, module) → bool, which modules to record. What a model computes without a
        module (`x + y`, `F.relu`) has no hook: give it one, as `Add` does in resnet.py.
    stage: name → the stage a layer belongs to, or None.
    """

    def __init__(
        self,
        model,
        folder,
        example_count,
        dtype="float32",
        example_ids=None,
        layers=is_leaf,
        stage=stage_of,
    ):
        if example_ids is not None and len(example_ids) != example_count:
            raise ValueError(f"{len(example_ids)} example IDs for {example_count} examples")
        self.model = model
        self.folder = Path(folder)
        self.example_count = example_count
        self.dtype = np.dtype(dtype)
        self.example_ids = example_ids
        self.stage = stage
        self._chosen = [
            (name or type(module).__name__, module)  # a model that is one layer has no name
            for name, module in model.named_modules()
            if layers(name, module)
        ]
        self._partial = self.folder.with_name(self.folder.name + ".partial")
        self._hooks = []
        self._files = {}  # layer → its memory-mapped array, in the order of first execution
        self._rows_written = {}  # layer → rows so far
        self._calls = {}  # module → calls in this forward pass
        self._batch_start = 0  # the first row of this forward pass
        self._batch_rows = None

    def __enter__(self):
        if self.model.training:
            raise ValueError("the model is in training mode: call model.eval() first")
        if self.folder.exists():
            raise FileExistsError(f"{self.folder} exists already")
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)
        self._hooks.append(self.model.register_forward_pre_hook(self._begin_pass))
        for name, module in self._chosen:
            self._hooks.append(module.register_forward_hook(self._hook(name)))
        self._hooks.append(self.model.register_forward_hook(self._end_pass))
        return self

    def __exit__(self, error_type, error, traceback):
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        try:
            if error_type is None:
                self._finish()
        finally:
            self._files.clear()
            shutil.rmtree(self._partial, ignore_errors=True)

    def _begin_pass(self, module, inputs):
        self._calls.clear()
        self._batch_rows = None

    def _end_pass(self, module, inputs, output):
        self._batch_start += self._batch_rows or 0

    def _hook(self, name):
        def record(module, inputs, output):
            call = self._calls[name] = self._calls.get(name, 0) + 1
            self._append(name if call == 1 else f"{name}#{call}", output)

        return record

    def _append(self, layer, output):
        if isinstance(output, (tuple, list)) and output:
            output = output[0]
        if not isinstance(output, torch.Tensor) or output.dim() == 0:
            raise TypeError(f"{layer}: its output is no tensor with a row per example")
        # The rows are copied into the file here, before an in-place module that follows (a ReLU
        # after a batch normalization, say) can overwrite them.
        values = output.detach()
        rows = values.to(torch.float32).cpu().numpy()
        if self._batch_rows is None:
            self._batch_rows = len(rows)
        if len(rows) != self._batch_rows:
            raise ValueError(f"{layer}: {len(rows)} rows in a batch of {self._batch_rows}")
        end = self._batch_start + len(rows)
        if end > self.example_count:
            raise ValueError(f"more than the {self.example_count} examples announced")
        if self._rows_written.get(layer, 0) != self._batch_start:
            raise ValueError(f"{layer}: absent from an earlier batch")
        with np.errstate(over="ignore"):
            converted = rows.astype(self.dtype, copy=False)
        if np.isinf(converted).any() and not np.isinf(rows).any():
            raise OverflowError(f"{layer}: a value does not fit {self.dtype}: use float32")
        if layer not in self._files:
            self._files[layer] = np.lib.format.open_memmap(
                self._partial / f"{layer}.npy",
                mode="w+",
                dtype=self.dtype,
                shape=(self.example_count, *rows.shape[1:]),
            )
        self._files[layer][self._batch_start : end] = converted
        self._rows_written[layer] = end

    def _finish(self):
        for layer, rows in self._rows_written.items():
            if rows != self.example_count:
                raise ValueError(f"{layer}: {rows} of {self.example_count} examples recorded")
        if not self._files:
            raise ValueError("no layer was recorded: the model did not run")
        for file in self._files.values():
            file.flush()
        layers = []
        for layer in self._files:
            stage = self.stage(layer)
            layers.append({"name": layer} if stage is None else {"name": layer, "stage": stage})
        description = {"layers": layers}
        if self.example_ids is not None:
            description["examples"] = list(self.example_ids)
        (self._partial / "layers.json").write_text(_compact_json(description))
        self._partial.rename(self.folder)


def _compact_json(description):
    """JSON with one layer to a line, so that a person can read it and a diff stays small."""
    lines = ",\n".join("    " + json.dumps(layer) for layer in description["layers"])
    text = '{\n  "layers": [\n' + lines + "\n  ]"
    if "examples" in description:
        text += ',\n  "examples": ' + json.dumps(description["examples"])
    return text + "\n}\n"
