import Activations
import CKA
import Device
import Support

// Counted from what a process takes before it reads examples, never from what this one has taken so far:
// two runs choose the same algorithm, and so have the same bits.
extension ComponentAnalysis {
  /// The layers of both models.
  var layerCount: Int { left.layers.count + (right?.layers.count ?? 0) }

  private var n: Int { pairing.count }
  private var cores: Int { MachineLimits.current.processors }

  /// Bytes of so many layers' packed matrices.
  private func stacks(_ layers: Int) -> Int {
    4 * layers * GramCentering.biased.packedCount(exampleCount: n)
  }

  /// Bytes of all eigenvectors, and of the bases that `searching` cores have at a time.
  func bases(searching: Int) -> Int {
    8 * n * (layerCount * components + 3 * searching * max(192, 4 * (components + 8)))
  }

  /// Before any matrix, with a matrix before it is centered: of up to 1,024 examples two a core.
  private func fixed(on device: DeviceInfo) -> Int {
    MemoryModel.base(of: device) + MemoryModel.reserve + MemoryModel.leastWorkspace
      + 4 * n * (n + 1024) * (n <= 1024 ? 2 * cores : 1)
  }

  /// Everything at once: matrices in the device's stack, in memory, and once more without components.
  private func atOnce(on device: DeviceInfo) -> Int {
    fixed(on: device) + stacks(3 * layerCount) + bases(searching: cores)
  }

  /// One layer's matrix, in the device's stack and in memory.
  private func oneByOne(on device: DeviceInfo) -> Int {
    fixed(on: device) + stacks(2) + bases(searching: 1)
  }

  private func tiles(on device: DeviceInfo) -> MemoryModel {
    let comparison = Comparison(
      ofAll: left, right, pairing: pairing, estimator: estimator, kernel: .linear)
    return MemoryModel(
      work: FullBatchWork(comparison), base: MemoryModel.base(of: device) + bases(searching: 0))
  }

  /// Whether the matrices of all layers fit `memory` bytes.
  public func isAtOnce(on device: DeviceInfo, memory: Int) -> Bool {
    atOnce(on: device) <= memory
  }

  /// Whether so many layers' matrices fit in float64 beside everything at once, with one that is reduced.
  func fitsFloat64(_ layers: Int, on device: DeviceInfo, memory: Int) -> Bool {
    let matrices = 8 * (layers + 1) * GramCentering.biased.packedCount(exampleCount: n)
    return atOnce(on: device) + Float64Workspace.bytes(side: n) + matrices <= memory
  }

  /// The side of tiles: of each layer one in the device's stack, one in memory and one without components.
  func tileSide(on device: DeviceInfo, memory: Int) -> Int {
    max(
      tiles(on: device).side(layers: 3 * layerCount, sums: 0, limit: memory), MemoryModel.leastSide)
  }

  /// The least bytes that do, with room for what `malloc` keeps between the layers.
  public func leastMemory(on device: DeviceInfo) -> Int {
    let inTiles = tiles(on: device).peak(
      layers: 3 * layerCount, side: MemoryModel.leastSide, sums: 0)
    return min(
      atOnce(on: device), max(oneByOne(on: device), inTiles) + 2 * MemoryModel.leastWorkspace)
  }
}
