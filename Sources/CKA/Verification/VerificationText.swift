import Device
import Support

extension DeviceInfo {
  /// The device and how it rounds products, in a line.
  package var heading: String {
    "\(id): \(oneLine(name)), \(oneLine(driver)), \(precision.rawValue) products"
  }
}

extension Verification {
  /// Throws where a check of the device called `id` failed.
  package func check(of id: String) throws(Failure) {
    guard passed else {
      throw Failure(.software, "\(id) failed \(checks.count { !$0.passed }) checks")
    }
  }

  /// A row a check.
  package var table: TextTable {
    var table = TextTable([
      ("check", .left), ("method", .left), ("expected", .right), ("found", .right),
      ("error", .right), ("allowed", .right), ("", .left),
    ])
    func value(_ value: Double?) -> String { value.map { Format.fixed($0, 9) } ?? "undefined" }
    for check in checks {
      table.add([
        check.name, check.method, value(check.expected), value(check.found),
        Format.scientific(check.error), Format.scientific(check.tolerance),
        check.passed ? "ok" : "FAILED",
      ])
    }
    return table
  }

  /// How many checks, and the largest error.
  package var summary: String {
    let worst = checks.map(\.error).max() ?? .infinity
    return "\(checks.count) checks, largest error \(Format.scientific(worst))"
  }
}
