import Activations
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Foundation
import Logging
import Results
import Support

extension Comparison {
  /// How an estimate over all examples is made within the memory the user grants; nil for minibatches,
  /// whose memory is checked.
  func plan(
    on choice: DeviceRegistry.Choice, memory: MemorySize?, isMeasured: Bool
  ) throws -> ExactPlan? {
    if memory != nil { ProcessSetup.returnFreedMemory() }
    do throws(ExactPlanError) {
      if let plan = try exactPlan(
        on: choice.devices, sharing: choice.sharing, memory: memory?.bytes ?? Self.defaultMemory,
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
    let needed = memoryOfMinibatches(on: choice.devices, sharing: choice.sharing)
    if let memory, needed > memory.bytes { throw tooLittle(memory, least: needed) }
    return nil
  }

  private func tooLittle(_ memory: MemorySize?, least: Int) -> Failure {
    // What the process takes by itself differs a little from run to run.
    let mebibytes = (least + ProcessMemory.grain) >> 20 + 1
    let given = Format.bytes(memory?.bytes ?? Self.defaultMemory)
    let whose = memory == nil ? ", half of what this process may have," : ""
    let batches = if case .minibatch = estimator { " or a smaller --batch-size" } else { "" }
    return Failure(
      .usage,
      "--memory \(given)\(whose) is too little for \(estimator.name) CKA of these layers: "
        + "at least --memory \(mebibytes)M\(batches) would do")
  }
}
