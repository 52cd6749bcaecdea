import Activations

/// The activations of one model, read from files.
///
/// A model is one of these, told by content and not by extension:
/// - a `.npy` file: one layer; a 1-D array is n × 1;
/// - a `.npz` file: each array is a layer, in the archive's order;
/// - a `.safetensors` file: each tensor is a layer, in the order of the data;
/// - an HDF5 file: each dataset is a layer, called by its path (with the package trait `HDF5`);
/// - a folder of `.npy` files: each is a layer, in the natural order of names;
/// - a folder of `.npz`, of `.safetensors` or of HDF5 files with the same layers: consecutive
///   examples, in the natural order of file names.
///
/// In a folder, hidden files, subfolders and files called `.json`, `.md`, `.txt`, `.csv`, `.png`,
/// `.svg` or `.pdf` are passed over; anything else that holds no activations is an error. A file
/// `layers.json` in the folder, or beside a single file, gives the order of the layers (all of
/// them), their stages and the sample IDs. Sample IDs may as well stand in `examples.txt` in the folder,
/// or in `NAME.examples.txt` beside a single file, one a line.
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

  /// Opens the file or folder at `path`.
  public init(path: String) throws(ActivationFileError) {
    self.path = path
    let list: LayerList?
    let examples: ExampleList?
    var layers: [LayerActivations]
    switch try FileType(path: path) {
    case .folder:
      name = folderName(path)
      list = try LayerList(in: path)
      examples = try ExampleList(path: joined(path, "examples.txt"))
      layers = try ModelFiles.layers(inFolder: path)
      if let list { layers = try list.arrange(layers) }
    case .regular, .special:
      let parts = split(path)
      name = stem(parts.name)
      let file = try ModelFiles.read(path)
      layers = file.layers
      list = try LayerList(in: parts.folder)
      examples = try ExampleList(path: joined(parts.folder, "\(name).examples.txt"))
      if let list {
        layers = file.kind == .npy ? layers.map(list.annotate) : try list.arrange(layers)
      }
    }
    try ModelFiles.checkNames(layers, path: path)
    try checkExampleCounts(layers, path: path)
    let count = layers.first?.shape.exampleCount ?? 0
    try examples?.checkAlone(beside: list)
    if let examples {
      exampleIDs = try examples.examples(count: count)
    } else {
      exampleIDs = try list?.examples(count: count)
    }
    self.layers = layers
  }

  /// The layers in one file and what kind of file it is.
  private static func read(
    _ path: String
  ) throws(ActivationFileError) -> (kind: FileKind, layers: [LayerActivations]) {
    let place = Place(path: path)
    let file = try MappedFile(path: path)
    let kind = try FileKind(file, place: place)
    let layers =
      switch kind {
      case .npy: [try NPYReader.layer(stem(split(path).name), in: file, place: place)]
      case .npz: try NPZReader.layers(in: file, place: place)
      case .safetensors: try SafetensorsReader.layers(in: file, place: place)
      case .hdf5: try hdf5Layers(in: file, place: place)
      }
    // A header's page brings its neighbors along, up to 2 MB of them: with a file a layer, they would
    // be most of the process's memory.
    file.evict(file.bytes)
    return (kind, layers)
  }

  private static func hdf5Layers(
    in file: MappedFile, place: Place
  ) throws(ActivationFileError) -> [LayerActivations] {
    #if HDF5
      return try HDF5Reader.layers(in: file, place: place)
    #else
      throw place.data(
        "found HDF5, which this build cannot read: build with `swift build --traits HDF5` (libhdf5 "
          + "must be there), or save the arrays with numpy.savez as .npz")
    #endif
  }

  /// The layers of all files in `folder`, in natural order.
  private static func layers(
    inFolder folder: String
  ) throws(ActivationFileError) -> [LayerActivations] {
    var shards: [Shards.Shard] = []
    var firstKind: FileKind?
    for name in try activationFileNames(in: folder) {
      let path = joined(folder, name)
      let file = try read(path)
      let expected = firstKind ?? file.kind
      guard file.kind == expected else {
        throw Place(path: path).data(
          "found a \(file.kind.rawValue) file, expected only \(expected.rawValue) files in a "
            + "folder with \(quoted(shards.first?.path ?? ""))")
      }
      firstKind = expected
      shards.append(Shards.Shard(path: path, layers: file.layers))
    }
    guard let firstKind, let joinedShards = Shards(shards) else {
      throw Place(path: folder).error(
        .noInput, "found no activations, expected .npy, .npz, .safetensors or .h5 files")
    }
    guard firstKind == .npy else { return try joinedShards.joined() }
    return shards.flatMap(\.layers).sorted { naturallyPrecedes($0.name, $1.name) }
  }

  private static let passedOver = [".json", ".md", ".txt", ".csv", ".png", ".svg", ".pdf"]

  /// The names of the files in `folder` that must hold activations.
  private static func activationFileNames(
    in folder: String
  ) throws(ActivationFileError) -> [String] {
    var names: [String] = []
    for name in try fileNames(in: folder).sorted(by: naturallyPrecedes) {
      if name.hasPrefix(".") || passedOver.contains(where: name.lowercased().hasSuffix) { continue }
      if case .folder = try FileType(path: joined(folder, name)) { continue }
      names.append(name)
    }
    return names
  }

  /// Checks that the layers can be told apart.
  private static func checkNames(
    _ layers: [LayerActivations], path: String
  ) throws(ActivationFileError) {
    var names: Set<String> = []
    for layer in layers {
      guard !layer.name.isEmpty else {
        throw Place(path: path).data("holds a layer without a name")
      }
      guard names.insert(layer.name).inserted else {
        throw Place(path: path).data("holds the layer \(quoted(layer.name)) twice")
      }
    }
  }
}

/// A file's name without the extension of a format that is read.
private func stem(_ name: String) -> String {
  for suffix in [".npy", ".npz", ".safetensors", ".h5", ".hdf5"]
  where name.lowercased().hasSuffix(suffix) {
    return String(name.dropLast(suffix.count))
  }
  return name
}
