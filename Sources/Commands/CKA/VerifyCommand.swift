import ArgumentParser
import CKA
import CommandSupport
import Device
import Support

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks golden values and random data on a device against a float64 reference.")

  @OptionGroup var device: DeviceOption

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: false)
    try reportingFailures {
      let choice = try device.choose(log: log)
      for device in choice.devices.prefix(choice.sharing) { try verify(device) }
    }
  }

  private func verify(_ device: any Device) throws {
    try Console.print("\(device.info.heading)\n")
    let verification = try Verification(of: device)
    try Console.print("\(verification.table.text)\n\(verification.summary)")
    try verification.check(of: device.info.id)
    try Console.print("\(device.info.id) passed")
  }
}
