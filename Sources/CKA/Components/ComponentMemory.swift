import Device
import Support

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

  /// A matrix before it is centered: of up to 1,024 examples two a core.
  private var matrices: Int { 4 * n * (n + 1024) * (n <= 1024 ? 2 * cores : 1) }

  /// Everything at once: matrices in the device's stack, in memory, and once more without components.
  private var atOnce: Int {
    ProcessMemory.now + MemoryModel.reserve + MemoryModel.leastWorkspace + stacks(3 * layerCount)
      + matrices + bases(searching: cores)
  }

  /// One layer's matrix, in the device's stack and in memory.
  private var oneByOne: Int {
    ProcessMemory.now + MemoryModel.reserve + MemoryModel.leastWorkspace + stacks(2) + matrices
      + bases(searching: 1)
  }

  private var tiles: MemoryModel {
    let comparison = Comparison(
      ofAll: left, right, pairing: pairing, estimator: estimator, kernel: .linear)
    return MemoryModel(work: ExactWork(comparison), base: ProcessMemory.now + bases(searching: 0))
  }

  /// Whether the matrices of all layers fit `memory` bytes.
  public func isAtOnce(memory: Int) -> Bool { atOnce <= memory }

  /// The side of tiles: of each layer one in the device's stack, one in memory and one without components.
  func tileSide(memory: Int) -> Int {
    max(tiles.side(layers: 3 * layerCount, sums: 0, limit: memory), MemoryModel.leastSide)
  }

  /// The least bytes that do, with room for what measuring rates for a plan leaves behind.
  public var leastMemory: Int {
    let inTiles = tiles.peak(layers: 3 * layerCount, side: MemoryModel.leastSide, sums: 0)
    return min(atOnce, max(oneByOne, inTiles) + 2 * MemoryModel.leastWorkspace)
  }
}
