import Activations
import Features
import Support

/// The features of a layer with mean 0 and variance 1 over the training examples, slab by slab.
///
/// z = (x − mean)/σ with σ² = Σ(x − mean)²/m over the m training examples, as scikit-learn's
/// `StandardScaler`. A feature that is constant over them is 0 throughout: no weight could be learned.
struct StandardizedFeatures {
  let layer: LayerActivations
  let examples: [Int]
  /// The places in `examples` of those that decide mean and variance.
  let train: [Int]

  /// A run of features.
  struct Slab {
    let features: Range<Int>
    /// examples × features.count, row by row.
    var values: [Float]
    /// Whether any feature varies over the training examples.
    var varies: Bool
  }

  /// Features of a slab of at most 64 MiB; at least one.
  static func slabWidth(exampleCount: Int, featureCount: Int) -> Int {
    min(max((64 << 20) / (exampleCount * MemoryLayout<Float>.size), 1), featureCount)
  }

  /// Features that a core reads and standardizes at a time.
  private static let runWidth = 1024

  /// Reads all features in slabs of `slabWidth`, on all cores; `body` gets them in their order.
  ///
  /// - Returns: false where a number is NaN or infinite; `body` has not heard of that slab.
  func forEachSlab<Failure: Error>(
    failure: (ActivationReadError) -> Failure,
    _ body: (Slab) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    let n = examples.count
    let p = layer.featureCount
    let width = Self.slabWidth(exampleCount: n, featureCount: p)
    for first in stride(from: 0, to: p, by: width) {
      let features = first..<min(first + width, p)
      var slab = Slab(
        features: features, values: [Float](repeating: 0, count: n * features.count), varies: false)
      do throws(ActivationReadError) {
        guard try fill(&slab) else { return false }
      } catch {
        throw failure(error)
      }
      try body(slab)
    }
    return true
  }

  /// Reads and standardizes the features of a slab; false where a number is not finite.
  private func fill(_ slab: inout Slab) throws(ActivationReadError) -> Bool {
    // Typed errors do not pass through `withUnsafeMutableBufferPointer`'s closure by themselves.
    let (features, width) = (slab.features, slab.features.count)
    let result = slab.values.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let start = buffer.baseAddress.unsafelyUnwrapped
      let firsts = Array(stride(from: 0, to: width, by: Self.runWidth))
      return Result { () throws(ActivationReadError) in
        try concurrentMap(firsts) { (first) throws(ActivationReadError) in
          let run = first..<min(first + Self.runWidth, width)
          var reader = FeatureReader(layer: layer, examples: examples)
          let statistics = try reader.read(
            features.lowerBound + run.lowerBound..<features.lowerBound + run.upperBound,
            into: start + first, rowStride: width)
          guard statistics.isFinite else { return Bool?.none }
          return standardize(start + first, count: run.count, stride: width)
        }
      }
    }
    let runs = try result.get()
    guard runs.allSatisfy({ $0 != nil }) else { return false }
    slab.varies = runs.contains(true)
    return true
  }

  /// Standardizes numbers that lie near their means, `count` in each row; the unit they are in does not matter.
  ///
  /// - Returns: whether any feature varies over the training examples.
  private func standardize(
    _ values: UnsafeMutablePointer<Float>, count: Int, stride: Int
  ) -> Bool {
    let m = Double(train.count)
    let reference = (0..<count).map { Double(values[train[0] * stride + $0]) }
    var means = [Double](repeating: 0, count: count)
    var squares = means
    // Differences from the first: those of a constant feature are exactly 0.
    for example in train {
      let row = values + example * stride
      for k in 0..<count { means[k] += Double(row[k]) - reference[k] }
    }
    for k in 0..<count { means[k] /= m }
    for example in train {
      let row = values + example * stride
      for k in 0..<count {
        let difference = Double(row[k]) - reference[k] - means[k]
        squares[k] += difference * difference
      }
    }
    let scales = squares.map { $0 > 0 ? 1 / ($0 / m).squareRoot() : 0 }
    for example in examples.indices {
      let row = values + example * stride
      for k in 0..<count {
        row[k] = Float((Double(row[k]) - reference[k] - means[k]) * scales[k])
      }
    }
    return scales.contains { $0 > 0 }
  }
}
