import Device
import Glibc
import Support
import Synchronization

/// A pool of reusable memory: consecutive minibatches need the same sizes, and clearing new pages
/// takes longer than filling them.
final class MemoryPool: Sendable {
  /// Blocks that nobody uses, by their bytes.
  private let idle = Mutex<(blocks: [Int: [Block]], bytes: Int)>(([:], 0))

  /// Bytes that are kept at most: a small part of the memory that there is.
  private static let limit = MachineLimits.current.memory / 16

  struct Block: @unchecked Sendable {
    // @unchecked: it has one owner at a time.
    let start: UnsafeMutableRawPointer
    let bytes: Int
  }

  deinit {
    for block in idle.withLock({ $0.blocks.values.joined() }) { free(block.start) }
  }

  /// A block of `bytes` bytes or more, with any values.
  ///
  /// Reuses an idle block of up to twice the size. A new block replaces idle ones; otherwise the
  /// pool would keep one block per size ever requested.
  fileprivate func take(_ bytes: Int, for what: String) throws(DeviceError) -> Block {
    let (used, spare): (Block?, [Block]) = idle.withLock { idle in
      func pop(_ size: Int) -> Block? {
        guard let block = idle.blocks[size]?.popLast() else { return nil }
        if idle.blocks[size]?.isEmpty == true { idle.blocks[size] = nil }
        idle.bytes -= size
        return block
      }
      let fitting = idle.blocks.keys.filter { $0 >= bytes && $0 / 2 <= bytes }.min()
      if let block = fitting.flatMap(pop) { return (block, []) }
      var spare: [Block] = []
      var freed = 0
      while freed < bytes, let block = idle.blocks.keys.max().flatMap(pop) {
        spare.append(block)
        freed += block.bytes
      }
      return (nil, spare)
    }
    if let used { return used }
    for block in spare { free(block.start) }
    let isLarge = bytes >= 2 * Self.largePage
    var pointer: UnsafeMutableRawPointer?
    guard posix_memalign(&pointer, isLarge ? Self.largePage : 64, bytes) == 0, let pointer else {
      throw DeviceError(
        kind: .outOfMemory, call: "posix_memalign", context: "\(bytes) bytes for \(what)")
    }
    // Large pages, where the system gives them on request: fewer of them to bring in, and a tile of a
    // matrix with long rows no longer needs a page of its own for each row.
    if isLarge { madvise(pointer, bytes, MADV_HUGEPAGE) }
    return Block(start: pointer, bytes: bytes)
  }

  fileprivate func giveBack(_ block: Block) {
    let isKept = idle.withLock { idle in
      guard idle.bytes + block.bytes <= Self.limit else { return false }
      idle.blocks[block.bytes, default: []].append(block)
      idle.bytes += block.bytes
      return true
    }
    if !isKept { free(block.start) }
  }

  /// Bytes of a large page.
  private static let largePage = 2 << 20
}

/// float32 numbers from a pool, on a cache line's boundary, which go back with this.
final class PooledFloats: @unchecked Sendable {
  // @unchecked: whoever shares it divides it.
  let start: UnsafeMutablePointer<Float>
  let count: Int
  private let block: MemoryPool.Block
  private let pool: MemoryPool

  /// rows × columns numbers with any values.
  init(
    _ rows: Int, _ columns: Int, for what: String, from pool: MemoryPool
  ) throws(DeviceError) {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    let limit = MachineLimits.current.memory
    // The system overcommits and would kill the process when the pages are touched.
    guard !overflow, count <= limit / MemoryLayout<Float>.size else {
      throw DeviceError(
        kind: .outOfMemory, call: "malloc",
        context: "\(rows) × \(columns) float32 numbers for \(what) do not fit in the available "
          + "memory"
      )
    }
    block = try pool.take(Self.byteCount(count), for: what)
    start = block.start.bindMemory(to: Float.self, capacity: count)
    self.count = count
    self.pool = pool
  }

  deinit { pool.giveBack(block) }

  func clear() { memset(start, 0, count * MemoryLayout<Float>.size) }

  private static func byteCount(_ count: Int) -> Int { max(count * MemoryLayout<Float>.size, 64) }
}
