import Activations

/// The activations of one model, read from files.
///
/// A model is one of these; the format is detected from the content, not the file name:
/// - a `.npy` file: one layer; a 1-D array is n × 1;
/// - a `.npz` file: each array is a layer, in the archive's order;
/// - a `.safetensors` file: each tensor is a layer, in the natural order of names;
/// - an HDF5 file: each dataset is a layer, called by its path (with the package trait `HDF5`);
/// - a folder of `.npy` files: each is a layer, in the natural order of names;
/// - a folder of `.npz`, of `.safetensors` or of HDF5 files with the same layers: consecutive
///   examples, in the natural order of file names.
///
/// An array that cannot be a layer (a single number, strings, another number of examples) is
/// skipped; `skipped` says which and why. A damaged file is an error. In a folder, hidden files,
/// subfolders and files called `.json`, `.md`, `.txt`, `.csv`, `.png`, `.svg` or `.pdf` are
/// skipped. A file `layers.json` in the folder, or beside a single file, gives the order of the
/// layers (all of them), their stages and the sample IDs. Sample IDs may as well stand in
/// `examples.txt` in the folder, or in `NAME.examples.txt` beside a single file, one a line.
///
/// Files are mapped, not copied, and numbers stay as they are stored: of any scalar type, byte order
/// and memory order, perhaps unaligned. Every size in a header is checked against the file first.
/// A file that is cut short while it is open ends the process with SIGBUS, as with any mapping.
public struct ModelFiles: ActivationSource {
  /// The last component of the path, of a file without the extension of its format.
  public let name: String
  /// All layers, which have the same number of examples and at least one.
  public let layers: [LayerActivations]
  /// What `layers.json` or `examples.txt` calls the examples.
  public let exampleIDs: [String]?
  /// The file or folder, as it was given.
  public let path: String

  /// The arrays that cannot be layers, or have another number of examples than the layers; of a choice
  /// of layers those that were chosen.
  public let skipped: [SkippedArray]

  /// Opens the file or folder at `path` and takes all layers.
  public init(path: String) throws(ActivationFileError) {
    self = try ModelContents(path: path).model()
  }

  init(
    name: String, path: String, layers: [LayerActivations], skipped: [SkippedArray],
    exampleIDs: [String]?
  ) {
    self.name = name
    self.path = path
    self.layers = layers
    self.skipped = skipped
    self.exampleIDs = exampleIDs
  }
}
