import Device

/// What is needed beside the packed triangles while a chunk's matrices are centered.
struct ChunkScratch {
  let rowSums: Buffer
  let rowMeans: Buffer
  let rowMaxima: Buffer
  let rowSquares: Buffer
  /// RBF: histograms and targets of the search for the median.
  let counts: Buffer
  let targets: Buffer

  /// For `layerCount` layers of `n` examples.
  init(_ runtime: Runtime, layerCount: Int, exampleCount n: Int) throws(DeviceError) {
    let rows = layerCount * n
    rowSums = try runtime.buffer(byteCount: rows * 8)
    rowMeans = try runtime.buffer(byteCount: rows * 8)
    rowMaxima = try runtime.buffer(byteCount: rows * 4)
    rowSquares = try runtime.buffer(byteCount: rows * 4)
    counts = try runtime.buffer(byteCount: layerCount * 2 * Tuning.bins * 4)
    targets = try runtime.buffer(byteCount: layerCount * 2 * 8)
  }

  /// Bytes a layer takes.
  static func bytesPerLayer(exampleCount n: Int) -> Int { n * 24 + 2 * Tuning.bins * 4 + 16 }
}

/// The matrices of one chunk, as the kernels are told of them.
struct ChunkMatrices {
  let stack: Buffer
  /// The matrices' own; nothing for rectangles.
  let diagonals: Buffer
  /// Index of the chunk's first layer in the minibatch.
  let firstLayer: Int
  let layerCount: Int
  let shape: MatrixShape
  let records: Buffer

  var layerStride: Int { shape.layerStride }
  var exampleCount: Int { shape.exampleCount }

  /// Whether the packed triangle has the diagonal.
  var hasDiagonal: Int { shape.centering == .biased ? 1 : 0 }
}
