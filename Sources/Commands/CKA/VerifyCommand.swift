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
    let info = device.info
    try Console.print(
      "\(info.id): \(oneLine(info.name)), \(oneLine(info.driver)), \(info.precision.rawValue) products\n"
    )
    let verification: Verification
    do throws(DeviceError) {
      verification = try Verification(of: device)
    } catch {
      throw Failure(.software, oneLine(error.description))
    }
    try Console.print(verification.table.text)
    try Console.print(verification.summary)
    guard verification.passed else {
      let failed = verification.checks.filter { !$0.passed }.count
      throw Failure(.software, "\(info.id) failed \(failed) checks")
    }
    try Console.print("\(info.id) passed")
  }
}
