import Activations
import CSystem
import Glibc
import Support

/// The folder `results` of a store. Files and folders in it appear whole; a sweep holds the store's
/// lock while it writes them. Only files that a sweep or `cka plot` may have written are deleted;
/// other files in a replaced folder are moved to the new one.
package struct SweepFolder {
  /// Where it is.
  package let path: String
  private let warn: @Sendable (String) -> Void

  /// Makes the folder, and takes away what a process that was killed has left.
  ///
  /// - Parameter warn: is told of files that cka did not write and that are in the way.
  package init(_ path: String, warn: @escaping @Sendable (String) -> Void = { _ in }) throws {
    self.path = path
    self.warn = warn
    try Self.check(path)
    for folder in Self.folders(path) {
      guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
        throw Failure(errno: errno, writing: oneLine(folder))
      }
    }
    for folder in Self.folders(path) {
      for entry in folderEntries(folder) ?? [] {
        // Beside the folders of pairs and groups there are only files.
        guard entry.isFile || folder != path, let target = Self.target(ofLeftover: entry.name)
        else { continue }
        retire("\(folder)/\(entry.name)", for: "\(folder)/\(target)")
      }
    }
  }

  /// Looks whether the folder is one, or can be made: what lies behind a link is not the store's.
  package static func check(_ path: String) throws {
    for folder in folders(path) {
      guard let type = fileType(folder, following: false) else {
        guard errno == ENOENT else { throw Failure(errno: errno, writing: oneLine(folder)) }
        continue
      }
      guard type != S_IFDIR else { continue }
      throw Failure(
        .cannotCreate,
        "\(oneLine(folder)): is \(type == S_IFLNK ? "a symbolic link" : "no folder"), expected the "
          + "store's own folder")
    }
  }

  private static func folders(_ path: String) -> [String] {
    [path, "\(path)/pairs", "\(path)/groups"]
  }

  /// What a file or folder would have been called that a killed process has left as `.NAME.partial-PID`.
  private static func target(ofLeftover name: String) -> String? {
    guard name.hasPrefix("."), let mark = name.ranges(of: ".partial-").last,
      Int32(name[mark.upperBound...]) != nil
    else { return nil }
    let target = String(name[..<mark.lowerBound].dropFirst())
    return target.isEmpty ? nil : target
  }

  /// Takes away the files of a folder that was replaced, or never finished, and it with them. What is not
  /// a sweep's goes into the folder that is there now, or stays in one that people see.
  private func retire(_ old: String, for target: String) {
    if fileType(old, following: false) == S_IFREG {
      if Self.isOwn(splitPath(target).name) { unlink(old) }
      return
    }
    let others = removeFolder(old, of: Self.isOwn)
    guard !others.isEmpty else { return }
    mkdir(target, 0o777)
    for name in others where Self.isMissing("\(target)/\(name)") {
      rename("\(old)/\(name)", "\(target)/\(name)")
    }
    guard rmdir(old) != 0 else { return }
    let kept = keepFolder(old, besides: target)
    warn(
      "\(oneLine(target)): is rewritten; files that cka did not write are moved to \(oneLine(kept))"
    )
  }

  private static func isMissing(_ path: String) -> Bool {
    fileType(path, following: false) == nil && errno == ENOENT
  }

  /// Whether a sweep or `cka plot` may have written a file of this name.
  private static func isOwn(_ name: String) -> Bool {
    CompareResult.kind.names.contains(name) || SweepFileNames.group.contains(name)
      || SweepFileNames.all.contains(name)
  }

  /// Writes a folder of files in place of one that may be there. `synchronize` makes sure of them: one
  /// call for thousands of small files.
  package func write(_ files: [ResultFile], to folder: String) throws {
    let target = "\(path)/\(folder)"
    let (parent, name) = splitPath(target)
    let aside = "\(parent)/\(WrittenAside.name(of: name))"
    func failure(_ code: Int32) -> Failure { Failure(errno: code, writing: oneLine(target)) }
    do {
      guard mkdir(aside, 0o777) == 0 else { throw failure(errno) }
      for file in files {
        try writeNewFile(
          file.bytes, at: "\(aside)/\(file.name)", called: oneLine("\(target)/\(file.name)"),
          isSynchronized: false)
      }
      let old = try putInPlace(
        aside, as: target, isReplacing: true, old: "\(parent)/.\(name).partial-0",
        failure: failure)
      if let old { retire(old, for: target) }
    } catch {
      // Nothing but the new files is in it.
      retire(aside, for: target)
      throw error
    }
  }

  /// Whether a pair's folder holds what it should.
  package func isWhole(_ folder: String) -> Bool {
    [ResultDocument.name, "cka.npy", "cka.csv"].allSatisfy {
      access("\(path)/\(folder)/\($0)", R_OK) == 0
    }
  }

  /// Writes one file beside the folders, in place of one that may be there.
  package func write(_ bytes: [UInt8], to name: String) throws {
    try replaceFile(bytes, at: "\(path)/\(name)", called: oneLine("\(path)/\(name)"))
  }

  /// Takes away a file beside the folders, where it is there.
  package func remove(_ name: String) throws {
    guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
      throw Failure(errno: errno, writing: oneLine("\(path)/\(name)"))
    }
  }

  /// Makes sure that everything that was written is on the disk.
  package func synchronize() throws {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(errno: errno, writing: oneLine(path)) }
    defer { close(descriptor) }
    guard cka_synchronize(descriptor) == 0 else {
      throw Failure(errno: errno, writing: oneLine(path))
    }
  }
}
