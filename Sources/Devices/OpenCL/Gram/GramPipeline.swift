import Activations
import Device

/// Computes the Gram matrices of a group of layers, one chunk of features at a time.
struct GramPipeline {
  let runtime: Runtime
  /// One a layer, each of the shape's examples.
  let sources: [GatherSource]
  let shape: MatrixShape
  let tuning: Tuning
  let limits: OpenCLLimits
  /// How tensor cores take part; nil where they don't.
  let tensors: TensorUse?
  /// What the kernels are told of the layers, where the sources know their centers; else they find out.
  let known: [LayerRecord]?
  /// Bytes of `scratch` for a layer.
  let scratchBytesPerLayer: Int
  /// Hears of each group whose products are under way.
  let meter: WorkMeter?

  /// The result of a run.
  struct Result {
    var chunks: [OpenCLGramStack.Chunk]
    let records: [LayerRecord]
    let timings: StageTimings
  }

  private enum Place { case device, host, nowhere }

  private var layerBytes: Int { shape.layerStride * 4 }

  /// Makes all matrices and keeps them, on the device if they fit there, else on the host.
  ///
  /// - Parameters:
  ///   - scratch: what `finish` needs for so many layers.
  ///   - finish: gets a chunk's sums of products and leaves what is kept.
  func matrices<Scratch>(
    in workspace: inout Workspace?, scratch: (Int) throws(DeviceError) -> Scratch,
    finish: (ChunkMatrices, Scratch) throws(DeviceError) -> Void
  ) throws(DeviceError) -> Result {
    if let resident = runtime.layersPerResidentChunk(shape, layerCount: sources.count) {
      do {
        return try run(
          in: &workspace, layersPerChunk: resident, place: .device, scratch: scratch, finish: finish
        )
      } catch  where error.kind == .outOfMemory {
        // Other stacks have the memory, or the driver refuses: once more, chunk by chunk.
        runtime.drain()
        workspace = nil
      }
    }
    return try run(
      in: &workspace, layersPerChunk: visitingLayers(), place: .host, scratch: scratch,
      finish: finish)
  }

  /// Makes all matrices and shows them to `visit`; nothing of them is kept.
  func visit<Scratch>(
    in workspace: inout Workspace?, scratch: (Int) throws(DeviceError) -> Scratch,
    _ visit: (ChunkMatrices, Scratch) throws(DeviceError) -> Void
  ) throws(DeviceError) -> StageTimings {
    try run(
      in: &workspace, layersPerChunk: visitingLayers(), place: .nowhere, scratch: scratch,
      finish: visit
    ).timings
  }

  /// Layers of a chunk that does not stay on the device.
  private func visitingLayers() throws(DeviceError) -> Int {
    let perLayer = layerBytes + scratchBytesPerLayer
    let visiting = min(limits.visitingChunkBytes / perLayer, sources.count)
    guard visiting > 0 || sources.isEmpty else {
      throw DeviceError(
        kind: .outOfMemory, call: "planning the Gram matrices",
        context: "one matrix of \(shape.count) numbers takes \(perLayer) bytes, a chunk may have "
          + "\(limits.visitingChunkBytes)")
    }
    return max(visiting, 1)
  }

  private func run<Scratch>(
    in workspace: inout Workspace?, layersPerChunk: Int, place: Place,
    scratch: (Int) throws(DeviceError) -> Scratch,
    finish: (ChunkMatrices, Scratch) throws(DeviceError) -> Void
  ) throws(DeviceError) -> Result {
    let plan = try plan(layersPerChunk: layersPerChunk)
    let ranges = stride(from: 0, to: sources.count, by: layersPerChunk).map {
      $0..<min($0 + layersPerChunk, sources.count)
    }
    let most = ranges.first?.count ?? 0
    let records = try recordTable()
    let (rows, columns) = shape.extent
    let diagonals = try runtime.buffer(byteCount: columns == 0 ? most * rows * 4 : 0)
    let scratch = try scratch(most)
    let visitor = place == .device ? nil : try runtime.buffer(byteCount: most * layerBytes)
    var chunks: [OpenCLGramStack.Chunk] = []
    for range in ranges where place != .nowhere {
      let byteCount = range.count * layerBytes
      chunks.append(
        OpenCLGramStack.Chunk(
          layers: range,
          storage: place == .device
            ? .device(try runtime.buffer(byteCount: byteCount, isResident: true))
            : .host(HostMemory(byteCount: byteCount))))
    }

    let sizes = Workspace.Sizes(plan, tile: tuning.gram.tile, hasCenters: known != nil)
    let space = try Workspace.usable(&workspace, for: sizes, on: runtime)
    var sender = GroupSender(runtime, space: space, hasCenters: known != nil)
    runtime.startTiming()
    var next = 0
    for (index, range) in ranges.enumerated() {
      let buffer: Buffer
      if place == .device, case .device(let resident) = chunks[index].storage {
        buffer = resident
      } else {
        guard let visitor else { preconditionFailure("a chunk that does not stay has a visitor") }
        buffer = visitor
      }
      let chunk = ChunkMatrices(
        stack: buffer, diagonals: diagonals, firstLayer: range.lowerBound, layerCount: range.count,
        shape: shape, records: records)
      while next < plan.groups.count, let first = plan.groups[next].parts.first,
        first.layer < range.upperBound
      {
        let group = plan.groups[next]
        try sender.send(group, of: sources) { (slot, sent) throws(DeviceError) in
          if known == nil {
            try runtime.measure(
              group, in: slot, of: space, chunk: chunk, tensors: tensors, tuning: tuning,
              after: sent)
          }
          return try runtime.addGroup(
            group, in: slot, of: space, to: chunk, tensors: tensors, tuning: tuning, after: sent)
        }
        meter?.add(shape.entryCount * Double(group.parts.reduce(0) { $0 + $1.features.count }))
        next += 1
      }
      try finish(chunk, scratch)
      try runtime.compute.flush()
      if place == .host, case .host(let memory) = chunks[index].storage {
        try runtime.read(buffer, into: memory.bytes)
      }
    }
    let results = try runtime.readArray(records, count: sources.count, of: LayerRecord())
    var timings = runtime.endTiming()
    timings.read = sender.reading / .seconds(1)
    return Result(chunks: chunks, records: results, timings: timings)
  }

  /// The layers' records on the device.
  private func recordTable() throws(DeviceError) -> Buffer {
    let table = try runtime.buffer(byteCount: sources.count * MemoryLayout<LayerRecord>.stride)
    if let known { try runtime.upload(known, to: table) }
    return table
  }

  private func plan(layersPerChunk: Int) throws(DeviceError) -> GramPlan {
    let layers = sources.map {
      GramPlan.Layer(featureCount: $0.featureCount, format: $0.format)
    }
    guard
      let plan = GramPlan(
        layers: layers, shape: shape, layersPerChunk: layersPerChunk, tuning: tuning,
        limits: limits, tensors: tensors)
    else {
      throw DeviceError(
        kind: .outOfMemory, call: "planning the Gram matrices",
        context: "\(Tuning.block) features of \(shape.exampleCount) examples do not fit "
          + "\(limits.groupBytes) bytes, or one tile not \(limits.workspaceBytes)")
    }
    return plan
  }
}
