import Activations
import CSystem
import CommandSupport
import Foundation

/// A folder that appears whole or not at all: written aside, then renamed.
struct ResultFolder {
  /// As the user gave it, without a slash at the end.
  let path: String
  private let isReplacing: Bool
  private let parent: String
  private let name: String

  /// Checks that a result may be written to `path`, so that no work is lost at the end.
  init(_ path: String, replacing: Bool) throws {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
    isReplacing = replacing
    let parts = PathParts(path)
    name = parts.name
    parent = parts.folder
    guard !name.isEmpty, name != ".", name != "..", name != "/" else {
      throw Failure(.cannotCreate, "\(oneLine(path)): not a name for an output folder")
    }
    try checkTarget()
    do {
      try FileManager.default.createDirectory(
        atPath: parent, withIntermediateDirectories: true)
    } catch {
      throw Failure(.cannotCreate, "\(oneLine(parent)): cannot be made: \(reason(error))")
    }
    guard access(parent, W_OK) == 0 else {
      throw Failure(.cannotCreate, "\(oneLine(parent)): \(lastError())")
    }
  }

  /// Writes all files, or leaves everything as it was.
  func write(_ files: [(name: String, bytes: [UInt8])]) throws {
    removeLeftovers()
    let aside = "\(parent)/\(leftoverPrefix)\(getpid())"
    try? FileManager.default.removeItem(atPath: aside)
    guard mkdir(aside, 0o777) == 0 else {
      throw Failure(.cannotCreate, "\(oneLine(path)): cannot be made: \(lastError())")
    }
    do {
      for file in files { try write(file.bytes, to: "\(aside)/\(file.name)") }
      try synchronize(aside)
      try checkTarget()
      try putInPlace(aside)
    } catch {
      try? FileManager.default.removeItem(atPath: aside)
      throw error
    }
    try? synchronize(parent)
  }

  /// An existing folder is replaced only on request, and only where it holds a result or nothing.
  private func checkTarget() throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      var information = stat()
      guard lstat(path, &information) == 0 else { return }
      throw Failure(.cannotCreate, "\(oneLine(path)): is a link that leads nowhere")
    }
    guard isFolder.boolValue else {
      throw Failure(.cannotCreate, "\(oneLine(path)): is a file, not an output folder")
    }
    guard isReplacing else {
      throw Failure(
        .cannotCreate, "\(oneLine(path)): exists; --force replaces it, --output names another")
    }
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    guard contents.isEmpty || contents.contains("result.json") else {
      throw Failure(
        .cannotCreate, "\(oneLine(path)): holds no result of cka; --force does not replace it")
    }
  }

  private func putInPlace(_ aside: String) throws {
    var information = stat()
    guard lstat(path, &information) == 0 else {
      guard rename(aside, path) == 0 else { throw cannotRename() }
      return
    }
    // The two change places in one step, so that at any time one whole result is there.
    if cka_exchange(aside, path) != 0 {
      // A file system without that step: the old result stays aside until the new one is there.
      let old = aside + ".old"
      guard rename(path, old) == 0 else { throw cannotRename() }
      guard rename(aside, path) == 0 else {
        let failure = cannotRename()
        rename(old, path)
        throw failure
      }
      try? FileManager.default.removeItem(atPath: old)
      return
    }
    try? FileManager.default.removeItem(atPath: aside)
  }

  private func cannotRename() -> Failure {
    Failure(.cannotCreate, "\(oneLine(path)): cannot be put in place: \(lastError())")
  }

  private func write(_ bytes: [UInt8], to file: String) throws {
    let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw Failure(.cannotCreate, "\(oneLine(path)): \(lastError())")
    }
    var isWhole = bytes.withUnsafeBytes { buffer in
      var done = 0
      while done < buffer.count {
        let written = Foundation.write(
          descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done)
        if written < 0, errno == EINTR { continue }
        guard written > 0 else { return false }
        done += written
      }
      return true
    }
    isWhole = isWhole && fsync(descriptor) == 0
    let cause = lastError()
    guard close(descriptor) == 0, isWhole else {
      throw Failure(.io, "\(oneLine(path))/\(PathParts(file).name): cannot be written: \(cause)")
    }
  }

  private func synchronize(_ folder: String) throws {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(.io, "\(oneLine(folder)): \(lastError())") }
    defer { close(descriptor) }
    // Some file systems cannot synchronize folders; the files themselves are safe.
    _ = fsync(descriptor)
  }

  private var leftoverPrefix: String { ".\(name).partial-" }

  /// Takes away what earlier processes left here when they were killed.
  private func removeLeftovers() {
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    for entry in contents where entry.hasPrefix(leftoverPrefix) {
      let process = entry.dropFirst(leftoverPrefix.count).split(separator: ".").first ?? ""
      guard let id = Int32(process), kill(id, 0) != 0, errno == ESRCH else { continue }
      try? FileManager.default.removeItem(atPath: "\(parent)/\(entry)")
    }
  }

  private func lastError() -> String { String(cString: strerror(errno)) }

  private func reason(_ error: any Error) -> String {
    oneLine((error as NSError).localizedDescription)
  }
}
