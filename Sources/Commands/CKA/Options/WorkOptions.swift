import ArgumentParser
import CKA
import CommandSupport
import Device
import DeviceRegistry
import Logging
import Support

/// Bytes of memory, as they stand behind `--memory`.
struct MemorySize: ExpressibleByArgument, Hashable {
  let bytes: Int

  init?(argument: String) {
    guard let bytes = byteCount(argument) else { return nil }
    self.bytes = bytes
  }
}

/// Where the work is done, and how much memory it may take.
struct WorkOptions: ParsableArguments {
  @OptionGroup var device: DeviceOption

  @Option(
    help: ArgumentHelp(
      """
      Memory limit, such as 800M or 4G (K, M, G, T: powers of 1,024). A hard limit: if it cannot \
      be kept, the smallest value that works is named before anything starts (default: half of the \
      memory of this process).
      """, valueName: "size"))
  var memory: MemorySize?

  /// Whether the user grants a certain memory.
  var isLimited: Bool { memory != nil }

  /// How products are rounded.
  var precision: Precision { device.precision }

  /// The devices, within the memory that the user grants, and why they were chosen. What is unexpected of the choice,
  /// and what happens while they work, is reported.
  ///
  /// - Parameters:
  ///   - process: which of several processes on this machine asks: each takes another GPU.
  ///   - processes: how many they are: they share the memory that nobody limits.
  func team(
    log: Logger, process: Int = 0, of processes: Int = 1
  ) throws -> (team: DeviceTeam, choice: DeviceRegistry.Choice) {
    let choice = try device.choose(log: log, process: process)
    if isLimited { ProcessSetup.returnFreedMemory() }
    let team = DeviceTeam(
      choice.devices, sharing: choice.sharing,
      memory: memory?.bytes ?? Comparison.defaultMemory / processes, meter: Progress.meter
    ) { event in event.note.map { log.tell([$0]) } }
    return (team, choice)
  }
}
