import CPUKernels
import Device
import DeviceRegistry
import Testing

@testable import BLASDevice
@testable import OpenCLDevice

/// Every device of this machine; the CPU with each of its instruction sets and engines, and with the
/// divisions of work that large minibatches and wide layers get; and an OpenCL device with emulated
/// tensor cores.
///
/// Where no OpenCL device is found the tests fail: they must not pass by leaving it out.
struct TestedDevice: Sendable, CustomTestStringConvertible {
  let name: String
  let device: any CrossCovarianceDevice & PackedDevice

  var testDescription: String { name }

  static let all: [TestedDevice] = {
    var devices: [TestedDevice] = []
    for index in 0..<cka_cpu_kernels_count() {
      for engine in [GEMMBackend.Engine.packed, .openBLAS] {
        let multiplier = GEMMBackend(table: cka_cpu_kernels(index), engine: engine)
        devices.append(
          TestedDevice(
            name: "cpu \(multiplier.name) \(engine)", device: BLASDevice(multiplier: multiplier)))
      }
    }
    let divisions = [
      ("shared", BLASDevice.Division(mostExamplesOfACore: 0)),
      ("segments", BLASDevice.Division(segmentWidth: 64)),
    ]
    for (name, division) in divisions {
      for engine in [GEMMBackend.Engine.packed, .openBLAS] {
        let multiplier = GEMMBackend(table: cka_cpu_kernels(0), engine: engine)
        devices.append(
          TestedDevice(
            name: "cpu \(name) \(engine)",
            device: BLASDevice(multiplier: multiplier, division: division)))
      }
    }
    let registry = DeviceRegistry()
    for candidate in registry.candidates where candidate.info.backend != "BLAS" {
      guard let selection = DeviceSelection(candidate.info.id),
        let device = try? registry.choose(selection).devices.first
          as? any CrossCovarianceDevice & PackedDevice
      else { continue }
      devices.append(TestedDevice(name: candidate.info.id, device: device))
    }
    if let device = try? emulatedTensors() {
      devices.append(TestedDevice(name: "\(device.info.id) tensors", device: device))
    }
    return devices
  }()

  private static func emulatedTensors() throws -> OpenCLDevice? {
    guard let description = try OpenCLDevice.all().first else { return nil }
    var tuning = Tuning(description)
    tuning.tensors = .emulated
    return try OpenCLDevice(
      description, limits: OpenCLLimits(description), tuning: tuning, precision: .compensated)
  }
}

@Test func anOpenCLDeviceIsThere() {
  let devices = TestedDevice.all.filter { $0.device.info.backend == "OpenCL" }
  #expect(!devices.isEmpty, "install pocl-opencl-icd: OpenCL would go untested")
  #expect(devices.contains { $0.device.info.precision == .compensated })
}
