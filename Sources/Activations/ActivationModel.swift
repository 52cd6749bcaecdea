/// A model put together from layers: held in arrays, or chosen from another model.
public struct ActivationModel: ActivationSource {
  /// What the model is called in results.
  public let name: String
  /// The layers in the network's order.
  public let layers: [LayerActivations]
  /// What identifies each example, where known.
  public let exampleIDs: [String]?

  /// A model of the given layers, which must have the same number of examples.
  public init(name: String, layers: [LayerActivations], exampleIDs: [String]? = nil) {
    precondition(
      layers.allSatisfy { $0.shape.exampleCount == layers.first?.shape.exampleCount },
      "all layers of a model have the same examples")
    self.name = name
    self.layers = layers
    self.exampleIDs = exampleIDs
  }
}

extension LayerActivations {
  /// A layer that copies `values`, n × p in row-major order, and keeps them.
  ///
  /// - Precondition: `values.count` is `exampleCount` times the product of `featureAxes`, and
  ///   `Scalar` is as wide as `scalarType`.
  public init<Scalar: BitwiseCopyable & Sendable>(
    name: String, stage: String? = nil, values: [Scalar], scalarType: ScalarType,
    exampleCount: Int, featureAxes: [Int], isByteSwapped: Bool = false,
    memoryOrder: MemoryOrder = .rowMajor, pooling: LayerShape.Pooling = .flatten
  ) {
    guard let shape = LayerShape(exampleCount: exampleCount, featureAxes: featureAxes),
      shape.featureCount * exampleCount == values.count,
      MemoryLayout<Scalar>.stride == scalarType.size
    else { preconditionFailure("the values do not fill the shape") }
    let storage = ArrayStorage(values)
    let block = Block(
      firstExample: 0, exampleCount: exampleCount, bytes: UnsafeRawBufferPointer(storage.bytes),
      storage: storage)
    self.init(
      name: name, stage: stage, shape: shape, scalarType: scalarType,
      isByteSwapped: isByteSwapped, memoryOrder: memoryOrder, blocks: [block], pooling: pooling)
  }
}

/// A copy of an array that does not move.
private final class ArrayStorage: ActivationStorage, @unchecked Sendable {
  // @unchecked: nobody writes to `bytes` after `init`.
  let bytes: UnsafeMutableRawBufferPointer

  init<Scalar: BitwiseCopyable>(_ values: [Scalar]) {
    let count = values.count * MemoryLayout<Scalar>.stride
    bytes = .allocate(byteCount: count, alignment: 64)
    values.withUnsafeBytes { bytes.copyMemory(from: $0) }
  }

  deinit { bytes.deallocate() }

  var isFile: Bool { false }

  func check(_ bytes: UnsafeRawBufferPointer) {}

  func read(_ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer) {
    guard let source = bytes.baseAddress else { return }
    destination.copyMemory(from: source, byteCount: bytes.count)
  }

  func isCached(_ bytes: UnsafeRawBufferPointer) -> Bool { true }
  func prefetch(_ bytes: UnsafeRawBufferPointer) {}
  func evict(_ bytes: UnsafeRawBufferPointer) {}
}
