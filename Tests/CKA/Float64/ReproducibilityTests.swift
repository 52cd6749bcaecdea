import Activations
import BLASDevice
import Device
import Support
import TestSupport
import Testing

@testable import CKA

/// Algorithms are chosen by shapes, limits and the kind of device: what the process has in memory when it
/// chooses differs from run to run, and results must not.
@Suite struct ReproducibilityTests {
  @Test func layersOfFloat64HaveTheSameBitsWhateverTheProcessHolds() throws {
    // One example a million times larger, of which float32 leaves nothing.
    let n = 1000
    var far = Activations64.normal(n: n, p: 3, seed: 1)
    for k in 0..<3 { far.values[k] *= 1e6 }
    let others = (2..<8).map { Activations64.normal(n: n, p: 5, seed: $0) }
    let comparison = try Comparison(ActivationModel([far] + others), estimator: .unbiased)
    // Room for all matrices at once, but not with 64 MiB more.
    let needed = Float64Workspace.bytes(side: n) + 7 * 8 * n * n
    let limit = ProcessMemory.now + MemoryModel.reserve + needed + (32 << 20)
    let plan = try comparison.fullBatchPlan(on: [BLASDevice()])
    let (first, second) = try twice {
      try comparison.run(on: DeviceTeam([BLASDevice()], memory: limit), plan: plan)
    }
    #expect(first.recomputed?.left == [0] && first.similarity.cka[0, 1].isFinite)
    #expect(first.similarity.cka.elements == second.similarity.cka.elements)
  }
}
