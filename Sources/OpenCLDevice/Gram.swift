import Device

extension Runtime {
  /// One part or more of each of a chunk's layers, from stored numbers in `slot` to sums in the
  /// chunk's Gram matrices. Returns the end of the work.
  func addGroup(
    _ group: GramPlan.Group, in slot: Workspace.Slot, of workspace: Workspace,
    to chunk: ChunkMatrices, after event: Event
  ) throws(DeviceError) -> Event {
    let n = chunk.exampleCount
    try launch(
      kernel("feature_statistics", of: tuning.features),
      global: [group.blockCount * Tuning.block, Tuning.rowLanes],
      local: [Tuning.block, Tuning.rowLanes], after: [event],
      [
        .buffer(slot.data), .buffer(slot.parts), .buffer(slot.blockOwners), .uint(n),
        .buffer(workspace.shifts), .buffer(workspace.blockRanges), .buffer(workspace.blockFlags),
      ])
    var last = try launch(
      kernel("part_statistics", of: tuning.features),
      global: [group.parts.count * Tuning.partLanes], local: [Tuning.partLanes],
      [
        .buffer(slot.parts), .buffer(workspace.blockRanges), .buffer(workspace.blockFlags),
        .buffer(workspace.partScales), .buffer(chunk.records),
      ])

    let partials = try kernel("gram_partials", of: tuning.gramProgram)
    let items = tuning.gram.items
    var firstSegment = 0
    for window in group.windows {
      try launch(
        partials, global: [window.slices.count * items, window.tiles.count], local: [items, 1],
        [
          .buffer(slot.data), .buffer(slot.parts), .buffer(workspace.partScales),
          .buffer(workspace.shifts), .buffer(slot.slices), .uint(window.slices.lowerBound),
          .uint(window.tiles.lowerBound), .uint(n), .buffer(workspace.partials),
        ])
      last = try reduce(
        window, firstSegment: firstSegment, segments: slot.segments, parts: slot.parts,
        partials: workspace.partials, to: chunk)
      firstSegment += window.segments.count
    }
    return last
  }

  private func reduce(
    _ window: GramPlan.Window, firstSegment: Int, segments: Buffer, parts: Buffer,
    partials: Buffer, to chunk: ChunkMatrices
  ) throws(DeviceError) -> Event {
    try launch(
      kernel("reduce_slices", of: tuning.reduce),
      global: [tuning.gram.tile * tuning.gram.tile, window.tiles.count, window.segments.count],
      local: [Tuning.reduceLanes, 1, 1],
      [
        .buffer(partials), .buffer(segments), .uint(firstSegment), .uint(window.slices.count),
        .uint(window.tiles.lowerBound), .buffer(parts), .buffer(chunk.records),
        .uint(chunk.exampleCount), .uint(chunk.hasDiagonal), .uint(chunk.firstLayer),
        .ulong(chunk.layerStride), .buffer(chunk.stack), .buffer(chunk.scratch.diagonals),
      ])
  }
}
