import Activations
import Analyses
import CKA
import Device
import Support

extension ComponentsDocument {
  /// Layers whose first components say nothing.
  package var notes: [Note] {
    zip(models, layers).compactMap { model, layers in
      let names = zip(model.layers, layers).filter {
        $1.firstComponent == Status.degenerate.rawValue
      }.map(\.0.name)
      guard let first = names.first else { return nil }
      let others = names.count > 1 ? ", as of \(names.count - 1) more" : ""
      return .warning(
        """
        \(oneLine(model.path)): the first two eigenvalues of layer \(oneLine(first))\(others) are \
        equal within rounding: the first component is arbitrary, and results that depend on it are \
        undefined
        """)
    }
  }

  /// What was found, in a line or two.
  package func summary(of outcome: ComponentAnalysis.Outcome) -> String {
    let counts = models.map { String($0.layers.count) }
    let whole = outcome.removal.first { $0.dropped.isEmpty }
    let least = outcome.removal.last
    let curve =
      if let whole, let least, !least.dropped.isEmpty, !least.mean.isNaN {
        "mean CKA: \(Format.fixed(whole.mean, 3)) with all examples, \(Format.fixed(least.mean, 3)) "
          + "without the \(least.dropped.count) dominant ones"
          + (least.controlMeans.isEmpty
            ? ""
            : ", "
              + Format.fixed(
                least.controlMeans.reduce(0, +) / Double(least.controlMeans.count), 3)
              + " without as many random ones") + "\n"
      } else { "" }
    return """
      \(curve)components of \(counts[0])\(counts.count > 1 ? " and \(counts[1])" : "") layers, \
      \(Format.count(examples.compared)) examples, \(estimator.name) CKA, on \(device.id) in \
      \(Format.seconds(timings.total))
      """
  }
}

extension ComponentAnalysis {
  /// Throws where there are too few examples for what was asked for.
  ///
  /// - Parameters:
  ///   - removed: how many first components are taken out.
  ///   - path: the first model's file or folder.
  package static func check(
    _ comparison: Comparison, components: Int, removed: [Int], path: String
  ) throws(Failure) {
    let n = comparison.pairing.count
    guard n >= GramCentering.unbiased.leastExamples else {
      throw Failure(
        .data, "\(oneLine(path)): \(comparison.exampleWords); components need at least 4")
    }
    if let large = removed.first(where: { $0 > n - 1 }) {
      throw Failure(
        .usage,
        "--remove contains \(large): \(Format.count(n)) examples have \(n - 1) components")
    }
    guard n <= 4 * mostComponents || components <= mostComponents else {
      throw Failure(
        .usage,
        "--components is \(components): at most \(Format.count(mostComponents)) of more than "
          + "\(Format.count(4 * mostComponents)) examples")
    }
  }

  /// What memory makes of the analysis: something where it goes a layer at a time.
  ///
  /// - Parameter isLimited: whether the user gave the limit.
  /// - Throws: where it does not fit.
  package func memoryNotes(on team: DeviceTeam, isLimited: Bool) throws -> [Note] {
    let limit = team.memory
    guard contributionBytes < limit / 2 else {
      throw Failure(
        .usage,
        "the \(Format.count(components)) × \(Format.count(components)) contributions of every "
          + "pair of layers need \(Format.bytes(contributionBytes)), more than half of --memory "
          + "\(Format.bytes(limit)); use fewer --components or --layers")
    }
    try team.checkMemory(
      isLimited: isLimited, for: "the Gram matrix of one layer", or: "fewer --examples",
      least: leastMemory)
    guard !isAtOnce(on: try team.first().info, memory: limit) else { return [] }
    return [
      .information(
        """
        the Gram matrices of all layers do not fit \(Format.bytes(limit)): they are recomputed \
        layer by layer for every map, which takes longer
        """)
    ]
  }

  /// Traits of each model's layers, as they are stored; all numbers are read once.
  ///
  /// - Throws: where a file cannot be read.
  public var traits: [[ActivationTraits]] {
    get throws(ActivationReadError) {
      var traits = [try ActivationTraits.traits(of: left.layers, examples: pairing.left)]
      if let right {
        traits.append(try ActivationTraits.traits(of: right.layers, examples: pairing.right))
      }
      return traits
    }
  }
}
