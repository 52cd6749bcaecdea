import Device
import Support

/// Hands minibatches out to the devices that share them, and returns the results in order.
///
/// Each device's thread calls `take`, then `finish` or `fail`; the thread that adds up calls `next`.
/// No minibatch is handed out that is far ahead of the oldest unfinished one: few results wait.
final class MinibatchQueue<Result: Sendable>: @unchecked Sendable {
  // @unchecked: all variables change only while `condition` is locked.

  /// What `next` tells.
  enum Report {
    /// A device took a step before its first minibatch.
    case prepared
    /// The next minibatch in order, and the number of the device that finished it.
    case finished(Result, by: Int)
    /// A device takes part no more; what it had taken is handed out again.
    case failed(DeviceError, by: Int)
  }

  private let condition = Condition()
  private let count: Int
  /// Devices that take part.
  private var devices = 0
  /// The first minibatch that was never handed out.
  private var fresh = 0
  /// Minibatches returned by failed devices.
  private var returned: Set<Int> = []
  /// Finished minibatches that wait for earlier ones.
  private var finished: [Int: (result: Result, device: Int)] = [:]
  /// Steps of preparation that nobody heard of yet.
  private var preparations = 0
  private var failures: [(error: DeviceError, device: Int)] = []
  /// All minibatches before this one have been given back.
  private var given = 0
  private var isClosed = true

  init(count: Int) { self.count = count }

  /// Lets so many devices take part from now on.
  func admit(_ devices: Int) {
    condition.locked {
      self.devices = devices
      isClosed = false
    }
  }

  /// Stops all devices after their current minibatch.
  func close() { condition.locked { isClosed = true } }

  /// A minibatch to work on, the oldest there is; waits where others may yet hand theirs back. Nil
  /// when there is nothing left to do.
  func take() -> Int? {
    condition.locked {
      while true {
        if isClosed || given == count { return nil }
        if let oldest = returned.min() {
          returned.remove(oldest)
          return oldest
        }
        if fresh < count, fresh < given + 2 * devices {
          fresh += 1
          return fresh - 1
        }
        condition.wait()
      }
    }
  }

  func prepared() { condition.locked { preparations += 1 } }

  func finish(_ minibatch: Int, with result: Result, by device: Int) {
    condition.locked { finished[minibatch] = (result, device) }
  }

  func fail(_ minibatch: Int, because error: DeviceError, by device: Int) {
    condition.locked {
      devices -= 1
      returned.insert(minibatch)
      failures.append((error, device))
    }
  }

  /// What happened, minibatches in their order; waits for it. Nil when all of them have been given
  /// back, or no device takes part any more.
  func next() -> Report? {
    condition.locked {
      while true {
        if preparations > 0 {
          preparations -= 1
          return .prepared
        }
        if let (result, device) = finished.removeValue(forKey: given) {
          given += 1
          return .finished(result, by: device)
        }
        if !failures.isEmpty {
          let (error, device) = failures.removeFirst()
          return .failed(error, by: device)
        }
        if given == count || devices == 0 { return nil }
        condition.wait()
      }
    }
  }
}
