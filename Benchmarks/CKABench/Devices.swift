import Activations
import CommandSupport
import Device
import DeviceRegistry

/// The device that `name` stands for, alone: where it fails, so does the measurement.
func openDevice(_ name: String) throws -> any Device {
  guard let selection = DeviceSelection(name), selection != .automatic else {
    throw Failure(.usage, "\(oneLine(name)): not cpu, opencl or opencl:INDEX")
  }
  do throws(DeviceError) { return try DeviceRegistry.choose(selection).devices[0] } catch {
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
  /// `includesAll` every other OpenCL device.
  init(_ names: [String], includesAll: Bool) throws {
    if names.isEmpty {
      let candidates = DeviceRegistry().candidates
      devices = candidates.filter { $0.isForAuto || includesAll }.map(\.info)
      passedOver = candidates.filter { !$0.isForAuto && !includesAll }.map(\.info)
    } else {
      devices = try names.map { try openDevice($0).info }
      passedOver = []
    }
  }
}
