import Activations
import Device

extension MinibatchGrams {
  /// A layer's record in the host's words.
  ///
  /// - Parameter known: RBF's σ, where the device was told.
  func summary(_ layer: LayerActivations, _ record: LayerRecord, sigma known: Double?)
    -> GramSummary
  {
    if record.flags.contains(.notFinite) { return .empty(isFinite: false, isConstant: false) }
    guard record.flags.contains(.varies) else { return .empty(isFinite: true, isConstant: true) }
    var summary = GramSummary(
      exponent: Int(record.gramExponent), isFinite: true, isConstant: false, roundingNorm: 0)
    let squaredNorm = Double(record.squaredNorm)
    let trace = Double(record.trace)
    switch kernel {
    case .linear:
      summary.exponent += 2 * Int(record.exponent)
      summary.roundingNorm = RoundingModel.linear(
        squaredNorm: squaredNorm, trace: trace, featureCount: layer.featureCount,
        isRounded: tensors?.floatMode == .round
          && GatherSource(layer: layer, examples: []).format == .float32)
    case .rbf:
      let scale = Double(sign: .plus, exponent: Int(record.exponent), significand: 1)
      let sigma = known ?? Double(record.bandwidth).squareRoot() * scale
      guard !record.flags.contains(.noBandwidth), sigma > 0, sigma.isFinite else {
        summary = .empty(isFinite: false, isConstant: false)
        summary.sigma = sigma
        return summary
      }
      summary.sigma = sigma
      // The model counts in the matrix's own units, the record in stored ones.
      let unit = Double(sign: .plus, exponent: Int(record.gramExponent), significand: 1)
      summary.roundingNorm =
        RoundingModel.rbf(
          squaredNorm: squaredNorm * unit * unit, trace: trace,
          exampleCount: minibatch.exampleCount, sigmaSquared: Double(record.bandwidth)) / unit
    }
    return summary
  }
}
