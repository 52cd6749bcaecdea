import Device

extension Runtime {
  /// Centers and packs a chunk's Gram matrices, and completes their records.
  func center(_ chunk: ChunkMatrices, using scratch: ChunkScratch, isLinear: Bool)
    throws(DeviceError)
  {
    let n = KernelArgument.uint(chunk.exampleCount)
    let hasDiagonal = KernelArgument.uint(chunk.hasDiagonal)
    let stride = KernelArgument.ulong(chunk.layerStride)
    let firstLayer = KernelArgument.uint(chunk.firstLayer)
    let rows = [chunk.exampleCount * Tuning.rowItems, chunk.layerCount]
    let perLayer = [Tuning.layerItems, chunk.layerCount]
    try launch(
      kernel("row_sums", of: tuning.center),
      global: [
        chunk.exampleCount.roundedUp(to: Tuning.strip), Tuning.stripLanes, chunk.layerCount,
      ], local: [Tuning.strip, Tuning.stripLanes, 1],
      [
        .buffer(chunk.stack), .buffer(chunk.diagonals), n, hasDiagonal, stride,
        .buffer(scratch.rowSums), .buffer(scratch.rowMaxima),
      ])
    try launch(
      kernel("row_means", of: tuning.center), global: perLayer, local: [Tuning.layerItems, 1],
      [
        .buffer(scratch.rowSums), .buffer(scratch.rowMaxima), n, hasDiagonal,
        .buffer(scratch.rowMeans), firstLayer, .buffer(chunk.records),
      ])
    try launch(
      kernel("center_rows", of: tuning.center), global: rows, local: [Tuning.rowItems, 1],
      [
        .buffer(chunk.stack), .buffer(chunk.diagonals), n, hasDiagonal, stride,
        .buffer(scratch.rowMeans), firstLayer, .buffer(chunk.records),
        .buffer(scratch.rowSquares),
      ])
    try launch(
      kernel("summarize", of: tuning.center), global: perLayer, local: [Tuning.layerItems, 1],
      [
        .buffer(scratch.rowSquares), .buffer(chunk.diagonals), n, .uint(isLinear ? 1 : 0),
        firstLayer, .buffer(chunk.records),
      ])
  }
}
