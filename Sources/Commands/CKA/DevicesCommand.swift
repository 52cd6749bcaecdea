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
      try Console.print(registry.table.text)
      for reason in try registry.choose(.automatic).reasons {
        try Console.print("auto: \(oneLine(reason))")
      }
    }
  }
}
