import ArgumentParser
import CommandSupport
import DeviceRegistry

struct DevicesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "devices",
    abstract: "Lists the devices and their properties, and which one auto chooses and why.")

  func run() throws {
    try reportingFailures {
      let registry = DeviceRegistry(openCLDevices: openCLDevices)
      try Console.print(registry.description(), terminator: "")
    }
  }
}
