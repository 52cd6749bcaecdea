import Device

extension Runtime {
  /// Turns a chunk's linear Gram matrices into RBF ones.
  func applyRBF(
    _ bandwidth: GramKernel.Bandwidth, to chunk: ChunkMatrices, using scratch: ChunkScratch
  ) throws(DeviceError) {
    let rows = [chunk.exampleCount * Tuning.rowItems, chunk.layerCount]
    let matrices: [KernelArgument] = [
      .uint(chunk.exampleCount), .uint(chunk.hasDiagonal), .ulong(chunk.layerStride),
    ]
    try launch(
      kernel("distances", of: tuning.rbf), global: rows, local: [Tuning.rowItems, 1],
      [.buffer(chunk.stack), .buffer(chunk.diagonals)] + matrices)

    var factor: Float = 0
    var exponent = 0
    var isMedian = false
    switch bandwidth {
    case .medianMultiple(let multiple):
      isMedian = true
      factor = Float(multiple * multiple)
      try findMedians(of: chunk, using: scratch, matrices: matrices)
    case .sampledMedianMultiple:
      throw DeviceError(
        kind: .unsupported, call: "gramStack", context: "a sampled median of a minibatch")
    case .sigma(let sigma):
      let squared = sigma * sigma
      if squared.isNormal {
        exponent = Int(squared.exponent)
        factor = Float(squared.significand)
      }
    }
    try launch(
      kernel("bandwidth", of: tuning.rbf), global: [Tuning.bins, chunk.layerCount],
      local: [Tuning.bins, 1],
      [
        .buffer(scratch.targets), .buffer(chunk.diagonals),
        .uint(chunk.exampleCount), .uint(isMedian ? 1 : 0), .float(factor), .int(exponent),
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
