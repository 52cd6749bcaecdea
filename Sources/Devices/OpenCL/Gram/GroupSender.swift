import Device

/// Brings one group after another to the device, gathering each on the host while the device works on
/// those before.
struct GroupSender {
  let runtime: Runtime
  let space: Workspace
  /// Whether shifts and scales are known, and sent along.
  let hasCenters: Bool
  /// The time that gathering took.
  private(set) var reading = Duration.zero
  private var number = 0

  init(_ runtime: Runtime, space: Workspace, hasCenters: Bool) {
    self.runtime = runtime
    self.space = space
    self.hasCenters = hasCenters
  }

  /// Gathers a group of `sources`, copies it, and lets `work` start the kernels that read it after the
  /// given event; it returns their end.
  mutating func send(
    _ group: GramPlan.Group, of sources: [GatherSource],
    then work: (Workspace.Slot, Event) throws(DeviceError) -> Event
  ) throws(DeviceError) {
    let slot = space.slots[number % space.slots.count]
    number += 1
    try slot.sent?.wait()
    let start = ContinuousClock.now
    let tables = GroupTables(group, hasCenters: hasCenters)
    let host = slot.tableStaging.bytes
    tables.write(group, into: host)
    if hasCenters { tables.write(centersOf: sources, group, into: host) }
    let gather = Gather(sources: sources, group: group, bytes: slot.staging.bytes)
    for (index, record) in try gather.run().enumerated() {
      tables.write(record, of: index, into: host)
    }
    reading += ContinuousClock.now - start
    let sent = try copy(group, tables, from: slot)
    slot.sent = sent
    slot.computed = try work(slot, sent)
    try runtime.compute.flush()
  }

  /// Starts a slot's way to the device, when the kernels before have read it. Returns the end.
  private func copy(_ group: GramPlan.Group, _ tables: GroupTables, from slot: Workspace.Slot)
    throws(DeviceError) -> Event
  {
    let host = slot.tableStaging.bytes
    let free = slot.computed.map { [$0] } ?? []
    var small: [(Buffer, UnsafeRawBufferPointer)] = [
      (slot.parts, tables.parts(host)), (slot.blockOwners, tables.blockOwners(host)),
      (slot.slices, tables.slices(host)), (slot.segments, tables.segments(host)),
    ]
    if hasCenters {
      small += [(slot.shifts, tables.shifts(host)), (slot.partScales, tables.scales(host))]
    }
    for (buffer, bytes) in small where !bytes.isEmpty {
      _ = try runtime.write(buffer, from: bytes, on: runtime.transfer, after: free)
    }
    // In order: when this copy has ended, all have.
    let data = UnsafeRawBufferPointer(rebasing: slot.staging.bytes[..<group.byteCount])
    let last = try runtime.write(slot.data, from: data, on: runtime.transfer, after: free)
    try runtime.transfer.flush()
    return last
  }
}
