import Activations
import CommandSupport
import Device
import DeviceRegistry
import Support

/// The device that `name` stands for, alone: where it fails, so does the measurement.
func openDevice(_ name: String, precision: Precision = .exact) throws -> any Device {
  guard let selection = DeviceSelection(name), selection != .automatic else {
    throw Failure(.usage, "\(oneLine(name)): not cpu, opencl or opencl:INDEX")
  }
  do throws(DeviceError) {
    return try DeviceRegistry.choose(
      selection, precision: precision, openCLDevices: openCLDevices
    ).devices[0]
  } catch {
    throw Failure(
      error.kind == .notFound ? .unavailable : .software,
      "\(name): \(oneLine(error.description))")
  }
}

/// Which devices a command measures.
struct DeviceList {
  /// What they are; `id` is how they are opened.
  let devices: [DeviceInfo]
  /// Devices that were left out unasked, by name.
  let passedOver: [DeviceInfo]

  /// The devices called `names`, or where none are named the CPU and every GPU; and with
  /// `includesAll` every other OpenCL device. Each says which precision it has of the one asked for.
  init(_ names: [String], includesAll: Bool, precision: Precision) throws {
    var names = names
    var passedOver: [DeviceInfo] = []
    if names.isEmpty {
      let candidates = DeviceRegistry(openCLDevices: openCLDevices).candidates
      names = candidates.filter { $0.isForAuto || includesAll }.map(\.info.id)
      passedOver = candidates.filter { !$0.isForAuto && !includesAll }.map(\.info)
    }
    devices = try names.map { try openDevice($0, precision: precision).info }
    self.passedOver = passedOver
  }
}

extension DeviceInfo {
  /// What a row of figures calls the device, with its precision where it is not exact.
  var title: String {
    "\(id), \(name)" + (precision == .exact ? "" : ", \(precision.rawValue)")
  }
}
