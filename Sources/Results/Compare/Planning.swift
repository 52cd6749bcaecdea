import CKA
import Device
import Support

extension Comparison {
  /// How an estimate over all examples is made within a limit on memory; nil for minibatches, whose memory is
  /// checked.
  ///
  /// - Parameters:
  ///   - sharing: how many of the devices share the work.
  ///   - memory: the limit in bytes that was asked for, if any.
  ///   - isMeasured: whether rates are measured in any case.
  /// - Throws: where it cannot be made within the limit.
  package func plan(
    on devices: [any Device], sharing: Int, memory: Int?, isMeasured: Bool = false
  ) throws -> ExactPlan? {
    do throws(ExactPlanError) {
      if let plan = try exactPlan(
        on: devices, sharing: sharing, memory: memory ?? Self.defaultMemory,
        isMeasured: isMeasured)
      {
        return plan
      }
    } catch {
      switch error {
      case .device(let error): throw error
      case .tooLittleMemory(_, let least): throw tooLittle(memory, least: least)
      }
    }
    let needed = memoryOfMinibatches(on: devices, sharing: sharing)
    if let memory, needed > memory { throw tooLittle(memory, least: needed) }
    return nil
  }

  private func tooLittle(_ memory: Int?, least: Int) -> Failure {
    // What the process takes by itself differs a little from run to run.
    let mebibytes = (least + ProcessMemory.grain) >> 20 + 1
    let given = Format.bytes(memory ?? Self.defaultMemory)
    let whose = memory == nil ? ", half of what this process may have," : ""
    let batches = if case .minibatch = estimator { " or a smaller --batch-size" } else { "" }
    return Failure(
      .usage,
      "--memory \(given)\(whose) is too little for \(estimator.name) CKA of these layers: "
        + "at least --memory \(mebibytes)M\(batches) would do")
  }
}
