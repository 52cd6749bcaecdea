/// A model put together from layers: held in arrays, or chosen from another model.
public struct ActivationModel: ActivationSource {
  /// What the model is called in results.
  public let name: String
  /// The layers in the network's order.
  public let layers: [LayerActivations]
  /// What identifies each example, where known.
  public let exampleIDs: [String]?

  /// A model of the given layers. Whatever analyzes it throws where they do not have the same number of
  /// examples.
  public init(name: String, layers: [LayerActivations], exampleIDs: [String]? = nil) {
    self.name = name
    self.layers = layers
    self.exampleIDs = exampleIDs
  }
}

extension LayerActivations {
  /// A layer that copies `values`, n × p in `memoryOrder`, and keeps them.
  ///
  /// - Throws: where `values` do not fill the shape, or `Scalar` is not as wide as `scalarType`.
  public init<Scalar: BitwiseCopyable & Sendable>(
    name: String, stage: String? = nil, values: [Scalar], shape: LayerShape,
    scalarType: ScalarType, isByteSwapped: Bool = false, memoryOrder: MemoryOrder = .rowMajor,
    pooling: LayerShape.Pooling = .flatten
  ) throws(ActivationReadError) {
    let stride = MemoryLayout<Scalar>.stride
    guard stride == scalarType.size else {
      throw ActivationReadError(
        path: "layer \(name)",
        reason: "its values take \(stride) bytes each, numbers of its type \(scalarType.size)")
    }
    guard shape.featureCount * shape.exampleCount == values.count else {
      throw ActivationReadError(
        path: "layer \(name)", reason: "\(values.count) values do not fill its shape \(shape)")
    }
    let storage = ArrayStorage(values)
    let block = Block(
      firstExample: 0, exampleCount: shape.exampleCount,
      bytes: UnsafeRawBufferPointer(storage.bytes), storage: storage)
    self.init(
      name: name, stage: stage, shape: shape, scalarType: scalarType,
      isByteSwapped: isByteSwapped, memoryOrder: memoryOrder, blocks: [block], pooling: pooling)
  }

  /// The same, of values that this repository made to fill the shape.
  package init<Scalar: BitwiseCopyable & Sendable>(
    name: String, stage: String? = nil, values: [Scalar], scalarType: ScalarType,
    exampleCount: Int, featureAxes: [Int], isByteSwapped: Bool = false,
    memoryOrder: MemoryOrder = .rowMajor, pooling: LayerShape.Pooling = .flatten
  ) {
    guard let shape = LayerShape(exampleCount: exampleCount, featureAxes: featureAxes),
      let layer = try? LayerActivations(
        name: name, stage: stage, values: values, shape: shape, scalarType: scalarType,
        isByteSwapped: isByteSwapped, memoryOrder: memoryOrder, pooling: pooling)
    else { preconditionFailure("the values do not fill the shape") }
    self = layer
  }
}

/// A copy of an array that does not move.
private final class ArrayStorage: MemoryStorage, @unchecked Sendable {
  // @unchecked: nobody writes to `bytes` after `init`.
  let bytes: UnsafeMutableRawBufferPointer

  init<Scalar: BitwiseCopyable>(_ values: [Scalar]) {
    let count = values.count * MemoryLayout<Scalar>.stride
    bytes = .allocate(byteCount: count, alignment: 64)
    values.withUnsafeBytes { bytes.copyMemory(from: $0) }
  }

  deinit { bytes.deallocate() }
}
