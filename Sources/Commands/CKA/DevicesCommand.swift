import ArgumentParser
import CommandSupport
import DeviceRegistry
import Support

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "Lists the devices and their properties, and which one auto chooses and why.")

  func run() throws {
    try reportingFailures {
      let registry = DeviceRegistry(openCLDevices: openCLDevices)
      var table = TextTable([
        ("device", .left), ("name", .left), ("kind", .left), ("driver", .left),
        ("memory", .right), ("float64", .left), ("units", .right), ("tiles", .left),
      ])
      for candidate in registry.candidates {
        let info = candidate.info
        table.add([
          info.id, oneLine(info.name), oneLine(candidate.kind), oneLine(info.driver),
          Format.bytes(info.memory), info.hasFloat64 ? "yes" : "no", String(info.computeUnits),
          candidate.isTuned.map { $0 ? "tuned" : "defaults" } ?? "–",
        ])
      }
      try Console.print(table.text)
      let choice = try registry.choose(.automatic)
      for reason in choice.reasons { try Console.print("auto: \(oneLine(reason))") }
    }
  }
}
