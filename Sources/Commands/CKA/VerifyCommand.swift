import Activations
import ArgumentParser
import CKA
import CommandSupport
import Device
import Support

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Golden values and random checks against a float64 reference, on your own device.")

  @OptionGroup var device: DeviceOption

  func run() throws {
    let log = Console.bootstrapLogging(isQuiet: false)
    try reportingFailures {
      let choice = try chooseDevice(device.device, precision: device.precision, log: log)
      for device in choice.devices.prefix(choice.sharing) { try verify(device) }
    }
  }

  private func verify(_ device: any Device) throws {
    try Console.print(
      "\(device.info.id): \(oneLine(device.info.name)), \(oneLine(device.info.driver)), "
        + "\(device.info.precision.rawValue) products\n")
    let verification: Verification
    do throws(DeviceError) {
      verification = try Verification(of: device)
    } catch {
      throw Failure(.software, oneLine(error.description))
    }
    var table = TextTable([
      ("check", .left), ("method", .left), ("expected", .right), ("found", .right),
      ("error", .right), ("allowed", .right), ("", .left),
    ])
    for check in verification.checks {
      table.add([
        check.name, check.method, value(check.expected), value(check.found),
        Format.scientific(check.error), Format.scientific(check.tolerance),
        check.passed ? "ok" : "FAILED",
      ])
    }
    try Console.print(table.text)
    let worst = verification.checks.map(\.error).max() ?? .infinity
    let failed = verification.checks.filter { !$0.passed }.count
    try Console.print(
      "\(verification.checks.count) checks, largest error \(Format.scientific(worst))")
    guard verification.passed else {
      throw Failure(.software, "\(device.info.id) failed \(failed) checks")
    }
    try Console.print("\(device.info.id) passed")
  }

  private func value(_ value: Double?) -> String {
    value.map { Format.fixed($0, 9) } ?? "undefined"
  }
}
