import Activations

/// How one array's numbers lie in its file, as the header promises.
struct ArrayLayout: Equatable {
  let shape: LayerShape
  let scalarType: ScalarType
  let isByteSwapped: Bool
  let memoryOrder: MemoryOrder
  /// All numbers, in bytes.
  let byteCount: Int

  /// Checks that an array of these axes is activations and that its size is a number.
  init(
    axes: [Int], scalarType: ScalarType, isByteSwapped: Bool = false,
    memoryOrder: MemoryOrder = .rowMajor, place: Place
  ) throws(ActivationFileError) {
    guard let first = axes.first else {
      throw place.noLayer("found a single number (0-D), expected examples × features")
    }
    // 64 is numpy's own limit.
    guard axes.count <= 64 else {
      throw place.data("found \(axes.count) axes, expected at most 64")
    }
    guard let shape = LayerShape(exampleCount: first, featureAxes: Array(axes.dropFirst())) else {
      throw place.data("the shape \(axes) has more numbers than any file can hold")
    }
    guard shape.exampleCount > 0 else { throw place.noLayer("found 0 examples (shape \(axes))") }
    guard shape.featureCount > 0 else { throw place.noLayer("found 0 features (shape \(axes))") }
    let (byteCount, overflow) = (shape.exampleCount * shape.featureCount)
      .multipliedReportingOverflow(by: scalarType.size)
    guard !overflow else {
      throw place.data("the shape \(axes) has more bytes than any file can hold")
    }
    self.shape = shape
    self.scalarType = scalarType
    self.isByteSwapped = isByteSwapped && scalarType.size > 1
    // One feature lies the same way in both orders.
    self.memoryOrder = shape.featureCount == 1 ? .rowMajor : memoryOrder
    self.byteCount = byteCount
  }

  /// The layer whose numbers are `bytes`, which `storage` keeps alive.
  func layer(
    _ name: String, bytes: UnsafeRawBufferPointer, storage: any ActivationStorage
  ) -> LayerActivations {
    let block = LayerActivations.Block(
      firstExample: 0, exampleCount: shape.exampleCount, bytes: bytes, storage: storage)
    return LayerActivations(
      name: name, shape: shape, scalarType: scalarType, isByteSwapped: isByteSwapped,
      memoryOrder: memoryOrder, blocks: [block])
  }
}
