import Glibc

// Deletes only files the command wrote itself, by a list of names. Folders and links of such names,
// and all other files, are kept.

/// What a process calls a file or folder while it writes it: `.NAME.partial-PID`, beside its place.
public enum WrittenAside {
  /// The name of this process.
  public static func name(of name: String) -> String { "\(prefix(of: name))\(getpid())" }

  /// Whether `entry` stands for `name`, and its process has ended.
  public static func isLeftover(_ entry: String, of name: String) -> Bool {
    guard let process = process(of: entry, writing: name) else { return false }
    return kill(process, 0) != 0 && errno == ESRCH
  }

  /// Whether `entry` stands for one of `names`, of whatever process.
  public static func isPart(_ entry: String, ofOneOf names: Set<String>) -> Bool {
    names.contains { process(of: entry, writing: $0) != nil }
  }

  private static func prefix(of name: String) -> String { ".\(shortened(name)).partial-" }

  /// Long names are cut, so that a name that the file system takes has one aside that it takes, too: of 255
  /// bytes the rest of the words and the process's number need 25.
  private static func shortened(_ name: String) -> String {
    let longest = 220
    guard name.utf8.count > longest else { return name }
    var name = name
    while name.utf8.count > longest { name.unicodeScalars.removeLast() }
    return name + "~"
  }

  /// The process of `.NAME.partial-PID` and of `.NAME.partial-PID.old`.
  private static func process(of entry: String, writing name: String) -> pid_t? {
    guard entry.hasPrefix(prefix(of: name)) else { return nil }
    var number = entry.dropFirst(prefix(of: name).count)
    if number.hasSuffix(oldSuffix) { number.removeLast(oldSuffix.count) }
    guard let process = pid_t(number), process > 0 else { return nil }
    return process
  }

  /// What the folder that makes room is called beyond that.
  public static let oldSuffix = ".old"
}

/// Something that lies in a folder.
public struct FolderEntry: Sendable, Hashable {
  /// Its name.
  public let name: String
  /// Whether it is a regular file, and not a folder, a link or what else there is.
  public let isFile: Bool
}

/// What lies in the folder at `path`, in the order of names; nil, and errno says why, where it cannot be
/// looked into.
public func folderEntries(_ path: String) -> [FolderEntry]? {
  OpenFolder(path, following: true)?.entries()
}

/// Deletes the files of a folder whose names `isOurs` takes, and the folder, if nothing else is in it. Where the
/// system does not let it, all stays for a later call.
///
/// - Returns: the names of what else is in it, and stays with it.
@discardableResult
public func removeFolder(_ path: String, of isOurs: (String) -> Bool) -> [String] {
  guard let folder = OpenFolder(path), let entries = folder.entries() else { return [] }
  func isOther(_ entry: FolderEntry) -> Bool { !entry.isFile || !isOurs(entry.name) }
  let others = entries.filter(isOther)
  let areGone = entries.filter { !isOther($0) }.map { folder.removeFile($0.name) }
  guard others.isEmpty else { return others.map(\.name) }
  // Files added since the folder was listed.
  guard !areGone.contains(false), rmdir(path) != 0, errno == ENOTEMPTY || errno == EEXIST else {
    return []
  }
  return (folder.entries() ?? []).filter(isOther).map(\.name)
}

/// Gives a folder that stays for what is in it a name that people see: `NAME.kept`, or with a number.
///
/// - Returns: its path, the old one where it could not be changed.
public func keepFolder(_ path: String, besides place: String) -> String {
  for number in 1...999 {
    let kept = place + (number == 1 ? ".kept" : ".kept\(number)")
    var information = stat()
    if lstat(kept, &information) != 0, errno == ENOENT, rename(path, kept) == 0 { return kept }
  }
  return path
}

/// Deletes what earlier processes wrote aside for the file or folder `name` in `folder` when they were
/// killed; of folders only what `isOurs` takes.
public func removeLeftovers(of name: String, in folder: String, of isOurs: (String) -> Bool) {
  for entry in folderEntries(folder) ?? [] where WrittenAside.isLeftover(entry.name, of: name) {
    if entry.isFile {
      unlink("\(folder)/\(entry.name)")
    } else {
      removeFolder("\(folder)/\(entry.name)", of: isOurs)
    }
  }
}

/// A folder that stays the same one, whatever is put in its place.
private struct OpenFolder: ~Copyable {
  private let descriptor: Int32

  init?(_ path: String, following: Bool = false) {
    let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (following ? 0 : O_NOFOLLOW)
    descriptor = uninterrupted { open(path, flags) }
    guard descriptor >= 0 else { return nil }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// What lies in it; nil, and errno says why, where that cannot be told of all.
  func entries() -> [FolderEntry]? {
    // The stream closes its descriptor.
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return nil }
    guard let stream = fdopendir(copy) else {
      let code = errno
      close(copy)
      errno = code
      return nil
    }
    rewinddir(stream)
    let entries = entries(of: stream)
    let code = errno
    closedir(stream)
    errno = code
    return entries
  }

  private func entries(of stream: OpaquePointer) -> [FolderEntry]? {
    var entries: [FolderEntry] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        return errno == 0 ? entries.sorted { $0.name < $1.name } : nil
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: $0.pointee)) {
          String(cString: $0)
        }
      }
      guard name != ".", name != ".." else { continue }
      var information = stat()
      if fstatat(descriptor, name, &information, AT_SYMLINK_NOFOLLOW) == 0 {
        let isFile = information.st_mode & S_IFMT == S_IFREG
        entries.append(FolderEntry(name: name, isFile: isFile))
      } else if errno != ENOENT {
        return nil
      }
    }
  }

  /// Whether the file is gone. A folder that took its name in the meantime is not deleted by this call.
  func removeFile(_ name: String) -> Bool {
    unlinkat(descriptor, name, 0) == 0 || errno == ENOENT
  }
}
