import Activations
import CKA
import CKAHeader
import Device
import DeviceRegistry
import Results
import Support
import Synchronization

/// See `cka.h`.
@c @implementation
public func cka_compare(
  _ left: cka_handle, _ right: cka_handle, _ options: UnsafePointer<CChar>?,
  _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<cka_error>?
) -> cka_handle {
  call(error, failed: 0) {
    let known = Options.ofEstimator.union(Options.ofKernel).union(Options.ofDevice)
      .union(["memory"])
    let options = try Options(options, known: known)
    let first: Model = try Handles.all.object(left, "left")
    let second: Model? = try Handles.all.second(right)
    let comparison = try Comparison(
      first.source, second?.source,
      estimator: options.estimatorValue, kernel: options.kernelValue)
    let (memory, precision) = try (options.memoryValue, options.precisionValue)
    let meter = WorkMeter()
    let result = try watched(by: progress, context, meter) { isCancelled in
      let choice = try options.choice()
      let team = DeviceTeam(
        choice.devices, sharing: choice.sharing, memory: memory, meter: meter,
        isCancelled: isCancelled)
      let plan = try comparison.plan(on: team, isLimited: options.memory != nil)
      let outcome = try comparison.run(on: team, plan: plan)
      var document = ResultDocument(
        comparison, outcome,
        paths: [comparison.left.name, (comparison.right ?? comparison.left).name],
        precision: precision)
      document.device.add(reasons: choice.reasons)
      return try Found(outcome.similarity, CompareResult(document, outcome.similarity))
    }
    return Handles.all.add(result)
  }
}
