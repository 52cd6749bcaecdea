import Activations
import CSystem
import CommandSupport
import Foundation

/// The folder `results` of a store. Files and folders in it appear whole; a sweep holds the store's lock
/// while it writes them.
struct SweepFolder {
  /// Where it is.
  let path: String

  /// Makes the folder, and takes away what a process that was killed has left.
  init(_ path: String) throws {
    self.path = path
    for folder in [path, "\(path)/pairs", "\(path)/groups"] {
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw Failure(errno: errno, writing: oneLine(folder))
      }
      for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      where name.hasPrefix(".") && name.contains(".partial-") {
        try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      }
    }
  }

  /// Writes a folder of files in place of one that may be there. `synchronize` makes sure of them: one
  /// call for thousands of small files.
  func write(_ files: [(name: String, bytes: [UInt8])], to folder: String) throws {
    let target = "\(path)/\(folder)"
    let (parent, name) = splitPath(target)
    let aside = "\(parent)/.\(name).partial-\(getpid())"
    do {
      guard mkdir(aside, 0o777) == 0 else {
        throw Failure(errno: errno, writing: oneLine(target))
      }
      for file in files {
        try writeNewFile(
          file.bytes, at: "\(aside)/\(file.name)", called: oneLine("\(target)/\(file.name)"),
          isSynchronized: false)
      }
      try? FileManager.default.removeItem(atPath: target)
      guard rename(aside, target) == 0 else {
        throw Failure(errno: errno, writing: oneLine(target))
      }
    } catch {
      try? FileManager.default.removeItem(atPath: aside)
      throw error
    }
  }

  /// Whether a pair's folder holds what it should.
  func isWhole(_ folder: String) -> Bool {
    [ResultFiles.document, "cka.npy", "cka.csv"].allSatisfy {
      access("\(path)/\(folder)/\($0)", R_OK) == 0
    }
  }

  /// Writes one file beside the folders, in place of one that may be there.
  func write(_ bytes: [UInt8], to name: String) throws {
    try replaceFile(bytes, at: "\(path)/\(name)", called: oneLine("\(path)/\(name)"))
  }

  /// Takes away a file beside the folders, where it is there.
  func remove(_ name: String) throws {
    guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
      throw Failure(errno: errno, writing: oneLine("\(path)/\(name)"))
    }
  }

  /// Makes sure that everything that was written is on the disk.
  func synchronize() throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(errno: errno, writing: oneLine(path)) }
    defer { close(descriptor) }
    guard cka_synchronize(descriptor) == 0 else {
      throw Failure(errno: errno, writing: oneLine(path))
    }
  }
}
