import Device

/// How each layer's σ is found, as `bandwidth` of rbf.cl is told.
struct BandwidthRule {
  let isMedian: Bool
  /// Two numbers a layer.
  let factors: Buffer

  /// σ² as a multiple of each layer's median.
  init(medianMultiple multiple: Double, layerCount: Int, on runtime: Runtime) throws(DeviceError) {
    isMedian = true
    factors = try Self.table(
      Array(repeating: SIMD2(Float(multiple * multiple), 0), count: layerCount), runtime)
  }

  /// One σ a layer, in units of the activations.
  init(sigmas: [Double], on runtime: Runtime) throws(DeviceError) {
    isMedian = false
    factors = try Self.table(
      sigmas.map { sigma in
        let squared = sigma * sigma
        guard sigma > 0, sigma.isFinite else { return SIMD2(0, 0) }
        // A σ² out of float64's range is out of any layer's, too.
        guard squared.isNormal else { return SIMD2(1, sigma > 1 ? 4096 : -4096) }
        return SIMD2(Float(squared.significand), Float(squared.exponent))
      }, runtime)
  }

  private static func table(_ factors: [SIMD2<Float>], _ runtime: Runtime) throws(DeviceError)
    -> Buffer
  {
    let buffer = try runtime.buffer(byteCount: factors.count * 8)
    try runtime.upload(factors, to: buffer)
    return buffer
  }
}

extension Runtime {
  /// Turns a chunk's linear Gram matrices into RBF ones.
  func applyRBF(
    _ rule: BandwidthRule, to chunk: ChunkMatrices, using scratch: ChunkScratch
  ) throws(DeviceError) {
    let rows = [chunk.exampleCount * Tuning.rowItems, chunk.layerCount]
    let matrices: [KernelArgument] = [
      .uint(chunk.exampleCount), .uint(chunk.hasDiagonal), .ulong(chunk.layerStride),
    ]
    try launch(
      kernel("distances", of: tuning.rbf), global: rows, local: [Tuning.rowItems, 1],
      [.buffer(chunk.stack), .buffer(chunk.diagonals)] + matrices)

    if rule.isMedian { try findMedians(of: chunk, using: scratch, matrices: matrices) }
    try launch(
      kernel("bandwidth", of: tuning.rbf), global: [Tuning.bins, chunk.layerCount],
      local: [Tuning.bins, 1],
      [
        .buffer(scratch.targets), .buffer(chunk.diagonals),
        .uint(chunk.exampleCount), .uint(rule.isMedian ? 1 : 0), .buffer(rule.factors),
        .uint(chunk.firstLayer), .buffer(chunk.records),
      ])
    try launch(
      kernel("exponentials", of: tuning.rbf), global: rows, local: [Tuning.rowItems, 1],
      [.buffer(chunk.stack), .buffer(chunk.diagonals)] + matrices + [
        .uint(chunk.firstLayer), .buffer(chunk.records),
      ])
  }

  /// Leaves both middle values of each layer's n² squared distances in the targets.
  private func findMedians(
    of chunk: ChunkMatrices, using scratch: ChunkScratch, matrices: [KernelArgument]
  ) throws(DeviceError) {
    let perLayer = [Tuning.bins, chunk.layerCount]
    try launch(
      kernel("median_begin", of: tuning.rbf), global: perLayer, local: [Tuning.bins, 1],
      [.buffer(scratch.counts), .buffer(scratch.targets), .uint(chunk.exampleCount)])
    // Enough work-groups for any device; each takes several rows before it adds its histogram.
    let groups = min(chunk.exampleCount, 64)
    for shift in [24, 16, 8, 0] {
      try launch(
        kernel("histogram", of: tuning.rbf), global: [groups * Tuning.bins, chunk.layerCount],
        local: [Tuning.bins, 1],
        [.buffer(chunk.stack)] + matrices + [
          .uint(shift), .buffer(scratch.targets), .buffer(scratch.counts),
        ])
      try launch(
        kernel("select_bins", of: tuning.rbf), global: perLayer, local: [Tuning.bins, 1],
        [.buffer(scratch.counts), .buffer(scratch.targets), .uint(shift)])
    }
  }
}
