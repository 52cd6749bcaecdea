import Activations
import CKA
import Device
import Support

// In float64, which any number of examples and layers leaves far from its limits.
extension Uncertainty {
  /// The bytes that are held at the most, where no layer is made anew in float64.
  ///
  /// - Parameters:
  ///   - device: the one that would do the work.
  ///   - pair: whether a pair of layers is looked into.
  public func leastMemory(on device: DeviceInfo, pair: Bool) -> Int {
    let n = Double(comparison.pairing.count)
    let cores = Double(MachineLimits.current.processors)
    let left = Double(comparison.left.layers.count)
    let right = comparison.right.map { Double($0.layers.count) }
    let matrix = 2 * n * (n - 1)
    let all = matrix * (left + (right ?? 0))
    // A device's stack is copied, with a matrix before it is centered: of up to 1,024 examples two a core.
    let making =
      max(2 * left * matrix, all + (right ?? 0) * matrix)
      + 4 * n * (n + 1024) * (n <= 1024 ? 2 * cores : 1) + Double(MemoryModel.leastWorkspace)
    // The second model's matrices of shuffled examples; an OpenCL device copies both sides.
    let control = (all + matrix * (right ?? left)) * (device.isOpenCL ? 2 : 1)
    // Rows that cores unpack, sums of blocks, weights.
    let rows = Double(8 * JackknifeMap.rowsAtOnce) * n * (left + (right ?? left)) * cores
    let jackknife =
      all + rows + 8 * n * (left + (right ?? 0))
      + 16 * Double(JackknifeMap.blockCount + 1) * left * (right ?? left)
    // Both matrices in full, and random pairings of them.
    let details = pair ? all + 16 * n * n + PairingGrid.bytes(exampleCount: n) : 0
    return Int(
      bytes: Double(MemoryModel.base(of: device) + MemoryModel.reserve)
        + max(making, control, jackknife, details))
  }
}
