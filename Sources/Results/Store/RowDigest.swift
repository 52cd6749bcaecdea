import Activations
import Support
import Synchronization

extension LayerShape.Pooling {
  /// 1 was of a mean whose layout the number of axes decided.
  fileprivate var digestNumber: Int {
    switch self {
    case .flatten: 0
    case .mean(.channelsFirst): 2
    case .mean(.channelsLast): 3
    }
  }
}

/// Hashes of rows as they are stored: what a Gram matrix is made of, and little more.
///
/// Rows are read just before the device reads them: they come from the disk once.
enum RowDigest {
  /// The key of a minibatch's matrices.
  static func key(of minibatch: Minibatch, settings: Digest) throws -> Digest {
    let hasher = Hasher128()
    hasher.update(settings)
    hasher.update(minibatch.exampleCount)
    for (layer, rows) in zip(minibatch.layers, try digests(of: minibatch)) {
      hasher.update(layer.scalarType.rawValue)
      hasher.update(layer.isByteSwapped ? 1 : 0)
      hasher.update(layer.memoryOrder == .rowMajor ? 0 : 1)
      hasher.update(layer.pooling.digestNumber)
      hasher.update(layer.shape.featureAxes.count)
      for axis in layer.shape.featureAxes { hasher.update(axis) }
      hasher.update(rows)
    }
    return hasher.digest
  }

  /// A hash of a few rows, with the layers' names: enough to tell models apart.
  static func sample(of minibatch: Minibatch) throws -> Digest {
    let hasher = Hasher128()
    for layer in minibatch.layers { hasher.update(layer.name) }
    hasher.update(try key(of: minibatch, settings: Digest(high: 0, low: 0)))
    return hasher.digest
  }

  /// The digest of the chosen rows of each layer.
  private static func digests(of minibatch: Minibatch) throws -> [Digest] {
    let results = Mutex<[Result<Digest, ActivationReadError>?]>(
      Array(repeating: nil, count: minibatch.layers.count))
    perform(minibatch.layers.count) { index in
      let result = Result { () throws(ActivationReadError) in
        try digest(of: minibatch.examples, in: minibatch.layers[index])
      }
      results.withLock { $0[index] = result }
    }
    return try results.withLock { $0 }.compactMap { try $0?.get() }
  }

  private static func digest(
    of examples: [Int], in layer: LayerActivations
  ) throws(ActivationReadError) -> Digest {
    let hasher = Hasher128()
    let size = layer.bytesPerExample
    // Long rows piece by piece.
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(min(size, 1 << 20), 1), alignment: 64)
    defer { buffer.deallocate() }
    guard let start = buffer.baseAddress else { return hasher.digest }
    if layer.memoryOrder == .columnMajor { try layer.check() }
    for example in examples {
      var done = 0
      while done < size {
        let count = min(buffer.count, size - done)
        switch layer.memoryOrder {
        case .rowMajor: try layer.read(done..<(done + count), of: example, into: start)
        case .columnMajor: try gather(layer, example, done..<(done + count), into: start)
        }
        hasher.update(UnsafeRawBufferPointer(start: start, count: count))
        done += count
      }
    }
    if layer.memoryOrder == .columnMajor { layer.evict() }
    return hasher.digest
  }

  /// Copies the bytes `range` of a row whose numbers are far apart.
  private static func gather(
    _ layer: LayerActivations, _ example: Int, _ range: Range<Int>,
    into destination: UnsafeMutableRawPointer
  ) throws(ActivationReadError) {
    let (row, stride) = try layer.row(example)
    let size = layer.scalarType.size
    for offset in Swift.stride(from: range.lowerBound, to: range.upperBound, by: size) {
      (destination + (offset - range.lowerBound)).copyMemory(
        from: row + offset / size * stride, byteCount: size)
    }
  }
}
