import Activations

/// Reads `.npy` files.
enum NPYReader {
  /// The one array of `file` as a layer called `name`.
  static func layer(
    _ name: String, in file: MappedFile, place: Place
  ) throws(ActivationFileError) -> LayerActivations {
    try layer(name, at: 0..<file.bytes.count, of: file, place: place)
  }

  /// The array whose `.npy` representation fills `range` of `file`.
  static func layer(
    _ name: String, at range: Range<Int>, of file: MappedFile, place: Place
  ) throws(ActivationFileError) -> LayerActivations {
    // Most headers have 128 bytes.
    var start = try file.copy(range.prefix(256))
    let size = NPYHeader.size(of: start[...])
    if size > start.count, range.count > start.count { start = try file.copy(range.prefix(size)) }
    let header = try NPYHeader(start, totalSize: range.count, place: place)
    let numbers = UnsafeRawBufferPointer(
      rebasing: file.bytes[(range.lowerBound + header.dataOffset)..<range.upperBound])
    return header.layout.layer(name, bytes: numbers, storage: file)
  }
}
