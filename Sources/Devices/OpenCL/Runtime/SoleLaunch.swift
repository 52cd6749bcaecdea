import Device
import Synchronization

/// Launches that must not meet another one of the process.
///
/// PoCL keeps what it compiled by kernel, local size, offset and width of the grid. A launch takes an entry and gives
/// it back at its end; before version 6.0 it looks for the one to give back by kernel and local size alone
/// (`pocl_release_dlhandle_cache` in lib/CL/devices/common.c). Launches of one kernel with other grids, in
/// flight at the same time, then give back each other's entries: "Assertion `found->ref_count > 0' failed" ends
/// the process. Within a queue launches follow one another; those of two contexts do not.
enum SoleLaunch {
  private static let lock = Mutex(())

  /// Whether launches of this driver must not meet.
  ///
  /// - Parameters:
  ///   - platform: CL_PLATFORM_NAME.
  ///   - driverVersion: CL_DRIVER_VERSION, with PoCL its version: `3.1+debian`, `6.0`.
  static func isNeeded(platform: String, driverVersion: String) -> Bool {
    guard platform == "Portable Computing Language" else { return false }
    // Whatever does not begin with a number is taken for an old one, where waiting is right.
    guard let version = Int(driverVersion.prefix { $0.isASCII && $0.isNumber }) else { return true }
    return version < 6
  }

  /// Starts a command and waits for its end, after the end of every other that was started so.
  static func run(_ start: () throws(DeviceError) -> Event) throws(DeviceError) -> Event {
    try lock.withLock { (_) throws(DeviceError) in
      let event = try start()
      try event.wait()
      return event
    }
  }
}
