import Activations
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Logging

/// Chooses a device and says which and why.
func chooseDevice(_ selection: DeviceSelection, log: Logger) throws -> DeviceRegistry.Choice {
  do throws(DeviceError) {
    let choice = try DeviceRegistry.choose(selection)
    if !choice.reasons.isEmpty { log.info("\(oneLine(choice.reasons.joined(separator: "; ")))") }
    return choice
  } catch {
    throw Failure(
      error.kind == .notFound ? .unavailable : .software, oneLine(error.description))
  }
}

/// Says what the user may not expect of the estimator, before the work starts.
func announce(_ comparison: Comparison, to log: Logger) {
  let n = comparison.left.exampleCount
  let plan = comparison.plan
  if case .minibatch(let settings) = comparison.estimator {
    if n < settings.size {
      log.info("\(n) examples are fewer than the batch size \(settings.size): one batch of all")
    }
    if plan.examplesDropped > 0 {
      let unfit =
        settings.ragged == .keep
        ? "are too few for a minibatch of their own" : "do not fill a minibatch"
      log.info(
        "\(plan.examplesDropped) of \(n) examples \(unfit) and are left out of each pass")
    }
  }
  guard comparison.estimator == .biased else { return }
  let layers = comparison.left.layers + (comparison.right?.layers ?? [])
  let wide = layers.filter { $0.featureCount > n }
  if let first = wide.first {
    log.warning(
      """
      biased CKA of \(n) examples is far too high for layers of more features: \
      \(oneLine(first.name)) has \(first.featureCount)\(wide.count > 1 ? ", as have others" : ""); \
      consider --estimator unbiased
      """)
  }
}

/// Names every layer that has no values.
func report(_ similarity: Similarity, _ comparison: Comparison, to log: Logger) {
  for trouble in troubles(similarity, comparison) { log.warning("\(trouble)") }
}

/// Why no cell has a value, in one line.
func noValues(_ similarity: Similarity, _ comparison: Comparison) -> String {
  let n = comparison.left.exampleCount
  if similarity.leftStatuses.first == .tooFewExamples {
    return "\(oneLine(comparison.left.name)) has \(n) examples: the \(comparison.estimator.name) "
      + "estimator needs at least \(comparison.estimator.centering.leastExamples)"
  }
  return "no pair of layers has a value; nothing was written"
}

private func troubles(_ similarity: Similarity, _ comparison: Comparison) -> [String] {
  let left = troubles(similarity.leftStatuses, similarity.leftSigmas, comparison.left)
  guard let right = comparison.right else { return left }
  return left + troubles(similarity.rightStatuses, similarity.rightSigmas, right)
}

private func troubles(
  _ statuses: [Status], _ sigmas: [Double?], _ model: any ActivationSource
) -> [String] {
  zip(statuses, zip(model.layers, sigmas)).compactMap { status, layer in
    let (layer, sigma) = layer
    guard let reason = reason(status, sigma) else { return nil }
    return "\(oneLine(model.name)): layer \(oneLine(layer.name)) is left undefined: \(reason)"
  }
}

private func reason(_ status: Status, _ sigma: Double?) -> String? {
  switch status {
  case .ok, .tooFewExamples: nil
  case .constant: "constant: every example has the same activations"
  case .nonFinite:
    sigma == 0
      ? "non-finite: the median distance is zero, and with it RBF's bandwidth"
      : "non-finite: it holds NaN or infinity"
  case .lowPrecision:
    "low-precision: what centering leaves of its Gram matrix is as small as rounding errors"
  }
}
