import Glibc

/// The names in a folder, `.` and `..` left out.
///
/// - Throws: where it cannot be read, or a name of it is not valid UTF-8, unless `passesOver` its ending.
func fileNames(
  in folder: String, passesOver: (String) -> Bool = { _ in false }
) throws(ActivationFileError) -> [String] {
  guard let stream = opendir(folder) else { throw .system(errno, opening: folder) }
  defer { closedir(stream) }
  var names: [String] = []
  while true {
    errno = 0
    guard let entry = readdir(stream) else {
      guard errno == 0 else { throw .system(errno, opening: folder) }
      return names
    }
    let bytes = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
    guard let name = String(validating: bytes, as: UTF8.self) else {
      let shown = String(decoding: bytes, as: UTF8.self)
      if passesOver(shown) { continue }
      throw ActivationFileError(
        kind: .data, path: folder,
        reason: "the name of the file \(quoted(shown)) is not valid UTF-8")
    }
    if name != ".", name != ".." { names.append(name) }
  }
}

/// Whether nothing at all lies at `path`, not even a broken symbolic link. Nothing can lie at a
/// path that is too long: that of a companion of a file with a long name. Throws if that cannot be
/// determined.
func isMissing(_ path: String) throws(ActivationFileError) -> Bool {
  var status = stat()
  if lstat(path, &status) == 0 { return false }
  guard [ENOENT, ENAMETOOLONG].contains(errno) else { throw .system(errno, opening: path) }
  return true
}

/// The path of `name` in `folder`.
func joined(_ folder: String, _ name: String) -> String {
  folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
}

/// The folder that holds `path` and the last component of `path`.
func split(_ path: String) -> (folder: String, name: String) {
  guard let slash = path.lastIndex(of: "/") else { return (".", path) }
  let name = String(path[path.index(after: slash)...])
  return (slash == path.startIndex ? "/" : String(path[..<slash]), name)
}

/// The name a folder has where it lies, for paths like `.` and `results/`.
func folderName(_ path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  let name = split(String(cString: resolved)).name
  return name.isEmpty ? "/" : name
}
