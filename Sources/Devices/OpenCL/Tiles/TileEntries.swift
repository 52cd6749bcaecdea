import Device

/// Where a pass over a tile's chunks leaves what it finds, and the tile's vectors.
struct TilePassScratch {
  let vectors: TileVectors
  let windows: Buffer
  let counts: Buffer
  let rowSums: Buffer
  let columnSums: Buffer
  let rowMaxima: Buffer
}

extension TilePassScratch {
  init(_ runtime: Runtime, _ tile: TileGrams, layersPerChunk: Int) throws(DeviceError) {
    self.init(
      vectors: try tile.vectors(), windows: try runtime.buffer(byteCount: layersPerChunk * 8),
      counts: try runtime.buffer(byteCount: layersPerChunk * 2 * Tuning.halfBins * 4),
      rowSums: try runtime.buffer(byteCount: layersPerChunk * tile.rows.count * 8),
      columnSums: try runtime.buffer(byteCount: layersPerChunk * tile.columns.count * 8),
      rowMaxima: try runtime.buffer(byteCount: layersPerChunk * tile.rows.count * 4))
  }

  /// Bytes a layer takes.
  static func bytesPerLayer(exampleCount n: Int) -> Int { 2 * Tuning.halfBins * 4 + 8 + n * 36 }
}

extension Runtime {
  /// How the numbers of a tile lie, as all kernels of entries.cl are told.
  private func numbers(of chunk: ChunkMatrices, _ vectors: TileVectors) -> [KernelArgument] {
    let (rows, columns) = chunk.shape.extent
    return [
      .buffer(vectors.norms), .uint(rows), .uint(columns), .uint(chunk.hasDiagonal),
      .ulong(chunk.layerStride), .uint(chunk.firstLayer),
    ]
  }

  /// Turns the sums of products of a tile into centered entries.
  func centerTile(_ chunk: ChunkMatrices, _ vectors: TileVectors, isLinear: Bool)
    throws(DeviceError)
  {
    try launch(
      kernel("center_tile", of: tuning.entries),
      global: [chunk.shape.extent.rows * Tuning.rowItems, chunk.layerCount],
      local: [Tuning.rowItems, 1],
      [.buffer(chunk.stack)] + numbers(of: chunk, vectors) + [
        .buffer(chunk.records), .buffer(chunk.diagonals), .buffer(vectors.means),
        .uint(isLinear ? 1 : 0),
      ])
  }

  /// How many squared distances of each of a chunk's layers have which bits: 2 · 2¹⁶ numbers a layer.
  ///
  /// - Parameter windows: the chunk's own; see `tile_histogram`.
  func countDistances(
    _ chunk: ChunkMatrices, _ scratch: TilePassScratch, windows: [SIMD2<UInt32>], isUpper: Bool
  ) throws(DeviceError) -> [UInt32] {
    try upload(windows, to: scratch.windows)
    let count = chunk.layerCount * 2 * Tuning.halfBins
    try launch(
      kernel("clear_counts", of: tuning.entries), global: [count], local: [Tuning.histogramItems],
      [.buffer(scratch.counts)])
    // Enough work-groups for any device; each takes several rows before it adds its histogram.
    let groups = min(chunk.shape.extent.rows, 256)
    try launch(
      kernel("tile_histogram", of: tuning.entries),
      global: [groups * Tuning.histogramItems, chunk.layerCount],
      local: [Tuning.histogramItems, 1],
      [.buffer(chunk.stack)] + numbers(of: chunk, scratch.vectors) + [
        .uint(isUpper ? 1 : 0), .buffer(scratch.windows), .buffer(scratch.counts),
      ])
    return try readArray(scratch.counts, count: count, of: UInt32(0))
  }

  /// Sums of RBF's entries of each of a chunk's layers: of every row with its largest magnitude, and of
  /// every column.
  func sumTile(_ chunk: ChunkMatrices, _ scratch: TilePassScratch) throws(DeviceError) -> (
    rows: [Double], maxima: [Float], columns: [Double]
  ) {
    let (rows, columns) = chunk.shape.extent
    let width = columns == 0 ? rows : columns
    let common =
      [.buffer(chunk.stack)] + numbers(of: chunk, scratch.vectors) + [
        .buffer(chunk.records)
      ]
    try launch(
      kernel("tile_row_sums", of: tuning.entries),
      global: [rows * Tuning.rowItems, chunk.layerCount], local: [Tuning.rowItems, 1],
      common + [.buffer(scratch.rowSums), .buffer(scratch.rowMaxima)])
    try launch(
      kernel("tile_column_sums", of: tuning.entries),
      global: [width.roundedUp(to: Tuning.strip), Tuning.stripLanes, chunk.layerCount],
      local: [Tuning.strip, Tuning.stripLanes, 1], common + [.buffer(scratch.columnSums)])
    return (
      try readWide(scratch.rowSums, count: chunk.layerCount * rows),
      try readArray(scratch.rowMaxima, count: chunk.layerCount * rows, of: Float(0)),
      try readWide(scratch.columnSums, count: chunk.layerCount * width)
    )
  }
}
