import Glibc

/// A file in which the system describes itself, the first mebibyte of it; nil where it cannot be read.
///
/// Such files come a page at a time, however much is asked for.
package func contents(ofSmallFile path: String) -> String? {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return nil }
  defer { close(file) }
  var bytes: [UInt8] = []
  var page = [UInt8](repeating: 0, count: 1 << 16)
  while bytes.count < 1 << 20 {
    let count = read(file, &page, page.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { return nil }
    guard count > 0 else { break }
    bytes += page[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
