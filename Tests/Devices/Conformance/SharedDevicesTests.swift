import Activations
import CKA
import Device
import DeviceRegistry
import TestSupport
import Testing

/// Several devices of this machine on one comparison.
struct SharedDevicesTests {
  private static let n = 120

  private func comparison(_ seed: UInt64) throws -> Comparison {
    let x = Activations64.normal(n: Self.n, p: 70, seed: seed)
    let y = x.mixed(into: .normal(n: Self.n, p: 33, seed: seed + 1), weight: 0.5)
    let model = ActivationModel(name: "model", layers: [x.layer("x"), y.layer("y")])
    return try Comparison(model, estimator: .minibatch(.init(size: 10, passes: 2)))
  }

  /// One OpenCL device opened twice gives the bits of one, whoever is faster.
  @Test func twoOfAKindGiveTheBitsOfOne() throws {
    let registry = DeviceRegistry()
    let comparison = try comparison(1)
    let first = try #require(try registry.choose(.openCL(nil)).devices.first)
    let second = try #require(try registry.choose(.openCL(nil)).devices.first)
    let alone = try comparison.run(on: [first])
    let shared = try comparison.run(on: DeviceTeam([first, second], sharing: 2))
    #expect(shared.similarity.cka == alone.similarity.cka)
    #expect(shared.similarity.z == alone.similarity.z)
    #expect(shared.work.reduce(0) { $0 + $1.minibatches } == 24)
  }

  @Test func allOpenCLDevicesAreChosen() throws {
    #expect(DeviceSelection("opencl:all") == .allOpenCL)
    let registry = DeviceRegistry()
    let openCL = registry.candidates.filter { $0.info.backend == "OpenCL" }
    let gpus = openCL.filter(\.isForAuto)
    let choice = try registry.choose(.allOpenCL)
    let wanted = gpus.isEmpty ? openCL : gpus
    #expect(choice.devices.prefix(choice.sharing).map(\.info.id) == wanted.map(\.info.id))
    #expect(choice.devices.dropFirst(choice.sharing).map(\.info.id) == ["cpu"])
    let comparison = try comparison(3)
    let outcome = try comparison.run(
      on: DeviceTeam(choice.devices, sharing: choice.sharing))
    let cpu = try comparison.run(on: DeviceTeam(registry.choose(.cpu).devices))
    // Both are within 1e-5 of the truth.
    for (a, b) in zip(outcome.similarity.cka.elements, cpu.similarity.cka.elements) {
      #expect(abs(a - b) < 2e-5)
    }
  }
}
