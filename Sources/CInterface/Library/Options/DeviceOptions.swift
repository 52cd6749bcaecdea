import Activations
import CKA
import CKAHeader
import Device
import DeviceRegistry
import Support

/// Which devices work, how they round products, and how much memory they may take.
struct DeviceOptions: OptionGroup {
  enum CodingKeys: String, CodingKey, CaseIterable { case device, precision, memory }

  var device: String?
  var precision: String?
  var memory: Int?

  var precisionValue: Precision {
    get throws(Failure) { try CInterface.choice(precision, "precision", or: .exact) }
  }

  /// Whether the caller gave the limit of memory.
  var isLimited: Bool { memory != nil }

  /// Chooses devices.
  func choice() throws -> DeviceRegistry.Choice {
    guard let selection = DeviceSelection(device ?? "auto") else {
      throw Failure(
        .usage,
        "options: device is \"\(oneLine(device ?? ""))\"; there are auto, cpu, opencl, opencl:INDEX, "
          + "opencl:all")
    }
    return try DeviceRegistry.choose(selection, called: "device", precision: try precisionValue)
  }

  /// Bytes that may be taken.
  private var memoryValue: Int {
    get throws(Failure) {
      guard let memory else { return Comparison.defaultMemory }
      guard memory > 0 else {
        throw Failure(.usage, "options: memory is \(memory); it must be positive")
      }
      return memory
    }
  }

  /// Does the work of an analysis, of which the caller's function hears.
  ///
  /// - Parameter body: gets the devices, and why they were chosen.
  /// - Returns: the handle of what it returns.
  func run(
    _ progress: cka_progress?, _ context: UnsafeMutableRawPointer?,
    _ body: @escaping @Sendable (_ team: DeviceTeam, _ reasons: [String]) throws -> Found
  ) throws -> cka_handle {
    let memory = try memoryValue
    _ = try precisionValue
    let meter = WorkMeter()
    let found = try watched(by: progress, context, meter) { isCancelled in
      let choice = try choice()
      let team = DeviceTeam(
        choice.devices, sharing: choice.sharing, memory: memory, meter: meter,
        isCancelled: isCancelled)
      return try body(team, choice.reasons)
    }
    return Handles.all.add(found)
  }
}
