import Activations
import Analyses
import CKA
import Support

extension Convergence {
  /// Throws where there is nothing to compare: a layer with itself, or no batch size below the examples.
  ///
  /// - Parameters:
  ///   - asked: the batch sizes that were asked for.
  ///   - path: the first model's file or folder.
  package func check(batchSizes asked: [Int], path: String) throws(Failure) {
    if exact.right == nil, exact.left.layers.count == 1 {
      throw Failure(
        .data,
        "\(oneLine(path)): has only one layer; give a model with at least two layers, or a second "
          + "model")
    }
    guard !batchSizes.isEmpty else {
      throw Failure(
        .data,
        "\(oneLine(path)): \(exact.exampleWords); expected more than the smallest of --batch-sizes "
          + asked.map(String.init).joined(separator: ","))
    }
  }

  /// How the exact value is computed, where that and the largest minibatches fit into the team's memory.
  ///
  /// - Parameter isLimited: whether the user gave the limit.
  package func plan(on team: DeviceTeam, isLimited: Bool) throws -> FullBatchPlan? {
    let plan = try exact.plan(on: team, isLimited: isLimited)
    if let largest = batchSizes.last {
      _ = try comparison(batchSize: largest, repeat: 0).plan(on: team, isLimited: isLimited)
    }
    return plan
  }

  /// What is left out, what it costs, and what may not be expected.
  ///
  /// - Parameter asked: the batch sizes that were asked for.
  package func notes(batchSizes asked: [Int]) -> [Note] {
    let n = exact.pairing.count
    var notes: [Note] = []
    let large = asked.filter { $0 >= n }.sorted().map(String.init)
    if !large.isEmpty {
      notes.append(
        .information(
          "batch \(large.count == 1 ? "size" : "sizes") \(large.joined(separator: ", ")) "
            + "\(large.count == 1 ? "is" : "are") skipped: there are only \(Format.count(n)) examples"
        ))
    }
    let bytes = saturatingProduct(exact.bytesRead, readings)
    notes.append(
      .information(
        "activations will be read \(Format.count(readings)) times, \(Format.bytes(bytes)) in all"))
    switch exact.kernel {
    case .linear, .rbf(.sigma): break
    case .rbf:
      notes.append(
        .information(
          """
          each minibatch uses its own median distance and so its own kernel; more passes do not \
          remove this bias, --sigma does
          """))
    }
    return notes
  }
}

extension Convergence.Outcome {
  /// Throws where there is nothing to show of `model`.
  package func check(of model: String) throws(Failure) {
    guard points.contains(where: { $0.pairs > 0 }) else {
      throw Failure(
        .data,
        "\(oneLine(model)): no pair of layers has both an exact value and an estimate; nothing was "
          + "written"
      )
    }
    guard points.contains(where: { $0.meanError > 0 }) else {
      throw Failure(
        .data,
        "\(oneLine(model)): all estimates equal the exact values because the layers are identical; "
          + "nothing was written")
    }
  }

  /// What is missing from the errors.
  package var notes: [Note] {
    var notes: [Note] = []
    if let missing = points.first?.pairsWithoutExact, missing > 0 {
      notes.append(
        .warning("\(Format.count(missing)) pairs of layers have no exact value and are left out"))
    }
    for point in points where point.undefinedPairs > 0 {
      notes.append(
        .warning(
          """
          \(point.undefinedPairs) of \(point.undefinedPairs + point.pairs) pairs of layers have no \
          estimate from \(point.passes) \(point.passes == 1 ? "pass" : "passes") in minibatches of \
          \(point.batchSize) and are left out there
          """))
    }
    return notes
  }
}

extension ConvergeDocument {
  /// What was found, in one line.
  package var summary: String {
    let counts = models.map { String($0.layers.count) }
    return """
      errors of minibatch CKA, \(kernel.name), against all \(Format.count(examples.compared)) examples: \
      \(counts[0]) × \(counts.last ?? counts[0]) layers, \(repeats) \(repeats == 1 ? "order" : "orders"), in \
      \(Format.seconds(timings.total))
      """
  }
}
