"""Activations on disk: a folder that the command `cka` reads, written layer by layer while a network runs.

    NAME/LAYER.npy      a layer, its first axis the examples
    NAME/layers.json    layers in the order in which they ran, their stages and layouts, sample IDs
    NAME/record.json    what was recorded: the network's name, each layer's pooling
"""

import fnmatch
import glob
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path

from ._batches import ids_of
from ._masks import mask_of
from ._npy import DTYPES, GrowingArray

LAYERS, DESCRIPTION = "layers.json", "record.json"


class Recorder:
    """A folder that is being recorded: a sink of layers, and a context that leaves nothing of an unfinished one.

    The folder is made aside and appears whole. See `ckakit.record` for the arguments; `network` is a `Layers`.
    """

    def __init__(self, folder, network, name=None, *, stages=None, ids=None, dtype=None, overwrite=False):
        # Without the links of its last part only: a link to a folder is replaced as itself.
        self.folder = Path(os.path.abspath(folder))
        self.network, self.name = network, name
        if dtype is not None and str(dtype).removeprefix("torch.") not in DTYPES:
            raise ValueError(f"dtype is {dtype!r}, expected {', '.join(DTYPES)}")
        self.dtype = None if dtype is None else str(dtype).removeprefix("torch.")
        self.stages, self.overwrite = stages, overwrite
        self._ids = ids if ids is None or callable(ids) or isinstance(ids, str) else list(map(str, _plain(ids)))
        self._found_ids = []
        self._arrays, self._layouts = {}, {}
        # Examples, rows and minibatches so far, and the rows of the present minibatch.
        self.examples = self.rows = self.minibatches = 0
        self._now = None
        self._partial = self.folder.with_name(f".{self.folder.name}.partial-{os.getpid()}")

    def __enter__(self):
        self._check_place()
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        _delete_leftovers(self.folder)
        self._partial.mkdir()
        return self

    def __exit__(self, *_):
        shutil.rmtree(self._partial, ignore_errors=True)

    @property
    def layers(self):
        """The names of layers in the order in which they ran."""
        return list(self._arrays)

    @contextmanager
    def minibatch(self, batch, size):
        """A minibatch, all of whose layers are added while the block lasts."""
        self._now = None
        yield self
        if self._now is None:
            raise ValueError("no layer ran")
        for layer, array in self._arrays.items():
            if array.rows != self.rows + self._now:
                raise ValueError(f"layer {layer} did not run on minibatch {self.minibatches}, but on earlier ones")
        if self._ids is not None:
            self._found_ids += self._ids_of(batch, size)
        self.examples += size
        self.rows += self._now
        self.minibatches += 1

    def add(self, layer, activations, layout=None):
        """Appends a layer's rows of a minibatch, which are written when this returns."""
        rows = activations.shape[0]
        if self._now is None:
            self._now = rows
        elif rows != self._now:
            raise ValueError(
                f"layer {layer} has {rows} examples, layer {self.layers[0]} {self._now}: tokens as examples need "
                "layers of as many tokens; leave it out with exclude=")
        if layer not in self._arrays:
            if self.rows:
                raise ValueError(f"layer {layer} runs on minibatch {self.minibatches}, but not on earlier ones")
            path = self._partial / f"{file_name(layer)}.npy"
            if path.exists():
                raise ValueError(f"layer {layer} would be recorded in the same file as another one, {path.name}")
            self._arrays[layer] = GrowingArray(path, layer, self.dtype)
            self._layouts[layer] = layout
        self._arrays[layer].append(activations)

    def finish(self):
        """Makes the folder appear."""
        if not self._arrays:
            raise ValueError("the loader has no minibatch")
        for array in self._arrays.values():
            array.finish()
        self._write(LAYERS, self._layer_list())
        self._write(DESCRIPTION, self._description())
        self._check_place()
        if not os.path.lexists(self.folder):
            self._partial.rename(self.folder)
            return
        replaced = self.folder.with_name(f".{self.folder.name}.replaced-{os.getpid()}")
        self.folder.rename(replaced)
        try:
            self._partial.rename(self.folder)
        except BaseException:
            replaced.rename(self.folder)
            raise
        shutil.rmtree(replaced, ignore_errors=True)

    def _check_place(self):
        if not os.path.lexists(self.folder):
            return
        if not self.overwrite:
            raise FileExistsError(f"{self.folder} exists; overwrite=True replaces what was recorded")
        if self.folder.is_symlink() or not self.folder.is_dir():
            raise FileExistsError(f"{self.folder} is no folder: it is not replaced")
        names = {path.name for path in self.folder.iterdir()}
        strangers = sorted(name for name in names - {LAYERS, DESCRIPTION} if not name.endswith(".npy"))
        if strangers or (names and LAYERS not in names):
            what = f"contains {strangers[0]}" if strangers else f"has no {LAYERS}"
            raise FileExistsError(f"{self.folder} {what}, which record does not write: it is not replaced")

    def _ids_of(self, batch, size):
        if isinstance(self._ids, list):
            ids = self._ids[self.examples:self.examples + size]
            if len(ids) < size:
                raise ValueError(f"there are {len(self._ids)} sample IDs, and more examples")
        else:
            ids = ids_of(batch, self._ids, size)
        if not self.network.pooling.is_of_tokens:
            return ids
        mask = mask_of(batch, size, self.network.mask)
        flags = [[True] * (self._now // size)] * size if mask is None else mask.flags.tolist()
        return [f"{each}:{token}" for each, row in zip(ids, flags) for token, counts in enumerate(row) if counts]

    def _layer_list(self):
        layers = []
        for layer, array in self._arrays.items():
            entry = {"name": file_name(layer), "stage": self._stage(layer)}
            if len(array.shape) > 1:
                entry["layout"] = self._layouts[layer]
            layers.append({key: value for key, value in entry.items() if value is not None})
        document = {"layers": layers}
        if self._ids is not None:
            given = len(self._ids) if isinstance(self._ids, list) else self.examples
            if given != self.examples:
                raise ValueError(f"there are {given} sample IDs for {self.examples} examples")
            seen = set()
            for each in self._found_ids:
                if each in seen:
                    raise ValueError(f"the sample ID {each!r} is that of several examples")
                seen.add(each)
            document["examples"] = self._found_ids
        return document

    def _description(self):
        poolings = {layer: self.network.pooling.of(layer) for layer in self._arrays}
        named = {layer: "function" if callable(choice) else choice for layer, choice in poolings.items()}
        return {
            "format": "cka-record/1",
            "model": self.name or type(self.network.root).__name__,
            "examples": self.examples,
            "layers": [
                {"name": layer, "file": self._arrays[layer].path.name, "pooling": choice}
                for layer, choice in named.items()],
        }

    def _stage(self, layer):
        if callable(self.stages):
            return self.stages(layer)
        if isinstance(self.stages, Mapping):
            return next((stage for pattern, stage in self.stages.items() if fnmatch.fnmatchcase(layer, pattern)), None)
        return layer.partition(".")[0] if "." in layer else None

    def _write(self, name, document):
        """JSON with a layer to a line, so that a person can read it."""
        parts = []
        for key, value in document.items():
            text = json.dumps(value, ensure_ascii=False)
            if key == "layers":
                text = "[\n" + ",\n".join("    " + json.dumps(each, ensure_ascii=False) for each in value) + "\n  ]"
            parts.append(f"  {json.dumps(key)}: {text}")
        (self._partial / name).write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def file_name(layer):
    """A layer's name as that of a file: what a file's name cannot hold is written as in an address, `%2F` for "/"."""
    name = layer.replace("/", "%2F").replace("\0", "%00")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if not name or len(name.encode()) > 251:
        raise ValueError(
            f"the layer {layer!r} cannot be a file: its name has {len(name.encode())} bytes, expected 1 to 251")
    return name


def _plain(ids):
    return ids.tolist() if hasattr(ids, "tolist") else ids


def _delete_leftovers(folder):
    """Deletes what runs that were killed have left beside a folder."""
    for path in folder.parent.glob(f".{glob.escape(folder.name)}.partial-*"):
        process = path.name.rpartition("-")[2]
        if process.isdigit() and not _runs(int(process)):
            shutil.rmtree(path, ignore_errors=True)


def _runs(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
