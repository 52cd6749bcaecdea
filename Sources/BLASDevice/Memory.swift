import Device
import Foundation

/// float32 numbers that are freed with this, on a cache line's boundary.
final class Floats: @unchecked Sendable {
  // @unchecked: whoever shares it divides it.
  let start: UnsafeMutablePointer<Float>
  let count: Int

  /// rows × columns numbers with any values.
  init(_ rows: Int, _ columns: Int, for what: String) throws(DeviceError) {
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    let physical = Int(ProcessInfo.processInfo.physicalMemory)
    // The system would promise more than it has, and end the process when the promise is called in.
    guard !overflow, count <= physical / MemoryLayout<Float>.size else {
      throw DeviceError(
        kind: .outOfMemory, call: "malloc",
        context: "\(rows) × \(columns) float32 numbers for \(what) do not fit this machine's memory"
      )
    }
    let bytes = max(count * MemoryLayout<Float>.size, 64)
    let isLarge = bytes >= 4 * Self.largePage
    var pointer: UnsafeMutableRawPointer?
    guard posix_memalign(&pointer, isLarge ? Self.largePage : 64, bytes) == 0, let pointer else {
      throw DeviceError(
        kind: .outOfMemory, call: "posix_memalign", context: "\(bytes) bytes for \(what)")
    }
    // Large pages, where the system gives them on request: fewer of them to bring in, and a tile of a
    // matrix with long rows no longer needs a page of its own for each row.
    if isLarge { madvise(pointer, bytes, MADV_HUGEPAGE) }
    start = pointer.bindMemory(to: Float.self, capacity: count)
    self.count = count
  }

  deinit { free(start) }

  func clear() { memset(start, 0, count * MemoryLayout<Float>.size) }

  /// Bytes of a large page.
  private static let largePage = 2 << 20
}
