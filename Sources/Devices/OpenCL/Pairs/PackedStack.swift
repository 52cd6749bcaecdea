import Device

// Gram matrices out of a device and back, as files keep them.
extension Runtime {
  /// How many layers of a stack lie in one buffer; nil where the stack cannot stay on the device.
  func layersPerResidentChunk(_ shape: MatrixShape, layerCount: Int) -> Int? {
    let bytes = shape.layerStride * 4
    let most = min(limits.largestAllocation / bytes, layerCount)
    return most > 0 && layerCount * bytes <= limits.residentBytes ? most : nil
  }

  /// Copies one layer's numbers to the host.
  func copyNumbers(
    ofLayer layer: Int, of stack: OpenCLGramStack, into destination: UnsafeMutableRawBufferPointer
  ) throws(DeviceError) {
    guard let chunk = stack.chunks.first(where: { $0.layers.contains(layer) }) else {
      throw DeviceError(
        kind: .unsupported, call: "copyNumbers", context: "the stack has no layer \(layer)")
    }
    let start = (layer - chunk.layers.lowerBound) * stack.shape.layerStride * 4
    switch chunk.storage {
    case .device(let buffer): try read(buffer, offset: start, into: destination)
    case .host(let memory):
      destination.copyMemory(
        from: UnsafeRawBufferPointer(rebasing: memory.bytes[start..<(start + destination.count)]))
    }
  }

  /// A stack of the numbers in `packed`, on the device where they fit it, else on the host.
  func stack(of packed: PackedGrams) throws(DeviceError) -> OpenCLGramStack {
    let shape = MatrixShape(part: .triangle(packed.exampleCount), centering: packed.centering)
    if let layers = layersPerResidentChunk(shape, layerCount: packed.layers.count) {
      do {
        return try stack(of: packed, shape, layersPerChunk: layers, isResident: true)
      } catch  where error.kind == .outOfMemory {
        drain()
      }
    }
    let layers = max(limits.visitingChunkBytes / (shape.layerStride * 4), 1)
    return try stack(of: packed, shape, layersPerChunk: layers, isResident: false)
  }

  private func stack(
    of packed: PackedGrams, _ shape: MatrixShape, layersPerChunk: Int, isResident: Bool
  ) throws(DeviceError) -> OpenCLGramStack {
    let layerBytes = shape.layerStride * 4
    let zeros = HostMemory(byteCount: layerBytes - shape.count * 4)
    zeros.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    let padding = UnsafeRawBufferPointer(zeros.bytes)
    startTiming()
    var chunks: [OpenCLGramStack.Chunk] = []
    for first in stride(from: 0, to: packed.layers.count, by: layersPerChunk) {
      let layers = first..<min(first + layersPerChunk, packed.layers.count)
      let storage: OpenCLGramStack.Storage
      if isResident {
        let buffer = try buffer(byteCount: layers.count * layerBytes, isResident: true)
        for layer in layers {
          let start = (layer - first) * layerBytes
          let numbers = UnsafeRawBufferPointer(start: packed.numbers[layer], count: shape.count * 4)
          _ = try write(buffer, offset: start, from: numbers, on: compute)
          if !padding.isEmpty {
            _ = try write(buffer, offset: start + numbers.count, from: padding, on: compute)
          }
        }
        storage = .device(buffer)
      } else {
        let memory = HostMemory(byteCount: layers.count * layerBytes)
        for layer in layers {
          let place = UnsafeMutableRawBufferPointer(
            rebasing: memory.bytes[((layer - first) * layerBytes)...].prefix(layerBytes))
          place.copyMemory(
            from: UnsafeRawBufferPointer(start: packed.numbers[layer], count: shape.count * 4))
          place[(shape.count * 4)...].initializeMemory(as: UInt8.self, repeating: 0)
        }
        storage = .host(memory)
      }
      chunks.append(OpenCLGramStack.Chunk(layers: layers, storage: storage))
    }
    // The copies read `packed` and `zeros`.
    try compute.finish()
    withExtendedLifetime((packed.owner, zeros)) {}
    return OpenCLGramStack(
      runtime: self, layers: packed.layers, timings: endTiming(), chunks: chunks, shape: shape,
      meter: packed.meter)
  }
}
