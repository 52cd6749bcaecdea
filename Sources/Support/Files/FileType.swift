import Glibc

package func realPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(cString: resolved)
}

/// What kind of file lies at `path`; nil, and errno says why, where there is none.
package func fileType(_ path: String, following: Bool) -> mode_t? {
  var information = stat()
  guard (following ? stat(path, &information) : lstat(path, &information)) == 0 else { return nil }
  return information.st_mode & S_IFMT
}

/// Whether something is at `path`, links followed.
///
/// - Throws: where that cannot be told: a folder on the way may not be searched, or the file system fails.
package func isThere(_ path: String) throws(Failure) -> Bool {
  if fileType(path, following: true) != nil { return true }
  let code = errno
  guard [ENOENT, ENOTDIR, ENAMETOOLONG].contains(code) else {
    throw Failure(errno: code, reading: oneLine(path), expected: "a file or folder")
  }
  return false
}
