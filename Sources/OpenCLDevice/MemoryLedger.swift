import Device
import Synchronization

/// Counts the device memory that is in use, so that what would not fit is split or kept on the host
/// before the driver has to refuse it (some drivers refuse late, or swap).
final class MemoryLedger: Sendable {
  /// Bytes that may be in use at a time.
  let limit: Int
  /// Bytes that one buffer may have.
  let largestAllocation: Int
  private let used = Mutex(0)

  init(limits: OpenCLLimits) {
    limit = limits.memory
    largestAllocation = limits.largestAllocation
  }

  /// Bytes that are free.
  var available: Int { used.withLock { max(limit - $0, 0) } }

  /// Bytes of one buffer, given back when the object goes.
  final class Reservation: Sendable {
    private let ledger: MemoryLedger
    private let byteCount: Int

    fileprivate init(ledger: MemoryLedger, byteCount: Int) {
      self.ledger = ledger
      self.byteCount = byteCount
    }

    deinit { ledger.used.withLock { $0 -= byteCount } }
  }

  func reserve(_ byteCount: Int) throws(DeviceError) -> Reservation {
    guard byteCount <= largestAllocation else {
      throw DeviceError(
        kind: .outOfMemory, call: "reserving device memory",
        context: "\(byteCount) bytes, the largest allocation is \(largestAllocation)")
    }
    let isGranted = used.withLock { used in
      guard used + byteCount <= limit else { return false }
      used += byteCount
      return true
    }
    guard isGranted else {
      throw DeviceError(
        kind: .outOfMemory, call: "reserving device memory",
        context: "\(byteCount) bytes, \(available) of \(limit) are free")
    }
    return Reservation(ledger: self, byteCount: byteCount)
  }
}
