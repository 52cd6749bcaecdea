import Activations
import COpenBLAS
import CPUKernels
import Device
import Features
import Support
import Synchronization

/// The CPU backend: one layer per core; features are centered and multiplied while in cache.
public struct BLASDevice: CrossCovarianceDevice, PackedDevice {
  /// The processor, with the libraries that do its work.
  public let info: DeviceInfo
  let multiplier: GEMMBackend
  let division: Division
  let memory = MemoryPool()

  /// How work is divided among the cores. Results depend on it by their rounding, so it does not
  /// depend on how many cores there are.
  struct Division: Sendable {
    /// Up to here each core makes matrices of its own, which stay in its share of the caches.
    var mostExamplesOfACore = 1024
    /// Features of a segment, the least that a core works on.
    var segmentWidth = 4096
  }

  /// The CPU with the best kernels it can run.
  public init() { self.init(multiplier: .best) }

  init(multiplier: GEMMBackend, division: Division = Division()) {
    self.multiplier = multiplier
    self.division = division
    let openBLAS = String(cString: openblas_get_config()).split(separator: " ").prefix(2)
      .joined(separator: " ")
    info = DeviceInfo(
      id: "cpu", name: Self.processorName, backend: "BLAS",
      driver:
        "\(openBLAS) (\(String(cString: openblas_get_corename()))), own kernels \(multiplier.name)",
      memory: MachineLimits.current.memory, hasFloat64: true,
      computeUnits: MachineLimits.current.processors)
  }

  /// See `Device`. Memory: the stack, and for minibatches of up to 1,024 examples one Gram matrix
  /// and one slab of features a core, or one Gram matrix and two slabs in all.
  public func gramStack(
    of minibatch: Minibatch, kernel: GramKernel, centering: GramCentering
  ) throws(DeviceError) -> BLASGramStack {
    let n = minibatch.exampleCount
    try DeviceError.check(minibatch, for: centering, "gramStack")
    try DeviceError.check(kernel, "gramStack")
    let stack = try BLASGramStack(
      layerCount: minibatch.layers.count, packedCount: centering.packedCount(exampleCount: n),
      pool: memory, meter: minibatch.meter)
    let start = ContinuousClock.now
    let clock = ReadClock()
    func finish(_ layer: Int, _ gram: GramMatrix) throws(DeviceError) {
      stack.summaries[layer] = try center(
        gram, of: minibatch.layers[layer], kernel: kernel, centering: centering,
        into: stack.newRow(layer))
      minibatch.layers[layer].evict()
    }
    if n <= division.mostExamplesOfACore {
      try segmentByCore(minibatch, clock: clock, finish: finish)
    } else {
      let workspace = try SharedWorkspace(
        exampleCount: n, rowUnit: multiplier.rowUnit, pool: memory)
      for (index, layer) in minibatch.layers.enumerated() {
        do throws(ActivationReadError) {
          try gram(
            of: layer, examples: minibatch.examples, in: workspace, clock: clock,
            observe: minibatch.count(features:))
        } catch { throw DeviceError(error) }
        try finish(index, workspace.gram)
      }
    }
    stack.timings = clock.timings(
      within: .now - start, cores: MachineLimits.current.processors)
    return stack
  }

  /// Gram matrices of all layers, segment by segment on whichever core is free.
  private func segmentByCore(
    _ minibatch: Minibatch, clock: ReadClock,
    finish: @escaping (Int, GramMatrix) throws(DeviceError) -> Void
  ) throws(DeviceError) {
    nonisolated(unsafe) let finish = finish
    let pool = WorkspacePool(
      exampleCount: minibatch.exampleCount, rowUnit: multiplier.rowUnit, memory: memory)
    // The widest layers first, so that no core is left alone with one at the end.
    let order = minibatch.layers.indices.sorted {
      minibatch.layers[$0].featureCount > minibatch.layers[$1].featureCount
    }
    let work = order.flatMap { index in
      let segments = Block.runs(
        of: minibatch.layers[index].featureCount, size: division.segmentWidth)
      let layer = SegmentedLayer(index: index, segmentCount: segments.count)
      return segments.enumerated().map { (layer, $0, $1) }
    }
    let failure = Mutex<DeviceError?>(nil)
    perform(work.count) { item in
      let (layer, segment, features) = work[item]
      guard failure.withLock({ $0 == nil }) else { return }
      do throws(DeviceError) {
        let workspace = try pool.take()
        do throws(ActivationReadError) {
          try gram(
            of: minibatch.layers[layer.index], features: features, examples: minibatch.examples,
            in: workspace, clock: clock)
        } catch { throw DeviceError(error) }
        minibatch.count(features: features.count)
        let (free, complete) = layer.add(workspace, segment: segment)
        pool.giveBack(free)
        if let complete {
          try finish(layer.index, complete.gram)
          pool.giveBack([complete])
        }
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private static let processorName: String = {
    let lines = contents(ofSmallFile: "/proc/cpuinfo")?.split(separator: "\n") ?? []
    let model = lines.first { $0.hasPrefix("model name") }
    let name = model?.split(separator: ":").dropFirst().joined(separator: ":")
    return name.map { String($0.drop { $0 == " " }) } ?? "CPU"
  }()
}
