import Dispatch
import Foundation
import Support
import Synchronization

/// A temporary folder, which goes with `remove()`, or when the user interrupts the command.
struct TemporaryFolder {
  let path: String

  /// A new folder where temporary files go, or in another one.
  init(in folder: TemporaryFolder? = nil) throws {
    let place = folder?.path ?? FileManager.default.temporaryDirectory.path
    path = "\(place)/cka-bench-\(UUID().uuidString)"
    let path = path
    do {
      // Locked: an interrupt removes what is there already, and nothing is made after that.
      try Self.outermost.withLock { outermost in
        if folder == nil { outermost = path }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      }
    } catch {
      throw Failure(
        .cannotCreate, "\(path): cannot be made: \((error as NSError).localizedDescription)")
    }
  }

  /// Removes it with everything in it. Never returns while an interrupt is removing all.
  func remove() {
    Self.outermost.withLock { _ in try? FileManager.default.removeItem(atPath: path) }
  }

  /// Bytes that can still be written here; nil where the system does not tell.
  var freeBytes: Int? {
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: path)
    return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
  }

  /// The folder that holds all others of this process.
  private static let outermost = Mutex<String?>(nil)

  /// From here on, Ctrl-C and the like remove the folder, which may hold a gigabyte, before they end
  /// the process.
  static func removeOnInterrupt() {
    // A signal that came before its source is registered would be lost.
    let registered = DispatchGroup()
    for source in interrupts {
      registered.enter()
      source.setRegistrationHandler { registered.leave() }
      source.resume()
    }
    registered.wait()
    // Work that misses its files would end the process before the signal does.
    atexit { TemporaryFolder.outermost.withLock { _ in } }
  }

  // nonisolated(unsafe): made once, and dispatch sources may be used by any thread.
  private nonisolated(unsafe) static let interrupts: [any DispatchSourceSignal] = [
    SIGINT, SIGTERM, SIGHUP,
  ].map {
    number in
    // Else the signal would end the process before the source hears of it.
    signal(number, SIG_IGN)
    // A queue of its own has a thread even while the work takes all of the others.
    let source = DispatchSource.makeSignalSource(
      signal: number, queue: DispatchQueue(label: "interrupts", qos: .userInteractive))
    source.setEventHandler {
      outermost.withLock { path in
        // Other threads may still be making files in it.
        while let path, FileManager.default.fileExists(atPath: path) {
          try? FileManager.default.removeItem(atPath: path)
        }
        signal(number, SIG_DFL)
        // To this thread, once it no longer blocks the signal as dispatch's threads do. All other
        // threads may block it for a moment, and then dispatch takes it from the process unseen.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, number)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(number)
      }
    }
    return source
  }
}
