import Activations
import Device

/// The making of one minibatch's Gram stack.
struct MinibatchGrams {
  let runtime: Runtime
  let minibatch: Minibatch
  let kernel: GramKernel
  let shape: MatrixShape
  /// How tensor cores take part; nil where they don't.
  let tensors: TensorUse?
  let tuning: Tuning

  init(
    runtime: Runtime, minibatch: Minibatch, kernel: GramKernel, centering: GramCentering,
    tensors: TensorUse?
  ) {
    self.runtime = runtime
    self.minibatch = minibatch
    self.kernel = kernel
    shape = MatrixShape(part: .triangle(minibatch.exampleCount), centering: centering)
    self.tensors = tensors
    tuning =
      tensors == nil
      ? runtime.tuning : runtime.tuning.forTensors(exampleCount: minibatch.exampleCount)
  }

  /// Makes the stack on the device if it fits there, else on the host.
  func stack(in workspace: inout Workspace?) throws(DeviceError) -> OpenCLGramStack {
    let n = minibatch.exampleCount
    let sigmas = try knownSigmas(in: &workspace)
    let run = GramPipeline(
      runtime: runtime,
      sources: minibatch.layers.map { GatherSource(layer: $0, examples: minibatch.examples) },
      shape: shape, tuning: tuning, limits: runtime.limits, tensors: tensors, known: nil,
      scratchBytesPerLayer: ChunkScratch.bytesPerLayer(exampleCount: n) + n * 4,
      meter: minibatch.meter)
    let result = try run.matrices(in: &workspace) { (layers) throws(DeviceError) in
      try ChunkScratch(runtime, layerCount: layers, exampleCount: n)
    } finish: { (chunk, scratch) throws(DeviceError) in
      if let rule = try rule(sigmas) { try runtime.applyRBF(rule, to: chunk, using: scratch) }
      try runtime.center(chunk, using: scratch, isLinear: kernel == .linear)
    }
    return OpenCLGramStack(
      runtime: runtime,
      layers: minibatch.layers.indices.map {
        summary(minibatch.layers[$0], result.records[$0], sigma: sigmas?[$0])
      }, timings: result.timings, chunks: result.chunks, shape: shape, meter: minibatch.meter)
  }

  /// Each layer's σ where it is known before the matrices are: 0 for none.
  private func knownSigmas(in workspace: inout Workspace?) throws(DeviceError) -> [Double]? {
    switch kernel {
    case .linear, .rbf(.medianMultiple): return nil
    case .rbf(.sigma(let sigma)): return minibatch.layers.map { _ in sigma }
    case .rbf(.sampledMedianMultiple(let multiple, let count)):
      let sample = GramKernel.Bandwidth.sample(of: minibatch.exampleCount, count: count)
      let run = MinibatchGrams(
        runtime: runtime,
        minibatch: Minibatch(
          layers: minibatch.layers, examples: sample.map { minibatch.examples[$0] }),
        kernel: .rbf(.medianMultiple(multiple)), centering: .biased, tensors: tensors)
      return try run.stack(in: &workspace).layers.map { $0.sigma ?? 0 }
    }
  }

  private func rule(_ sigmas: [Double]?) throws(DeviceError) -> BandwidthRule? {
    if let sigmas { return try BandwidthRule(sigmas: sigmas, on: runtime) }
    guard case .rbf(.medianMultiple(let multiple)) = kernel else { return nil }
    return try BandwidthRule(
      medianMultiple: multiple, layerCount: minibatch.layers.count, on: runtime)
  }
}
