import CSystem
import Glibc
import Support

/// A file without a name, for arrays that must be unpacked: their memory stays reclaimable, and
/// the file is gone when its last mapping is.
struct TemporaryFile: ~Copyable {
  let file: FileDescriptor
  let size: Int
  private let place: Place

  /// Makes a file of `size` bytes, all of which the disk has room for.
  init(size: Int, for place: Place) throws(ActivationFileError) {
    let folder = TemporaryFile.folder
    let file = FileDescriptor(from: { cka_open_unnamed(folder) })
    guard file.isOpen else {
      throw place.error(
        .io, "cannot be unpacked in \(quoted(folder)): \(systemMessage(errno))")
    }
    // Where a file system cannot reserve room, posix_fallocate writes to every block: ask first.
    var disk = statvfs()
    let isKnown = fstatvfs(file.number, &disk) == 0
    let free = Int(clamping: disk.f_bavail).multipliedReportingOverflow(by: Int(disk.f_frsize))
    guard !isKnown || free.overflow || size <= free.partialValue else {
      throw place.error(
        .io,
        "cannot be unpacked in \(quoted(folder)): needs \(size) bytes, "
          + "\(free.partialValue) are free")
    }
    let code = posix_fallocate(file.number, 0, off_t(size))
    guard code == 0 else {
      throw place.error(
        .io, "cannot be unpacked in \(quoted(folder)), \(size) bytes: \(systemMessage(code))")
    }
    self.file = file
    self.size = size
    self.place = place
  }

  /// Writes all of `bytes` at `offset`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ActivationFileError) {
    let code = writeAll(bytes, to: file.number, at: offset)
    guard code == 0 else { throw place.error(.io, "cannot be unpacked: \(systemMessage(code))") }
  }

  /// Maps the file for writing while `body` fills it.
  func fill(
    by body: (Target) throws(ActivationFileError) -> Void
  ) throws(ActivationFileError) {
    guard
      let start = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_SHARED, file.number, 0),
      start != MAP_FAILED
    else { throw place.error(.io, "cannot be mapped into memory: \(systemMessage(errno))") }
    defer { munmap(start, size) }
    try body(Target(bytes: UnsafeMutableRawBufferPointer(start: start, count: size)))
  }

  /// A temporary file, mapped for writing.
  struct Target: @unchecked Sendable {
    // @unchecked: threads write to places of their own.
    let bytes: UnsafeMutableRawBufferPointer

    /// Releases the pages of `range`; the data stays in the file.
    func release(_ range: Range<Int>) {
      guard let start = bytes.baseAddress.map({ $0 + range.lowerBound }) else { return }
      let offset = Int(bitPattern: start) % Int(getpagesize())
      madvise(start - offset, range.count + offset, MADV_DONTNEED)
    }
  }

  /// The file's bytes, mapped, at `address` if one is given.
  consuming func mapped(
    at address: UnsafeRawPointer? = nil
  ) throws(ActivationFileError) -> MappedFile {
    try MappedFile(mapping: file, size: size, at: address, place: place)
  }

  /// `TMPDIR`, else the folder for large temporary files: `/tmp` lies in memory on many systems.
  private static var folder: String {
    if let value = getenv("TMPDIR"), value.pointee != 0 { return String(cString: value) }
    return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp"
  }
}
