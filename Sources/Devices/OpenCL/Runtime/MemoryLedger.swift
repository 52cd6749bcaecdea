import Device
import Synchronization

/// Counts the device memory that is in use, so that what would not fit is split or kept on the host
/// before the driver has to refuse it (some drivers refuse late, or swap).
final class MemoryLedger: Sendable {
  private let limits: OpenCLLimits
  private let used = Mutex(Use())

  private struct Use {
    var all = 0
    var resident = 0
  }

  init(limits: OpenCLLimits) { self.limits = limits }

  /// Bytes in use.
  var bytesInUse: Int { used.withLock { $0.all } }

  /// Bytes of one buffer, given back when the object goes.
  final class Reservation: Sendable {
    private let ledger: MemoryLedger
    private let byteCount: Int
    private let isResident: Bool

    fileprivate init(ledger: MemoryLedger, byteCount: Int, isResident: Bool) {
      self.ledger = ledger
      self.byteCount = byteCount
      self.isResident = isResident
    }

    deinit {
      ledger.used.withLock {
        $0.all -= byteCount
        if isResident { $0.resident -= byteCount }
      }
    }
  }

  /// - Parameter isResident: for a stack that stays on the device, which leaves others their share.
  func reserve(_ byteCount: Int, isResident: Bool) throws(DeviceError) -> Reservation {
    guard byteCount <= limits.largestAllocation else {
      throw Self.refusal(
        "\(byteCount) bytes, the largest allocation is \(limits.largestAllocation)")
    }
    let isGranted = used.withLock { used in
      guard used.all + byteCount <= limits.memory else { return false }
      if isResident {
        guard used.resident + byteCount <= limits.residentBytes else { return false }
        used.resident += byteCount
      }
      used.all += byteCount
      return true
    }
    guard isGranted else {
      throw Self.refusal("\(byteCount) bytes, \(bytesInUse) of \(limits.memory) are in use")
    }
    return Reservation(ledger: self, byteCount: byteCount, isResident: isResident)
  }

  private static func refusal(_ context: String) -> DeviceError {
    DeviceError(kind: .outOfMemory, call: "reserving device memory", context: context)
  }
}
