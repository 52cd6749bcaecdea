import Device

extension Runtime {
  /// ⟨Kᵢ, Lⱼ⟩ of all layers of two stacks, chunk by chunk.
  func products(_ left: OpenCLGramStack, _ right: OpenCLGramStack) throws(DeviceError)
    -> Matrix<Double>
  {
    let isSame = left === right
    var products = Matrix(rows: left.layers.count, columns: right.layers.count, repeating: 0.0)
    for (i, leftChunk) in left.chunks.enumerated() {
      let leftBuffer = try visit(leftChunk, of: left)
      for (j, rightChunk) in right.chunks.enumerated() where !isSame || j <= i {
        let isDiagonal = isSame && i == j
        let rightBuffer = isDiagonal ? leftBuffer : try visit(rightChunk, of: right)
        let block = try blockOfProducts(
          leftBuffer, leftChunk.layers.count, rightBuffer, rightChunk.layers.count,
          layerStride: left.shape.layerStride, which: isDiagonal ? .symmetric : .all)
        left.count(
          pairs: isDiagonal
            ? block.rows * (block.rows + 1) / 2 : block.rows * block.columns)
        for row in 0..<block.rows {
          for column in 0..<block.columns {
            let value = block[row, column]
            let (a, b) = (
              leftChunk.layers.lowerBound + row, rightChunk.layers.lowerBound + column
            )
            products[a, b] = value
            if isSame { products[b, a] = value }
          }
        }
      }
    }
    return products
  }

  /// The chunk on the device: where it is, or a copy.
  private func visit(_ chunk: OpenCLGramStack.Chunk, of stack: OpenCLGramStack)
    throws(DeviceError) -> Buffer
  {
    switch chunk.storage {
    case .device(let buffer): return buffer
    case .host(let memory):
      let buffer = try buffer(byteCount: memory.bytes.count)
      // In the compute queue, so that kernels come after it; the memory lives until `read` waits.
      _ = try write(buffer, from: UnsafeRawBufferPointer(memory.bytes), on: compute)
      return buffer
    }
  }

  /// ⟨Kᵢ, Kᵢ⟩ of all layers of a stack.
  func squaredNorms(_ stack: OpenCLGramStack) throws(DeviceError) -> [Double] {
    var norms: [Double] = []
    for chunk in stack.chunks {
      let buffer = try visit(chunk, of: stack)
      let count = chunk.layers.count
      norms += try blockOfProducts(
        buffer, count, buffer, count, layerStride: stack.shape.layerStride, which: .equal
      ).elements
      stack.count(pairs: count)
    }
    return norms
  }

  /// Which products of two chunks are made: …_PAIRS of pairs.cl.
  enum Pairs: Int {
    case all = 0
    /// A chunk with itself.
    case symmetric = 1
    /// A chunk with itself, each layer with itself: one column.
    case equal = 2
  }

  /// The products of the layers of two buffers.
  func blockOfProducts(
    _ left: Buffer, _ leftLayers: Int, _ right: Buffer, _ rightLayers: Int, layerStride: Int,
    which: Pairs
  ) throws(DeviceError) -> Matrix<Double> {
    let columns = which == .equal ? 1 : rightLayers
    let tile = tuning.pair.tile
    let tileRows = (leftLayers + tile - 1) / tile
    let tileColumns = (rightLayers + tile - 1) / tile
    let tileCount =
      switch which {
      case .all: tileRows * tileColumns
      case .symmetric: tileRows * (tileRows + 1) / 2
      case .equal: tileRows
      }
    let sliceLength = tuning.pairSlice(layerStride: layerStride)
    let slices = (layerStride + sliceLength - 1) / sliceLength
    let tileBytes = slices * tile * tile * 8
    // A launch has at most 65,535 work-groups in its second dimension.
    let tilesAtATime = min(max(limits.workspaceBytes / tileBytes, 1), tileCount, 65_535)
    let partials = try buffer(byteCount: tilesAtATime * tileBytes)
    let products = try buffer(byteCount: leftLayers * columns * 8)
    let shape: [KernelArgument] = [.uint(tileColumns), .uint(which.rawValue)]
    let items = tuning.pair.items

    for first in stride(from: 0, to: tileCount, by: tilesAtATime) {
      let count = min(tilesAtATime, tileCount - first)
      try launch(
        kernel("pair_partials", of: tuning.pairProgram), global: [slices * items, count],
        local: [items, 1],
        [
          .buffer(left), .uint(leftLayers), .buffer(right), .uint(rightLayers),
          .ulong(layerStride), .ulong(sliceLength), .uint(first),
        ] + shape + [.buffer(partials)])
      try launch(
        kernel("reduce_pairs", of: tuning.pairProgram), global: [tile * tile, count],
        local: [64, 1],
        [.buffer(partials), .uint(slices), .uint(first)] + shape + [
          .uint(leftLayers), .uint(rightLayers), .buffer(products),
        ])
    }
    return Matrix(
      rows: leftLayers, columns: columns,
      elements: try readWide(products, count: leftLayers * columns))
  }

  /// `wide` numbers of wide.h.
  func readWide(_ buffer: Buffer, count: Int) throws(DeviceError) -> [Double] {
    if tuning.usesFloat64 { return try readArray(buffer, count: count, of: 0.0) }
    let pairs = try readArray(buffer, count: count, of: SIMD2<Float>())
    return pairs.map { Double($0.x) + Double($0.y) }
  }

  /// The first `count` values of a buffer.
  func readArray<Value: BitwiseCopyable>(_ buffer: Buffer, count: Int, of zero: Value)
    throws(DeviceError) -> [Value]
  {
    guard count > 0 else { return [] }
    let bytes = UnsafeMutableRawBufferPointer.allocate(
      byteCount: count * MemoryLayout<Value>.stride, alignment: 128)
    defer { bytes.deallocate() }
    try read(buffer, into: bytes)
    return (0..<count).map {
      bytes.load(fromByteOffset: $0 * MemoryLayout<Value>.stride, as: Value.self)
    }
  }
}
