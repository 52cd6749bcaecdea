"""What the other analyses found."""

import os
from collections.abc import Mapping

import numpy as np

from ._files import AnalysisResult
from ._library import NONE, call
from ._result import Result, TrustResult


class ConvergeResult(AnalysisResult):
    """How far minibatches are from the exact value.

    Attributes
    ----------
    exact : numpy.ndarray
        The exact values, rows × columns.
    errors : numpy.ndarray
        Root mean squares of the errors, batch sizes × passes × rows × columns.
    batch_sizes, passes : list of int
    """

    _table = "converge.csv"

    def __init__(self, handle):
        super().__init__(handle)
        self.exact, self.errors = self.array("exact"), self.array("errors")
        self.batch_sizes, self.passes = self.document["batchSizes"], self.document["passes"]

    def __repr__(self):
        return f"<ckakit.ConvergeResult: batch sizes {self.batch_sizes}, passes {self.passes}>"


class ComponentsResult(AnalysisResult):
    """Principal components of all layers, and CKA without the first ones.

    Attributes
    ----------
    cka : numpy.ndarray
        CKA, rows × columns.
    reduced : numpy.ndarray
        CKA without so many first components as `removed` says: counts × rows × columns.
    removed : list of int
    alignment : numpy.ndarray
        Squared cosines of the first components, rows × columns.
    contributions : numpy.ndarray
        What each pair of components adds to CKA: rows × columns × components × components.
    projections : numpy.ndarray
        Of the examples on each layer's first component: layers × examples.
    layers : list of list of dict
        For each of the one or two models what is known of its layers, such as `varianceFractions`.
    rows, columns : list of str
        The names of the layers of the first and of the last model.
    """

    _table = "components.csv"

    def __init__(self, handle):
        super().__init__(handle)
        for name in ("cka", "reduced", "alignment", "contributions", "projections"):
            setattr(self, name, self.array(name))
        self.removed, self.layers = self.document["removed"], self.document["layers"]
        models = self.document["models"]
        self.rows, self.columns = ([layer["name"] for layer in models[place]["layers"]] for place in (0, -1))

    def __repr__(self):
        return f"<ckakit.ComponentsResult: {self.document['components']} components, map of {self.cka.shape}>"


class BlocksResult(AnalysisResult):
    """Consecutive layers that are more similar than others as far apart.

    Attributes
    ----------
    blocks : list of dict
        Of the first model: `first`, `last`, `firstLayer`, `lastLayer`, `size`, `meanInside`, `contrast`, `p`.
    models : list of dict
        Of each model its `blocks`, and what no value kept from being looked at.
    """

    _table = "blocks.csv"

    def __init__(self, handle):
        super().__init__(handle)
        self.models = self.document["models"]
        self.blocks = self.models[0]["blocks"]

    def __repr__(self):
        count = sum(len(model["blocks"]) for model in self.models)
        return f"<ckakit.BlocksResult: {count} blocks in {len(self.models)} models>"


class ProbeResult(AnalysisResult):
    """Accuracy of a linear classifier on each layer.

    Attributes
    ----------
    layers : list of dict
        `name`, `testAccuracy`, `trainAccuracy`, `low` and `high` of a 95 % interval, `status` and more.
    majority_accuracy : float
        Of always naming the most frequent class.
    """

    _table = "probe.csv"

    def __init__(self, handle):
        super().__init__(handle)
        self.layers = self.document["layers"]
        self.majority_accuracy = self.document["majorityAccuracy"]

    def __repr__(self):
        return f"<ckakit.ProbeResult: {len(self.layers)} layers>"


class ErrorsResult(AnalysisResult):
    """Where two groups of networks err differently: see `document`, and the tables and matrices among `files`.

    Of `document`, `accuracy` has the mean accuracies and their difference. `to_pandas()` has a line an example.
    """

    _table = "examples.csv"

    def __repr__(self):
        return f"<ckakit.ErrorsResult: {' and '.join(group['name'] for group in self.document['groups'])}>"


class ModelPoints:
    """Networks as points of a plane and as a tree: those that are alike are near to each other.

    Attributes
    ----------
    names, groups : list of str
        The models that have a point, and their architectures.
    coordinates : numpy.ndarray
        Models × 2, in radians.
    stress : float
        How far the distances of the points are from those of the models: 0 is exact, 0.1 fair, 0.2 poor.
    linkage : numpy.ndarray
        The tree, as `scipy.cluster.hierarchy.linkage` has it: merges × 4.
    separation : dict or None
        Whether architectures differ by more than seeds do: the mean distances `between` and `within` architectures, the share
        of the sum of squares that is `explained` (R², at most 1), `explainedByChance`, `p`, and how many `permutations` were
        tried. None with one architecture alone, or one seed of each.
    left_out : list of str
        The models without a distance to some other, which have no point.
    """

    def __init__(self, document, models):
        chosen = [models[index] for index in document["models"]]
        self.names = [model["name"] for model in chosen]
        self.groups = [model["group"] for model in chosen]
        self.coordinates = np.array(document["points"], dtype=float)
        self.stress = document["stress"]
        self.linkage = np.array(
            [[merge[key] for key in ("left", "right", "height", "count")] for merge in document["merges"]], dtype=float)
        self.separation = document.get("separation")
        self.left_out = [models[index]["name"] for index in document["leftOut"]]

    def __repr__(self):
        return f"<ckakit.ModelPoints: {len(self.names)} models, stress {self.stress:.3f}>"


class SweepResult(AnalysisResult, Mapping):
    """Every pair of many models, by their names: `result["a", "b"]` is a `Result`.

    Attributes
    ----------
    store : str
        The folder of the store.
    names : list of str
        The models.
    """

    def __init__(self, handle, store):
        super().__init__(handle)
        self.store = store
        # The caller may change the working directory.
        self._root = os.path.abspath(store)
        self.names = [model["name"] for model in self.document["models"]]
        self._folders = {
            (self.names[pair["left"]], self.names[pair["right"]]): pair["folder"] for pair in self.document["pairs"]}

    def __getitem__(self, pair):
        if isinstance(pair, tuple) and pair not in self._folders and pair[::-1] in self._folders:
            raise KeyError(f"{pair}: there is {pair[::-1]}, whose rows are the layers of {pair[1]}")
        return load(os.path.join(self._root, "results", self._folders[pair]))

    def __iter__(self):
        return iter(self._folders)

    def __len__(self):
        return len(self._folders)

    def distances(self, distance="equal-depth"):
        """How far apart the models are, in radians: models × models, NaN where there is no value.

        Parameters
        ----------
        distance : str
            `equal-depth`, the mean angle arccos(CKA) between layers at equal relative depth, or `best-match`, that between a
            layer and the one of the other model that is most like it.
        """
        key = self._key(distance)
        matrix = np.full((len(self.names),) * 2, np.nan)
        for pair in self.document["pairs"]:
            left, right = pair["left"], pair["right"]
            matrix[left, right] = matrix[right, left] = 0 if left == right else pair.get(key, np.nan)
        return matrix

    def points(self, distance="equal-depth"):
        """The models as `ModelPoints`, by one of the `distances`.

        Raises
        ------
        ValueError
            Where fewer than three models have distances to each other.
        """
        self._key(distance)
        for document in self.document.get("points", []):
            if document["distance"] == distance:
                return ModelPoints(document, self.document["models"])
        raise ValueError(f"{self.store}: fewer than three models have distances to each other, expected points of a plane")

    def _key(self, distance):
        """What the document calls a distance."""
        keys = {"equal-depth": "distanceAtEqualDepth", "best-match": "distanceOfBestMatches"}
        if distance not in keys:
            raise ValueError(f"distance: {distance!r}, expected {' or '.join(keys)}")
        if "points" not in self.document:
            raise ValueError(f"{self.store}: was written before distances were; run sweep again")
        return keys[distance]

    def __repr__(self):
        return f"<ckakit.SweepResult: {len(self.names)} models, {len(self)} pairs in {self.store}>"


_TYPES = {
    "result.json": Result, "trust.json": TrustResult, "converge.json": ConvergeResult,
    "components.json": ComponentsResult, "blocks.json": BlocksResult, "probe.json": ProbeResult,
    "errors.json": ErrorsResult,
}


def load(folder):
    """Open what a command, `save` or a sweep wrote.

    Parameters
    ----------
    folder : path
        The folder of a result, or the store of a sweep.

    Returns
    -------
    AnalysisResult
        `Result`, `TrustResult` and so on, as it is.
    """
    folder = os.fspath(folder)
    found = AnalysisResult(call("cka_result_open", folder.encode()))
    document = next(name for name in found.files if name.endswith(".json"))
    handle, found._owner.handle = found._owner.handle, NONE
    return SweepResult(handle, folder) if document == "sweep.json" else _TYPES[document](handle)
