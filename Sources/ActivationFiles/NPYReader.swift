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
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    let header = try NPYHeader(bytes, totalSize: bytes.count, place: place)
    let numbers = UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])
    return header.layout.layer(name, bytes: numbers, storage: file)
  }
}
