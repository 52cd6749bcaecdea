import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Logging
import Support

extension DeviceSelection: ExpressibleByArgument {
  /// Parses the value of `--device`.
  public init?(argument: String) { self.init(argument) }

  /// Its text as given to `--device`.
  public var defaultValueDescription: String { description }
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

  /// Chooses a device. The reasons are in `cka devices` and in results.
  ///
  /// - Parameter process: which of several processes on this machine chooses: see `DeviceRegistry`.
  func choose(log: Logger, process: Int = 0) throws -> DeviceRegistry.Choice {
    let choice = try DeviceRegistry.choose(
      device, called: "--device", precision: precision, process: process,
      openCLDevices: openCLDevices)
    if !choice.news.isEmpty { log.warning("\(oneLine(choice.news.joined(separator: "; ")))") }
    return choice
  }
}
