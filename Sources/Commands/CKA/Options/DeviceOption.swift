import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Logging
import Results
import Support

extension DeviceSelection: ExpressibleByArgument {
  /// Parses the value of `--device`.
  public init?(argument: String) { self.init(argument) }

  /// Its text as given to `--device`.
  public var defaultValueDescription: String {
    switch self {
    case .automatic: "auto"
    case .cpu: "cpu"
    case .openCL(let index): index.map { "opencl:\($0)" } ?? "opencl"
    case .allOpenCL: "opencl:all"
    }
  }
}

extension Precision: ExpressibleByArgument {}

/// Where the work is done.
struct DeviceOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "auto, cpu, opencl, opencl:INDEX (see `cka devices`) or opencl:all.", valueName: "device"))
  var device = DeviceSelection.automatic

  @Option(
    help: """
      exact, or products on a GPU's 16-bit matrix units: compensated (three passes, as accurate) \
      or fast (one pass, errors up to 1e-3).
      """)
  var precision = Precision.exact

  /// The devices, within the memory that the user grants, and why they were chosen. What is unexpected of the choice,
  /// and what happens while they work, is reported.
  func team(
    within memory: MemorySize?, log: Logger
  ) throws -> (team: DeviceTeam, choice: DeviceRegistry.Choice) {
    let choice = try choose(log: log)
    if memory != nil { ProcessSetup.returnFreedMemory() }
    let team = DeviceTeam(
      choice.devices, sharing: choice.sharing, memory: memory?.bytes ?? Comparison.defaultMemory,
      meter: Progress.meter
    ) { event in event.note.map { log.tell([$0]) } }
    return (team, choice)
  }

  /// Chooses a device. The reasons are in `cka devices` and in results.
  func choose(log: Logger) throws -> DeviceRegistry.Choice {
    do throws(DeviceError) {
      let choice = try DeviceRegistry.choose(
        device, precision: precision, openCLDevices: openCLDevices)
      if !choice.news.isEmpty { log.warning("\(oneLine(choice.news.joined(separator: "; ")))") }
      return choice
    } catch {
      let name = "--device \(device.defaultValueDescription)"
      guard error.kind == .notFound else {
        throw Failure(.software, "\(name): \(oneLine(error.description))")
      }
      throw Failure(.unavailable, "\(name): not found: \(oneLine(error.context))")
    }
  }
}
