import Activations
import BLASDevice
import Device
import TestSupport
import Testing

@testable import Analyses
@testable import CKA

/// Analyses choose their algorithms by shapes, limits and the kind of device, too.
@Suite struct ReproducibilityTests {
  @Test func componentsChooseTheSameTilesWhateverTheProcessHolds() throws {
    let layers = (0..<3).map { Activations64.normal(n: 3000, p: 2, seed: $0) }
    let analysis = try ComponentAnalysis(ActivationModel(layers), components: 3)
    let device = BLASDevice().info
    let (least, same) = twice { analysis.leastMemory(on: device) }
    #expect(least == same)
    let limit = analysis.leastMemory(on: device) + (20 << 20)
    let (side, again) = twice { analysis.tileSide(on: device, memory: limit) }
    #expect(side == again && side > MemoryModel.leastSide && side < 3000)
  }
}
