import Activations
import Features

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

  /// Reads all features in slabs of `slabWidth`; `body` gets them in their order.
  ///
  /// - Returns: false where a number is NaN or infinite; `body` has not heard of that slab.
  func forEachSlab<Failure: Error>(
    failure: (ActivationReadError) -> Failure,
    _ body: (Slab) throws(Failure) -> Void
  ) throws(Failure) -> Bool {
    let n = examples.count
    let p = layer.featureCount
    let width = Self.slabWidth(exampleCount: n, featureCount: p)
    var reader = FeatureReader(layer: layer, examples: examples)
    for first in stride(from: 0, to: p, by: width) {
      let features = first..<min(first + width, p)
      var slab = Slab(
        features: features, values: [Float](repeating: 0, count: n * features.count), varies: false)
      let statistics: SlabStatistics
      do throws(ActivationReadError) {
        statistics = try read(&reader, features, into: &slab.values)
      } catch {
        throw failure(error)
      }
      guard statistics.isFinite else { return false }
      slab.varies = standardize(&slab.values, width: features.count)
      try body(slab)
    }
    return true
  }

  private func read(
    _ reader: inout FeatureReader, _ features: Range<Int>, into values: inout [Float]
  ) throws(ActivationReadError) -> SlabStatistics {
    // Typed errors do not pass through `withUnsafeMutableBufferPointer`'s closure by themselves.
    var result: Result<SlabStatistics, ActivationReadError>?
    values.withUnsafeMutableBufferPointer { buffer in
      guard let start = buffer.baseAddress else { return }
      do throws(ActivationReadError) {
        result = .success(try reader.read(features, into: start, rowStride: features.count))
      } catch {
        result = .failure(error)
      }
    }
    guard let result else { preconditionFailure("a slab without numbers") }
    return try result.get()
  }

  /// Standardizes numbers that lie near their means; the unit they are in does not matter.
  private func standardize(_ values: inout [Float], width: Int) -> Bool {
    let m = Double(train.count)
    let reference = values[(train[0] * width)..<(train[0] * width + width)].map(Double.init)
    var means = [Double](repeating: 0, count: width)
    var squares = means
    values.withUnsafeBufferPointer { values in
      // Differences from the first: those of a constant feature are exactly 0.
      for example in train {
        let row = example * width
        for k in 0..<width { means[k] += Double(values[row + k]) - reference[k] }
      }
      for k in 0..<width { means[k] /= m }
      for example in train {
        let row = example * width
        for k in 0..<width {
          let difference = Double(values[row + k]) - reference[k] - means[k]
          squares[k] += difference * difference
        }
      }
    }
    let scales = squares.map { $0 > 0 ? 1 / ($0 / m).squareRoot() : 0 }
    let count = examples.count
    values.withUnsafeMutableBufferPointer { values in
      for example in 0..<count {
        let row = example * width
        for k in 0..<width {
          values[row + k] = Float(
            (Double(values[row + k]) - reference[k] - means[k]) * scales[k])
        }
      }
    }
    return scales.contains { $0 > 0 }
  }
}
