import Device

extension Runtime {
  /// Shifts and scales of one part or more of each of a chunk's layers, from the numbers in `slot`.
  func measure(
    _ group: GramPlan.Group, in slot: Workspace.Slot, of workspace: Workspace,
    chunk: ChunkMatrices, tensors: TensorUse?, tuning: Tuning, after event: Event
  ) throws(DeviceError) {
    let n = chunk.exampleCount
    try launch(
      kernel("feature_statistics", of: tuning.features),
      global: [group.blockCount * Tuning.block, Tuning.rowLanes],
      local: [Tuning.block, Tuning.rowLanes], after: [event],
      [
        .buffer(slot.data), .buffer(slot.parts), .buffer(slot.blockOwners), .uint(n),
        .buffer(slot.shifts), .buffer(workspace.blockRanges), .buffer(workspace.blockFlags),
        .buffer(workspace.blockMoments),
      ])
    try launch(
      kernel("part_statistics", of: tuning.features),
      global: [group.parts.count * Tuning.partLanes], local: [Tuning.partLanes],
      [
        .buffer(slot.parts), .buffer(workspace.blockRanges), .buffer(workspace.blockFlags),
        .buffer(slot.partScales), .buffer(chunk.records),
      ])
    if let tensors {
      try scaleTensors(
        group, in: slot, of: workspace, use: tensors, tuning: tuning, exampleCount: n)
    }
  }

  /// One part or more of each of a chunk's layers, from numbers, shifts and scales in `slot` to sums in
  /// the chunk's Gram matrices. Returns the end of the work.
  func addGroup(
    _ group: GramPlan.Group, in slot: Workspace.Slot, of workspace: Workspace,
    to chunk: ChunkMatrices, tensors: TensorUse?, tuning: Tuning, after event: Event
  ) throws(DeviceError) -> Event {
    var last = event
    var firstSegment = 0
    for window in group.windows {
      let programs = Set(window.slices.flatMap { group.programs(ofSlice: $0, tensors) })
      if programs.isEmpty {
        let (rows, columns) = chunk.shape.extent
        try partials(
          of: window, kernel("gram_partials", of: tuning.gramProgram), items: tuning.gram.items,
          scales: slot.partScales, slot, workspace, extent: [.uint(rows), .uint(columns)],
          after: event)
      }
      for program in TensorUse.Program.allCases where programs.contains(program) {
        try partials(
          of: window, kernel("tensor_partials", of: tuning.tensor(program)),
          items: Tuning.tensorItems, scales: workspace.tensorParts, slot, workspace,
          extent: [.uint(chunk.exampleCount)], after: event)
      }
      last = try reduce(
        window, firstSegment: firstSegment, segments: slot.segments, parts: slot.parts,
        partials: workspace.partials, to: chunk, tuning: tuning)
      firstSegment += window.segments.count
    }
    return last
  }

  /// Starts `gram_partials`, or `tensor_partials`, which makes triangles alone; `scales` is what either
  /// knows of its parts.
  private func partials(
    of window: GramPlan.Window, _ kernel: Kernel, items: Int, scales: Buffer,
    _ slot: Workspace.Slot, _ workspace: Workspace, extent: [KernelArgument], after event: Event
  ) throws(DeviceError) {
    try launch(
      kernel, global: [window.slices.count * items, window.tiles.count], local: [items, 1],
      after: [event],
      [
        .buffer(slot.data), .buffer(slot.parts), .buffer(scales), .buffer(slot.shifts),
        .buffer(slot.slices), .uint(window.slices.lowerBound), .uint(window.tiles.lowerBound),
      ] + extent + [.buffer(workspace.partials)])
  }

  private func reduce(
    _ window: GramPlan.Window, firstSegment: Int, segments: Buffer, parts: Buffer,
    partials: Buffer, to chunk: ChunkMatrices, tuning: Tuning
  ) throws(DeviceError) -> Event {
    let (rows, columns) = chunk.shape.extent
    return try launch(
      kernel("reduce_slices", of: tuning.reduce),
      global: [tuning.gram.tile * tuning.gram.tile, window.tiles.count, window.segments.count],
      local: [Tuning.reduceLanes, 1, 1],
      [
        .buffer(partials), .buffer(segments), .uint(firstSegment), .uint(window.slices.count),
        .uint(window.tiles.lowerBound), .buffer(parts), .buffer(chunk.records), .uint(rows),
        .uint(columns), .uint(chunk.hasDiagonal), .uint(chunk.firstLayer),
        .ulong(chunk.layerStride), .buffer(chunk.stack), .buffer(chunk.diagonals),
      ])
  }
}
