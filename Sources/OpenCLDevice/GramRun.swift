import Activations
import Device

/// The making of one Gram stack.
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

  private var n: Int { minibatch.exampleCount }
  private var chunkLayerBytes: Int { shape.layerStride * 4 }

  /// Makes the stack on the device if it fits there, else on the host.
  func stack(in workspace: inout Workspace?) throws(DeviceError) -> OpenCLGramStack {
    let layerCount = minibatch.layers.count
    if let resident = runtime.layersPerResidentChunk(shape, layerCount: layerCount) {
      do {
        return try stack(in: &workspace, layersPerChunk: resident, isResident: true)
      } catch  where error.kind == .outOfMemory {
        // Other stacks have the memory, or the driver refuses: once more, chunk by chunk.
        runtime.drain()
        workspace = nil
      }
    }
    let perLayer = chunkLayerBytes + ChunkScratch.bytesPerLayer(exampleCount: n)
    let visiting = min(runtime.limits.visitingChunkBytes / perLayer, layerCount)
    guard visiting > 0 || layerCount == 0 else {
      throw DeviceError(
        kind: .outOfMemory, call: "planning the Gram matrices",
        context: "one matrix of \(n) examples takes \(perLayer) bytes, a chunk may have "
          + "\(runtime.limits.visitingChunkBytes)")
    }
    return try stack(in: &workspace, layersPerChunk: max(visiting, 1), isResident: false)
  }

  private func stack(in workspace: inout Workspace?, layersPerChunk: Int, isResident: Bool)
    throws(DeviceError) -> OpenCLGramStack
  {
    let layerCount = minibatch.layers.count
    let plan = try plan(layersPerChunk: layersPerChunk)
    let ranges = stride(from: 0, to: layerCount, by: layersPerChunk).map {
      $0..<min($0 + layersPerChunk, layerCount)
    }
    let records = try runtime.buffer(byteCount: layerCount * MemoryLayout<LayerRecord>.stride)
    let scratch = try ChunkScratch(
      runtime, layerCount: ranges.first?.count ?? 0, exampleCount: n)
    var storages: [OpenCLGramStack.Storage] = []
    for range in ranges {
      let byteCount = range.count * chunkLayerBytes
      storages.append(
        isResident
          ? .device(try runtime.buffer(byteCount: byteCount, isResident: true))
          : .host(HostMemory(byteCount: byteCount)))
    }
    let visitor =
      isResident ? nil : try runtime.buffer(byteCount: (ranges.first?.count ?? 0) * chunkLayerBytes)

    let space = try usable(&workspace, for: plan)
    runtime.startTiming()
    var reading = Duration.zero
    var next = 0
    for (range, storage) in zip(ranges, storages) {
      let buffer: Buffer
      switch storage {
      case .device(let resident): buffer = resident
      case .host:
        guard let visitor else { preconditionFailure("a chunk on the host has a visitor") }
        buffer = visitor
      }
      let chunk = ChunkMatrices(
        stack: buffer, scratch: scratch, firstLayer: range.lowerBound, layerCount: range.count,
        shape: shape, records: records)
      while next < plan.groups.count, let first = plan.groups[next].parts.first,
        first.layer < range.upperBound
      {
        reading += try send(plan.groups[next], number: next, to: chunk, in: space)
        next += 1
      }
      try finish(chunk)
      if case .host(let memory) = storage { try runtime.read(buffer, into: memory.bytes) }
    }
    let results = try runtime.readArray(records, count: layerCount, of: LayerRecord())
    var timings = runtime.endTiming()
    timings.read = reading / .seconds(1)
    return OpenCLGramStack(
      runtime: runtime, layers: zip(minibatch.layers, results).map(summary), timings: timings,
      chunks: zip(ranges, storages).map { OpenCLGramStack.Chunk(layers: $0, storage: $1) },
      shape: shape)
  }

  private func plan(layersPerChunk: Int) throws(DeviceError) -> GramPlan {
    let layers = minibatch.layers.map {
      GramPlan.Layer(featureCount: $0.featureCount, format: $0.sentFormat)
    }
    guard
      let plan = GramPlan(
        layers: layers, exampleCount: n, layersPerChunk: layersPerChunk, tuning: tuning,
        limits: runtime.limits, tensors: tensors)
    else {
      throw DeviceError(
        kind: .outOfMemory, call: "planning the Gram matrices",
        context: "\(Tuning.block) features of \(n) examples do not fit \(runtime.limits.groupBytes)"
          + " bytes, or one tile not \(runtime.limits.workspaceBytes)")
    }
    return plan
  }

  /// The workspace of earlier stacks if it is large enough, else a new one.
  private func usable(_ workspace: inout Workspace?, for plan: GramPlan) throws(DeviceError)
    -> Workspace
  {
    let sizes = Workspace.Sizes(plan, tile: tuning.gram.tile)
    if let workspace, workspace.sizes.holds(sizes) { return workspace }
    // The old one goes first: both at once might not fit.
    workspace = nil
    let new = try Workspace(runtime, sizes: sizes)
    workspace = new
    return new
  }

  /// Gathers a group on the host while the device works on those before, and starts its work.
  /// Returns the time that gathering took.
  private func send(
    _ group: GramPlan.Group, number: Int, to chunk: ChunkMatrices, in space: Workspace
  ) throws(DeviceError) -> Duration {
    let slot = space.slots[number % space.slots.count]
    try slot.sent?.wait()
    let start = ContinuousClock.now
    let tables = GroupTables(group)
    try fill(slot, tables, with: group)
    let reading = ContinuousClock.now - start
    let sent = try copy(group, tables, from: slot)
    slot.sent = sent
    slot.computed = try runtime.addGroup(
      group, in: slot, of: space, to: chunk, tensors: tensors, tuning: tuning, after: sent)
    try runtime.compute.flush()
    return reading
  }

  /// Fills a slot's memory on the host.
  private func fill(_ slot: Workspace.Slot, _ tables: GroupTables, with group: GramPlan.Group)
    throws(DeviceError)
  {
    let host = slot.tableStaging.bytes
    tables.write(group, into: host)
    let gather = Gather(minibatch: minibatch, group: group, bytes: slot.staging.bytes)
    for (index, record) in try gather.run().enumerated() {
      tables.write(record, of: index, into: host)
    }
  }

  /// Starts a slot's way to the device, when the kernels before have read it. Returns the end.
  private func copy(_ group: GramPlan.Group, _ tables: GroupTables, from slot: Workspace.Slot)
    throws(DeviceError) -> Event
  {
    let host = slot.tableStaging.bytes
    let free = slot.computed.map { [$0] } ?? []
    let small: [(Buffer, UnsafeRawBufferPointer)] = [
      (slot.parts, tables.parts(host)), (slot.blockOwners, tables.blockOwners(host)),
      (slot.slices, tables.slices(host)), (slot.segments, tables.segments(host)),
    ]
    for (buffer, bytes) in small {
      _ = try runtime.write(buffer, from: bytes, on: runtime.transfer, after: free)
    }
    // In order: when this copy has ended, all have.
    let data = UnsafeRawBufferPointer(rebasing: slot.staging.bytes[..<group.byteCount])
    let last = try runtime.write(slot.data, from: data, on: runtime.transfer, after: free)
    try runtime.transfer.flush()
    return last
  }

  /// From the chunk's sums of products to centered, packed matrices.
  private func finish(_ chunk: ChunkMatrices) throws(DeviceError) {
    if case .rbf(let bandwidth) = kernel { try runtime.applyRBF(bandwidth, to: chunk) }
    try runtime.center(chunk, isLinear: kernel == .linear)
    try runtime.compute.flush()
  }
}
