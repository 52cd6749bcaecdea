import Activations
import Device

/// The making of one minibatch's Gram stack.
struct GramRun {
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
    let run = MatrixRun(
      runtime: runtime,
      sources: minibatch.layers.map { GatherSource(layer: $0, examples: minibatch.examples) },
      shape: shape, tuning: tuning, limits: runtime.limits, tensors: tensors, known: nil,
      scratchBytesPerLayer: ChunkScratch.bytesPerLayer(exampleCount: n) + n * 4)
    let result = try run.matrices(in: &workspace) { (layers) throws(DeviceError) in
      try ChunkScratch(runtime, layerCount: layers, exampleCount: n)
    } finish: { (chunk, scratch) throws(DeviceError) in
      if case .rbf(let bandwidth) = kernel {
        try runtime.applyRBF(bandwidth, to: chunk, using: scratch)
      }
      try runtime.center(chunk, using: scratch, isLinear: kernel == .linear)
    }
    return OpenCLGramStack(
      runtime: runtime, layers: zip(minibatch.layers, result.records).map(summary),
      timings: result.timings, chunks: result.chunks, shape: shape)
  }
}
