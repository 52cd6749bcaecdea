import Activations
import Glibc
import Support
import Synchronization

/// An array that must be unpacked before it can be read: it is, when it is first needed, as a whole,
/// into a temporary file that is then mapped.
///
/// The address range is reserved (PROT_NONE) until `check()`.
final class UnpackedArray: ActivationStorage {
  /// Where the array lies, or will.
  nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
  private let place: Place
  private let unpack: @Sendable (TemporaryFile.Target) throws(ActivationFileError) -> Void
  private let file = Mutex<MappedFile?>(nil)

  /// Reserves addresses for `size` bytes; `fill` writes all of them.
  init(
    size: Int, place: Place,
    fill: @escaping @Sendable (TemporaryFile.Target) throws(ActivationFileError) -> Void
  ) throws(ActivationFileError) {
    guard
      let start = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
      start != MAP_FAILED
    else { throw place.error(.io, "has no room for \(size) bytes: \(systemMessage(errno))") }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
    self.place = place
    unpack = fill
  }

  deinit {
    // A mapped file there takes its addresses back itself.
    if file.withLock({ $0 == nil }) {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    }
  }

  var isFile: Bool { true }

  func fill() throws(ActivationReadError) { _ = try unpacked() }

  func check(_ bytes: UnsafeRawBufferPointer) throws(ActivationReadError) {
    try unpacked().check(bytes)
  }

  func read(
    _ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer
  ) throws(ActivationReadError) {
    try unpacked().read(bytes, into: destination)
  }

  func isCached(_ bytes: UnsafeRawBufferPointer) -> Bool {
    // There is nothing to fetch ahead before it is unpacked.
    file.withLock { $0 }?.isCached(bytes) ?? true
  }

  func prefetch(_ bytes: UnsafeRawBufferPointer) { file.withLock { $0 }?.prefetch(bytes) }

  func evict(_ bytes: UnsafeRawBufferPointer) { file.withLock { $0 }?.evict(bytes) }

  /// The file with all numbers. One thread unpacks, others wait for it.
  private func unpacked() throws(ActivationReadError) -> MappedFile {
    try file.withLock { (file: inout MappedFile?) throws(ActivationReadError) in
      if let file { return file }
      do throws(ActivationFileError) {
        let target = try TemporaryFile(size: bytes.count, for: place)
        try target.fill(by: unpack)
        let mapped = try target.mapped(at: bytes.baseAddress)
        file = mapped
        return mapped
      } catch {
        throw ActivationReadError(
          path: error.path, reason: error.reason, isDamaged: error.kind == .data)
      }
    }
  }
}
