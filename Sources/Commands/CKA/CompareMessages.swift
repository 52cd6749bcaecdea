import Activations
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Logging
import Results
import Support

/// Chooses a device, and says what the user does not expect of the choice. The reasons stand in `cka devices` and
/// in results.
func chooseDevice(
  _ selection: DeviceSelection, precision: Precision = .exact, log: Logger
) throws -> DeviceRegistry.Choice {
  do throws(DeviceError) {
    let choice = try DeviceRegistry.choose(
      selection, precision: precision, openCLDevices: openCLDevices)
    if !choice.news.isEmpty { log.warning("\(oneLine(choice.news.joined(separator: "; ")))") }
    return choice
  } catch {
    let name = "--device \(selection.defaultValueDescription)"
    guard error.kind == .notFound else {
      throw Failure(.software, "\(name): \(oneLine(error.description))")
    }
    throw Failure(.unavailable, "\(name): not found: \(oneLine(error.context))")
  }
}

/// Checks that the estimator exists for so few examples.
func checkExampleCount(_ comparison: Comparison, path: String) throws {
  let least = comparison.estimator.centering.leastExamples
  guard comparison.pairing.count >= least else {
    throw Failure(
      .data,
      "\(oneLine(path)): \(comparison.exampleWords), the \(comparison.estimator.name) estimator "
        + "needs at least \(least)")
  }
}

extension Comparison {
  /// How many examples of the first model are compared, as it stands behind the model's path.
  var exampleWords: String {
    let (n, all) = (pairing.count, left.exampleCount)
    guard n == all else {
      return
        "\(Format.count(n)) of its \(Format.count(all)) examples \(n == 1 ? "is" : "are") compared"
    }
    return "has \(Format.count(n)) example\(n == 1 ? "" : "s")"
  }
}

/// Says what the user may not expect of the estimator, before the work starts.
func announce(
  _ comparison: Comparison, _ exactPlan: ExactPlan?, on choice: DeviceRegistry.Choice,
  to log: Logger
) {
  let n = comparison.pairing.count
  let plan = comparison.plan
  if choice.sharing > 1, exactPlan?.partCount ?? plan.batches.count == 1 {
    log.info("a single batch of examples is not shared: \(choice.devices[0].info.id) works alone")
  }
  if case .minibatch(let settings) = comparison.estimator {
    if let size = settings.size, n < size {
      log.info("\(n) examples are fewer than the batch size \(size): one batch of all")
    }
    announceDropped(plan, exampleCount: n, to: log)
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

/// Says how many examples no minibatch of a pass holds. Where they are more than one of a hundred, the
/// estimate is of other examples than the user may think.
func announceDropped(_ plan: MinibatchPlan, exampleCount n: Int, to log: Logger) {
  guard plan.examplesDropped > 0 else { return }
  let text =
    "\(plan.examplesDropped) of \(n) examples fill no minibatch of \(plan.batchSize) and are left out of "
    + "each pass"
  if plan.examplesDropped > n / 100 {
    log.warning("\(text); another --batch-size, or --ragged keep, leaves out fewer")
  } else {
    log.info("\(text)")
  }
}

/// Tells what happens while devices work.
func report(_ event: Comparison.Event, to log: Logger) {
  switch event {
  case .finished: break
  case .leftToOthers(let from, let others, let error):
    log.warning(
      "\(from.id) failed, \(others) of those it shared with go on: \(oneLine(error.description))")
  case .fellBack(let from, let to, let error):
    log.warning(
      "\(from.id) failed, \(to.id) goes on from the sums so far: \(oneLine(error.description))")
  }
}

/// The end of a command whose last device failed, or whose activations cannot be read.
func failure(of error: DeviceError) -> Failure {
  error.kind == .input
    ? Failure(error.isOfDamagedFile ? .data : .io, error.context)
    : Failure(.software, oneLine(error.description))
}

/// Turns the failure of a device into that of a command.
func reportingDeviceErrors<Result>(_ body: () throws(DeviceError) -> Result) throws -> Result {
  do throws(DeviceError) { return try body() } catch { throw failure(of: error) }
}

/// Names every layer that has no values; `paths` are the models' files or folders.
///
/// - Returns: what the layers of each model hold that are not finite.
@discardableResult
func report(
  _ similarity: Similarity, _ comparison: Comparison, paths: [String], to log: Logger
) throws -> [[NonFiniteExamples?]] {
  func warn(
    _ statuses: [Status], _ sigmas: [Double?], _ model: any ActivationSource, _ examples: [Int],
    _ path: String?
  ) throws -> [NonFiniteExamples?] {
    let found = try nonFiniteExamples(of: model.layers, statuses, examples)
    for (index, layer) in model.layers.enumerated() {
      let reason =
        found[index]?.words ?? reason(statuses[index], sigmas[index], comparison.kernel)
      guard let reason, let path else { continue }
      log.warning("\(oneLine(path)): layer \(oneLine(layer.name)) is left undefined: \(reason)")
    }
    return found
  }
  let pairing = comparison.pairing
  var found = [
    try warn(
      similarity.leftStatuses, similarity.leftSigmas, comparison.left, pairing.left, paths.first)
  ]
  if let right = comparison.right {
    found.append(
      try warn(
        similarity.rightStatuses, similarity.rightSigmas, right, pairing.right, paths.last))
  }
  return found
}
