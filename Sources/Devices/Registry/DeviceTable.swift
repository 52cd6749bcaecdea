import Device
import OpenCLDevice
import Support

extension DeviceRegistry {
  /// The devices and their properties, a line each.
  private var table: TextTable {
    var table = TextTable([
      ("device", .left), ("name", .left), ("kind", .left), ("driver", .left),
      ("memory", .right), ("float64", .left), ("units", .right), ("tiles", .left),
    ])
    for candidate in candidates {
      let info = candidate.info
      table.add([
        info.id, oneLine(info.name), oneLine(candidate.kind), oneLine(info.driver),
        Format.bytes(info.memory), info.hasFloat64 ? "yes" : "no", String(info.computeUnits),
        candidate.isTuned.map { $0 ? "tuned" : "defaults" } ?? "–",
      ])
    }
    return table
  }

  /// The table, and which device `auto` chooses and why.
  package func description() throws(DeviceError) -> String {
    let reasons = try choose(.automatic).reasons.map { "auto: \(oneLine($0))\n" }
    return "\(table.text)\n\(reasons.joined())"
  }

  /// The devices that somebody asked for, with an error that names the choice.
  ///
  /// - Parameters:
  ///   - option: what the choice is called: `--device`.
  ///   - process: see `choose(_:process:)`.
  /// - Throws: `Failure` where there is no such device, or it does not work.
  package static func choose(
    _ selection: DeviceSelection, called option: String, precision: Precision, process: Int = 0,
    openCLDevices: () throws(DeviceError) -> [OpenCLDeviceDescription] = OpenCLDevice.all
  ) throws(Failure) -> Choice {
    do throws(DeviceError) {
      return try choose(
        selection, precision: precision, process: process, openCLDevices: openCLDevices)
    } catch {
      guard error.kind == .notFound else {
        throw Failure(.software, "\(option) \(selection): \(oneLine(error.description))")
      }
      throw Failure(.unavailable, "\(option) \(selection): not found: \(oneLine(error.context))")
    }
  }
}
