import Activations
import CLibzip
import Glibc

/// The bytes of an archive as libzip reads them, and where it reads.
///
/// libzip does not say where in the archive a member lies. A stored member that is mapped in place
/// needs just that: it is where libzip reads when the first byte of the member is asked for.
final class ZipInput {
  let file: MappedFile
  /// Where the first read since this was nil began.
  var firstRead: Int?
  /// What kept libzip from reading, which it does not tell.
  private(set) var failure: ActivationFileError?
  private var position = 0
  private var error = zip_error_t()

  init(_ file: MappedFile) {
    self.file = file
    zip_error_init(&error)
  }

  deinit { zip_error_fini(&error) }

  /// A source that reads from here; it keeps this object until libzip frees the source.
  func makeSource() -> OpaquePointer? {
    let object = Unmanaged.passRetained(self)
    let source = zip_source_function_create(
      { object, data, length, command in
        guard let object else { return -1 }
        return Unmanaged<ZipInput>.fromOpaque(object).takeUnretainedValue()
          .answer(command, data, length)
      }, object.toOpaque(), &error)
    if source == nil { object.release() }
    return source
  }

  /// https://libzip.org/documentation/zip_source_function.html: what each command expects.
  private func answer(
    _ command: zip_source_cmd_t, _ data: UnsafeMutableRawPointer?, _ length: UInt64
  ) -> Int64 {
    switch command {
    case ZIP_SOURCE_OPEN:
      position = 0
      return 0
    case ZIP_SOURCE_CLOSE: return 0
    case ZIP_SOURCE_READ: return read(data, length)
    case ZIP_SOURCE_SEEK: return seek(data, length)
    case ZIP_SOURCE_TELL: return Int64(position)
    case ZIP_SOURCE_STAT: return stat(data, length)
    case ZIP_SOURCE_ERROR: return data.map { zip_error_to_data(&error, $0, length) } ?? -1
    case ZIP_SOURCE_SUPPORTS: return ZipInput.commands
    case ZIP_SOURCE_FREE:
      Unmanaged.passUnretained(self).release()
      return 0
    default:
      zip_error_set(&error, ZIP_ER_OPNOTSUPP, 0)
      return -1
    }
  }

  private func seek(_ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
    guard let data else { return -1 }
    let target = zip_source_seek_compute_offset(
      UInt64(position), UInt64(file.bytes.count), data, length, &error)
    guard target >= 0 else { return -1 }
    position = Int(target)
    return 0
  }

  private func read(_ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
    let count = min(Int(clamping: length), file.bytes.count - position)
    guard let data, count > 0 else { return 0 }
    if firstRead == nil { firstRead = position }
    do throws(ActivationReadError) {
      try file.read(
        UnsafeRawBufferPointer(rebasing: file.bytes[position..<(position + count)]), into: data)
    } catch {
      failure = ActivationFileError(error)
      zip_error_set(&self.error, ZIP_ER_READ, EIO)
      return -1
    }
    position += count
    return Int64(count)
  }

  private func stat(_ data: UnsafeMutableRawPointer?, _ length: UInt64) -> Int64 {
    let size = MemoryLayout<zip_stat_t>.size
    guard let data, length >= size else {
      zip_error_set(&error, ZIP_ER_INVAL, 0)
      return -1
    }
    let status = data.assumingMemoryBound(to: zip_stat_t.self)
    zip_stat_init(status)
    status.pointee.size = UInt64(file.bytes.count)
    status.pointee.valid = UInt64(ZIP_STAT_SIZE)
    return Int64(size)
  }

  /// The commands of a seekable source that is only read.
  private static let commands: Int64 = [
    ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
    ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS,
  ].reduce(0) { $0 | 1 << Int64($1.rawValue) }
}
