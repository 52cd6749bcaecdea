import Device

/// The memory that one Gram stack after another is made in: two groups of activations with their
/// tables, on the host and on the device, and the partial matrices. Kept from call to call, because
/// pinned memory is slow to allocate.
final class Workspace: @unchecked Sendable {
  // @unchecked: used by whoever holds the device's lock, which it is kept behind.

  /// One of the two places a group can be in.
  final class Slot {
    let staging: PinnedMemory
    let tableStaging: PinnedMemory
    let data: Buffer
    let parts: Buffer
    let blockOwners: Buffer
    let slices: Buffer
    let segments: Buffer
    /// Of features and parts: measured on the device, or copied.
    let shifts: Buffer
    let partScales: Buffer
    /// The end of the copy from `staging`, which may then be filled again.
    var sent: Event?
    /// The end of the kernels that read `data`, which may then be written again.
    var computed: Event?

    fileprivate init(_ runtime: Runtime, _ sizes: Sizes) throws(DeviceError) {
      staging = try PinnedMemory(queue: runtime.transfer, byteCount: sizes.group)
      tableStaging = try PinnedMemory(queue: runtime.transfer, byteCount: sizes.tables)
      data = try runtime.buffer(byteCount: sizes.group)
      parts = try runtime.buffer(byteCount: sizes.parts * MemoryLayout<PartRecord>.stride)
      blockOwners = try runtime.buffer(byteCount: sizes.blocks * 4)
      slices = try runtime.buffer(byteCount: sizes.slices * 16)
      segments = try runtime.buffer(byteCount: sizes.segments * 16)
      shifts = try runtime.buffer(byteCount: sizes.blocks * Tuning.block * 4)
      partScales = try runtime.buffer(byteCount: sizes.parts * 4)
    }
  }

  /// The most that any group needs, in bytes or in entries of the tables.
  struct Sizes: Sendable, Hashable {
    var group = 0
    var tables = 0
    var parts = 0
    var blocks = 0
    var slices = 0
    var segments = 0
    var partials = 0

    init() {}

    init(_ plan: GramPlan, tile: Int, hasCenters: Bool) {
      for group in plan.groups {
        add(group, hasCenters: hasCenters)
        for window in group.windows {
          let bytes = window.tiles.count * window.slices.count * tile * tile * 4
          partials = max(partials, bytes)
        }
      }
    }

    /// Makes room for a group and its tables.
    mutating func add(_ group: GramPlan.Group, hasCenters: Bool) {
      self.group = max(self.group, group.byteCount)
      tables = max(tables, GroupTables(group, hasCenters: hasCenters).byteCount)
      parts = max(parts, group.parts.count)
      blocks = max(blocks, group.blockCount)
      slices = max(slices, group.slices.count)
      segments = max(segments, group.segmentCount)
    }

    /// Whether a workspace of these sizes holds one of the `other`.
    func holds(_ other: Sizes) -> Bool {
      group >= other.group && tables >= other.tables && parts >= other.parts
        && blocks >= other.blocks && slices >= other.slices && segments >= other.segments
        && partials >= other.partials
    }
  }

  let sizes: Sizes
  /// Groups take turns.
  let slots: [Slot]
  let blockRanges: Buffer
  let blockFlags: Buffer
  let blockMoments: Buffer
  let tensorParts: Buffer
  let partials: Buffer

  /// What `workspace` holds, if that is large enough, else a new one.
  static func usable(
    _ workspace: inout Workspace?, for sizes: Sizes, on runtime: Runtime
  ) throws(DeviceError) -> Workspace {
    if let workspace, workspace.sizes.holds(sizes) { return workspace }
    // Frees the old one first: both might not fit.
    workspace = nil
    let new = try Workspace(runtime, sizes: sizes)
    workspace = new
    return new
  }

  private init(_ runtime: Runtime, sizes: Sizes) throws(DeviceError) {
    self.sizes = sizes
    slots = [try Slot(runtime, sizes), try Slot(runtime, sizes)]
    blockRanges = try runtime.buffer(byteCount: sizes.blocks * 4)
    blockFlags = try runtime.buffer(byteCount: sizes.blocks * 4)
    blockMoments = try runtime.buffer(byteCount: sizes.blocks * 8)
    tensorParts = try runtime.buffer(byteCount: sizes.parts * 16)
    partials = try runtime.buffer(byteCount: sizes.partials)
  }
}
