import Activations

/// Finds the arrays in a model's files.
enum ModelReader {
  /// The arrays in one file, what kind of file it is, and the list of layers it holds.
  static func read(
    _ path: String
  ) throws(ActivationFileError) -> (kind: FileKind, arrays: [FoundArray], list: LayerList?) {
    let place = Place(path: path)
    let file = try MappedFile(path: path)
    let kind = try FileKind(file, place: place)
    let arrays: [FoundArray]
    var list: LayerList?
    switch kind {
    case .npy:
      let name = ModelNames.stem(split(path).name)
      arrays = [
        try FoundArray(name) { () throws(ActivationFileError) in
          try NPYReader.layer(name, in: file, place: place)
        }
      ]
    case .npz: arrays = try NPZReader.layers(in: file, place: place)
    case .safetensors: (arrays, list) = try SafetensorsReader.layers(in: file, place: place)
    case .hdf5: arrays = try hdf5Arrays(in: file, place: place)
    }
    return (kind, arrays, list)
  }

  private static func hdf5Arrays(
    in file: MappedFile, place: Place
  ) throws(ActivationFileError) -> [FoundArray] {
    #if HDF5
      return try HDF5Reader.arrays(in: file, place: place)
    #else
      throw place.data(
        "found HDF5, which this build cannot read: build with libhdf5 "
          + "(trait HDF5), or save the arrays with numpy.savez as .npz")
    #endif
  }

  /// The arrays of all files in `folder`, in natural order, and the list of layers in the first shard.
  static func arrays(
    inFolder folder: String
  ) throws(ActivationFileError) -> (arrays: [FoundArray], list: LayerList?) {
    var list: LayerList?
    var shards: [Shards.Shard] = []
    var firstKind: FileKind?
    var others: [FoundArray] = []
    for name in try activationFileNames(in: folder) {
      let path = joined(folder, name)
      let file: (kind: FileKind, arrays: [FoundArray], list: LayerList?)
      do throws(ActivationFileError) {
        file = try read(path)
      } catch {
        // A file whose name promises activations is damaged, any other one is something else.
        guard let reason = error.whyNoLayer, !promisesActivations(name) else { throw error }
        others.append(.skipped(SkippedArray(name, reason: reason, error: error)))
        continue
      }
      let expected = firstKind ?? file.kind
      guard file.kind == expected else {
        throw Place(path: path).data(
          "found a \(file.kind.rawValue) file, expected only \(expected.rawValue) files in a "
            + "folder with \(quoted(shards.first?.path ?? ""))")
      }
      if firstKind == nil { list = file.list }
      firstKind = expected
      shards.append(Shards.Shard(path: path, arrays: file.arrays))
    }
    guard let firstKind, let joinedShards = Shards(shards) else {
      throw others.first?.skipped?.error
        ?? Place(path: folder).error(
          .noInput, "found no activations, expected .npy, .npz, .safetensors or .h5 files")
    }
    guard firstKind == .npy else { return (try joinedShards.joined() + others, list) }
    return (
      shards.flatMap(\.arrays).sorted { naturallyPrecedes($0.name, $1.name) } + others, nil
    )
  }

  private static let passedOver = [".json", ".md", ".txt", ".csv", ".png", ".svg", ".pdf"]

  /// Whether a file's name says that it holds activations: where it does not, it is damaged. Any other is
  /// something else.
  private static func promisesActivations(_ name: String) -> Bool {
    ModelNames.stem(name) != name
  }

  /// The names of the files in `folder` that may hold activations.
  private static func activationFileNames(
    in folder: String
  ) throws(ActivationFileError) -> [String] {
    var names: [String] = []
    let found = try fileNames(in: folder) { !promisesActivations($0) }
    for name in found.sorted(by: naturallyPrecedes) {
      if name.hasPrefix(".") || passedOver.contains(where: name.lowercased().hasSuffix) { continue }
      do throws(ActivationFileError) {
        switch try FileType(path: joined(folder, name)) {
        case .folder: continue
        case .special where !promisesActivations(name): continue
        case .regular, .special: names.append(name)
        }
      } catch {
        // A link to nothing.
        guard error.kind == .noInput, !promisesActivations(name) else { throw error }
      }
    }
    return names
  }
}
