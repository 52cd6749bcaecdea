import ActivationFiles
import Activations
import CKA
import Support

/// The models at `paths`.
func openModels(_ paths: [String]) throws -> [ModelFiles] {
  do throws(ActivationFileError) {
    var models: [ModelFiles] = []
    for path in paths { models.append(try ModelFiles(path: path)) }
    return models
  } catch {
    throw Failure(error.kind == .noInput ? .noInput : .data, error.description)
  }
}

extension Workload {
  /// The comparison of models of the user's, in minibatches of `batchSize`.
  init(of models: [ModelFiles], batchSize: Int) {
    let counts = models.flatMap(\.layers).map(\.featureCount)
    self.init(
      name: "custom", models: models.count, layers: models[0].layers.count,
      examples: models[0].exampleCount,
      features: FeatureRange(least: counts.min() ?? 0, most: counts.max() ?? 0),
      meanFeatures: counts.reduce(0, +) / max(counts.count, 1),
      scalarType: models[0].layers[0].scalarType.rawValue, method: .minibatch(size: batchSize))
  }

  /// The comparison that is timed.
  func comparison(of models: [ModelFiles]) throws -> Comparison {
    do throws(ComparisonError) {
      return try Comparison(
        models[0], models.count > 1 ? models[1] : nil, estimator: estimator, kernel: gramKernel)
    } catch { throw Failure(.data, error.description) }
  }
}

/// What a comparison has to do at least.
struct Work {
  /// Useful floating point operations of all Gram matrices: each entry of a lower triangle once.
  var gram = 0.0
  /// Useful operations of all pairs of layers: each entry below the diagonals once.
  var pairs = 0.0
  /// Bytes of activations.
  var bytes = 0.0

  init(_ comparison: Comparison) {
    let layers = comparison.left.layers + (comparison.right?.layers ?? [])
    let features = layers.reduce(0.0) { $0 + Double($1.featureCount) }
    let rows = Double(comparison.left.layers.count)
    let pairs = comparison.right.map { rows * Double($0.layers.count) } ?? rows * (rows + 1) / 2
    for batch in comparison.plan.batches {
      let b = Double(batch.count)
      gram += b * (b + 1) * features
      self.pairs += pairs * b * (b - 1)
    }
    bytes = Double(comparison.bytesRead)
  }
}
