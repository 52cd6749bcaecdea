"""Results: what is in them, as arrays, tables, pictures and files."""

import copy
import gc
import json
import pickle
import sys

import numpy as np
import pytest

import ckakit

rng = np.random.default_rng(0)
X = {f"layer{i}": rng.normal(size=(40, 5)) for i in range(3)}
X["constant"] = np.ones((40, 2))


@pytest.fixture
def result():
    return ckakit.compare(X, estimator="unbiased")


def test_names_statuses_and_layers_are_those_of_the_models(result):
    assert result.rows == result.columns == list(X)
    assert result.status[0, 0] == "ok" and result.status[3, 0] == "constant"
    assert np.isnan(result.cka[3]).all() and np.isnan(result.z[0, 3])
    assert [layer["features"] for layer in result.layers[0]] == [5, 5, 5, 2]
    assert result.standard_error is None


def test_a_result_is_an_array(result):
    assert np.asarray(result).dtype == np.float64
    assert np.array_equal(np.asarray(result), result.cka, equal_nan=True)
    assert np.asarray(result, dtype=np.float32).dtype == np.float32
    copy = np.array(result)
    copy[0, 0] = 7
    assert result.cka[0, 0] == 1


def test_a_table_has_a_line_a_cell(result):
    pandas = pytest.importorskip("pandas")
    table = result.to_pandas()
    assert list(table.columns) == ["row", "column", "cka", "z", "status"] and len(table) == 16
    cell = table[(table.row == "layer0") & (table.column == "layer2")]
    assert cell.cka.item() == result.cka[0, 2]
    square = table.pivot(index="row", columns="column", values="cka").loc[list(X), list(X)]
    assert np.array_equal(square.to_numpy(), result.cka, equal_nan=True)
    assert isinstance(table, pandas.DataFrame)


def test_names_of_layers_stay_names_in_tables():
    pytest.importorskip("pandas")
    labels = np.arange(40) % 2
    table = ckakit.probe({"1": X["layer0"], "NA": X["layer1"]}, labels).to_pandas()
    assert list(table.layer) == ["1", "NA"] and table.test_accuracy.dtype == float


def test_xarray_has_names_on_its_axes(result):
    pytest.importorskip("xarray")
    found = result.to_xarray()
    assert found.cka.sel(row="layer0", column="layer2").item() == result.cka[0, 2]
    assert found.status.sel(row="constant", column="layer0").item() == "constant"


def test_a_plot_shows_the_scores():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    result = ckakit.compare(X, {"a": X["layer0"], "b": X["layer1"]}, estimator="unbiased")
    _, ax = plt.subplots()
    assert result.plot(ax, vmin=-0.1, vmax=0.9, cmap="viridis", annotate=True) is ax
    image = ax.images[0]
    assert np.allclose(image.get_array().filled(np.nan), result.cka, equal_nan=True)
    # As the pictures of the command.
    assert image.origin == "lower"
    assert image.get_clim() == (-0.1, 0.9) and image.cmap.name == "viridis"
    assert [text.get_text() for text in ax.get_yticklabels()] == list(X)
    texts = [text.get_text() for text in ax.texts]
    assert texts[0] == "1.00" and texts[-1] == "constant"
    result.cka[0, 1] = -0.001
    assert "-0.00" not in [text.get_text() for text in result.plot(annotate=True).texts]
    plain = result.plot(labels=False)
    assert plain is not ax and len(plain.get_yticks()) == 0
    plt.close("all")


def test_notebooks_show_the_map(result):
    assert result._repr_png_().startswith(b"\x89PNG")
    assert result._repr_png_() == result.file("heatmap.png")
    assert result._repr_html_().startswith("<img ")


def test_files_are_those_of_the_command(result, tmp_path):
    folder = tmp_path / "result"
    result.save(folder, report=True)
    assert {path.name for path in folder.iterdir()} == set(result.files)
    for name in result.files:
        assert (folder / name).read_bytes() == result.file(name), name
    with pytest.raises(OSError, match="exists"):
        result.save(folder)
    result.save(folder, overwrite=True)
    result.report(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_bytes() == result.report() == result.file("report.html")
    with pytest.raises(ValueError, match="there are result.json|there is no file x.npy; there are"):
        result.file("x.npy")
    with pytest.raises(ValueError, match="there are cka, z"):
        result.array("x")


def test_options_of_the_command_are_arguments_in_messages(result, tmp_path):
    result.save(tmp_path / "a")
    with pytest.raises(OSError, match="exists; overwrite=True replaces it"):
        result.save(tmp_path / "a")
    with pytest.raises(FileNotFoundError, match="with--dashes: .*"):
        ckakit.load(tmp_path / "with--dashes")


def test_what_was_saved_is_loaded(result, tmp_path):
    result.save(tmp_path / "result")
    loaded = ckakit.load(tmp_path / "result")
    assert type(loaded) is ckakit.Result and loaded.rows == result.rows
    assert np.array_equal(loaded.cka, result.cka, equal_nan=True)
    assert np.array_equal(loaded.z, result.z, equal_nan=True)
    assert (loaded.status == result.status).all()
    assert loaded.document == result.document
    with pytest.raises(FileNotFoundError):
        ckakit.load(tmp_path / "nothing")


def test_streams_have_documents_and_pictures():
    stream = ckakit.Stream(names=["one", "two"])
    for _ in range(2):
        stream.add({"x": rng.normal(size=(8, 3))}, {"y": rng.normal(size=(8, 4))})
    result = stream.result()
    assert [model["name"] for model in result.document["models"]] == ["one", "two"]
    assert result.document["examples"]["used"] == 16
    assert result.file("heatmap.svg").startswith(b"<?xml")


def test_an_array_outlives_its_result():
    array = ckakit.compare(X, estimator="unbiased").array("cka")
    assert array[0, 0] == 1 and array.flags.owndata


def test_a_copy_does_not_close_the_handle_of_the_original(result):
    for copied in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"cannot be copied or pickled: save\(folder\) and ckakit.load"):
            copied(result)
    copy.copy(result)
    gc.collect()
    assert result.file("cka.npy").startswith(b"\x93NUMPY")


def test_import_takes_none_of_the_libraries_that_it_may_use():
    code = (
        "import sys, ckakit; ckakit.compare({'x': __import__('numpy').eye(8)}, estimator='unbiased'); "
        "print([name for name in ('torch', 'pandas', 'xarray', 'matplotlib', 'tqdm') if name in sys.modules])")
    import subprocess

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]" and found.stderr == ""


def test_documents_are_json_with_null_for_what_has_no_value(result):
    text = result.file("result.json").decode()
    assert json.loads(text)["undefinedCells"][0] == {"row": 0, "column": 3, "status": "constant"}
    assert "NaN" not in text
