import Activations
import CKA
import Device
import Support

extension Comparison {
  /// How many examples of the first model are compared, as it stands behind the model's path.
  package var exampleWords: String {
    let (n, all) = (pairing.count, left.exampleCount)
    guard n == all else {
      return
        "\(Format.count(n)) of its \(Format.count(all)) examples \(n == 1 ? "is" : "are") compared"
    }
    return "has \(Format.count(n)) example\(n == 1 ? "" : "s")"
  }

  /// Throws where the estimator does not exist for so few examples.
  package func checkExampleCount(path: String) throws(Failure) {
    let least = estimator.centering.leastExamples
    guard pairing.count >= least else {
      throw Failure(
        .data,
        "\(oneLine(path)): \(exampleWords), the \(estimator.name) estimator needs at least \(least)"
      )
    }
  }

  /// What the user may not expect of the estimator, before the work starts.
  ///
  /// - Parameters:
  ///   - fullBatchPlan: of an estimate over all examples.
  ///   - sharing: how many devices are to share the work.
  ///   - device: the first of them.
  package func notes(_ fullBatchPlan: FullBatchPlan?, sharing: Int, device: DeviceInfo) -> [Note] {
    let n = pairing.count
    var notes: [Note] = []
    if sharing > 1, fullBatchPlan?.partCount ?? plan.batches.count == 1 {
      notes.append(
        .information(
          "a single batch cannot be divided between devices: only \(device.id) is used"))
    }
    if case .minibatch(let settings) = estimator {
      if let size = settings.size, n < size {
        notes.append(
          .information(
            "only \(n) examples, fewer than the batch size \(size): all form one minibatch"))
      }
      notes += plan.notes(exampleCount: n)
    }
    guard estimator == .biased else { return notes }
    let layers = left.layers + (right?.layers ?? [])
    let wide = layers.filter { $0.featureCount > n }
    if let first = wide.first {
      notes.append(
        .warning(
          """
          biased CKA is far too high for layers with more features than the \(n) examples: \
          \(oneLine(first.name)) has \(first.featureCount)\
          \(wide.count > 1 ? ", and so do others" : ""); consider --estimator unbiased
          """))
    }
    return notes
  }
}

extension MinibatchPlan {
  /// How many of `n` examples no minibatch of a pass holds. Where they are more than one of a hundred, the
  /// estimate is of other examples than the user may think.
  package func notes(exampleCount n: Int) -> [Note] {
    guard examplesDropped > 0 else { return [] }
    let text =
      "\(examplesDropped) of \(n) examples do not fill a minibatch of \(batchSize) and are dropped in "
      + "each pass"
    return examplesDropped > n / 100
      ? [.warning("\(text); another --batch-size, or --ragged keep, drops fewer")]
      : [.information(text)]
  }
}

extension FullBatchPlan {
  /// How a full-batch estimate is computed, unless everything is done at once.
  ///
  /// - Parameter memory: the limit in bytes that was asked for, if any.
  package func notes(memory: Int?) -> [Note] {
    guard !isAtOnce else { return [] }
    let bytes = Format.bytes(memory ?? Comparison.defaultMemory)
    let whose = memory == nil ? ", half of the memory of this process" : ""
    let time = cost.seconds.map { "; about \(Format.seconds($0))" } ?? ""
    return [.information("\(summary), within \(bytes)\(whose)\(time)")]
  }
}

extension Similarity {
  /// Throws where there is no value to write.
  package func checkValues(of model: String) throws(Failure) {
    guard hasValues else {
      throw Failure(.data, "\(oneLine(model)): no pair of layers has a value; nothing was written")
    }
  }
}

extension Similarity {
  /// Tells why layers have no values; those that are not finite are read once more.
  ///
  /// - Parameter paths: the models' files or folders.
  /// - Returns: what the layers of each model hold that is not finite.
  /// - Throws: `Failure` where no pair of layers has a value.
  package func explainUndefined(
    _ comparison: Comparison, paths: [String], tell: ([Note]) -> Void
  ) throws -> [[NonFiniteExamples?]] {
    let undefined = try UndefinedLayers(of: self, comparison, paths: paths)
    tell(undefined.notes)
    try checkValues(of: paths[0])
    return undefined.nonFinite
  }
}

/// The layers of a map that have no values.
private struct UndefinedLayers {
  /// A line a layer.
  private(set) var notes: [Note] = []
  /// What the layers of each model hold that is not finite.
  private(set) var nonFinite: [[NonFiniteExamples?]] = []

  init(
    of similarity: Similarity, _ comparison: Comparison, paths: [String]
  ) throws(ActivationReadError) {
    let pairing = comparison.pairing
    try add(
      comparison.left, paths.first, similarity.leftStatuses, similarity.leftSigmas, pairing.left,
      comparison.kernel)
    if let right = comparison.right {
      try add(
        right, paths.last, similarity.rightStatuses, similarity.rightSigmas, pairing.right,
        comparison.kernel)
    }
  }

  private mutating func add(
    _ model: any ActivationSource, _ path: String?, _ statuses: [Status], _ sigmas: [Double?],
    _ examples: [Int], _ kernel: GramKernel
  ) throws(ActivationReadError) {
    let found = try nonFiniteExamples(of: model.layers, statuses, examples)
    for (index, layer) in model.layers.enumerated() {
      let reason = found[index]?.words ?? reason(statuses[index], sigmas[index], kernel)
      guard let reason, let path else { continue }
      notes.append(
        .warning("\(oneLine(path)): layer \(oneLine(layer.name)) is undefined: \(reason)"))
    }
    nonFinite.append(found)
  }
}
