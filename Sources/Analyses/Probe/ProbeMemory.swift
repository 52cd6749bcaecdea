import Activations
import CKA
import Device
import Support

// Counted with overflow in mind: classes may be as many as examples.
extension Probe {
  /// The bytes that are held at the most where layers are fitted one after another.
  public func leastMemory(on device: DeviceInfo) -> Int {
    let n = examples.count
    let widest = model.layers.map(\.featureCount).max() ?? 0
    let width = StandardizedFeatures.slabWidth(exampleCount: n, featureCount: widest)
    let cores = MachineLimits.current.processors
    // A slab and the layer that a device gets of it, with what standardizes each feature, and rows of the file.
    let slab = saturatingSum(
      saturatingProduct(8, n, width), saturatingProduct(64, width),
      saturatingProduct(4096, n, cores))
    // Packed sums in float64, the packed matrix of a slab in the device's stack and out of it, and one before it
    // is centered (of up to 1,024 examples two a core).
    let making = saturatingSum(
      saturatingProduct(8, n, n + 1), saturatingProduct(4, n, n + 1024, n <= 1024 ? 2 * cores : 1),
      slab)
    return saturatingSum(
      MemoryModel.base(of: device) + MemoryModel.reserve + MemoryModel.leastWorkspace,
      designBytes, max(making, solverBytes))
  }

  /// How many layers are fitted at a time.
  func sideBySide(on team: DeviceTeam) -> Int {
    let least = team.devices.map { leastMemory(on: $0.info) }.max() ?? 0
    let others = max(team.memory - least, 0) / max(saturatingSum(designBytes, solverBytes), 1)
    return min(1 + others, MachineLimits.current.processors)
  }

  /// The matrix of a fit, with its rows for the test: features, which are float64, are no more than examples.
  private var designBytes: Int { saturatingProduct(8, split.train.count, examples.count) }

  /// What the solver of a layer remembers: two vectors a step, and some at hand, of which each holds a
  /// coefficient and a score for every class and training example.
  private var solverBytes: Int {
    saturatingProduct(
      2 * LogisticRegression.memory + 4, 16, split.train.count, labels.classes.count)
  }
}
