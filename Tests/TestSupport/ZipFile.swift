import CLibzip

/// Makes zip archives such as `.npz` files.
public enum ZipFile {
  /// One member, with whatever its headers are to claim.
  public struct Entry {
    /// The name's bytes, whatever their encoding.
    public var name: [UInt8]
    /// The content before it is packed.
    public var data: [UInt8]
    /// 0: stored; 8: deflated, here always in blocks that are not compressed.
    public var method: UInt16 = 0
    /// The general purpose bits; bit 0 says that the member is encrypted.
    public var flags: UInt16 = 0
    /// What the headers say instead of the size of `data`.
    public var claimedSize: UInt32?
    /// What the headers say instead of the size of what is stored.
    public var claimedPackedSize: UInt32?
    /// What the headers say instead of the CRC of `data`.
    public var claimedCRC: UInt32?

    /// A stored member whose headers tell the truth.
    public init(_ name: String, _ data: [UInt8]) {
      self.name = Array(name.utf8)
      self.data = data
    }
  }

  /// An archive of the given members.
  public static func bytes(_ entries: [Entry]) -> [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let packed = entry.method == 8 ? deflateBlocks(entry.data) : entry.data
      let common =
        little(entry.flags) + little(entry.method) + little(UInt32(0x21 << 16))
        + little(entry.claimedCRC ?? crc32(entry.data))
        + little(entry.claimedPackedSize ?? UInt32(packed.count))
        + little(entry.claimedSize ?? UInt32(entry.data.count))
        + little(UInt16(entry.name.count)) + little(UInt16(0))
      directory += little(UInt32(0x0201_4B50)) + little(UInt16(20)) + little(UInt16(20)) + common
      directory += [UInt8](repeating: 0, count: 10) + little(UInt32(file.count)) + entry.name
      file += little(UInt32(0x0403_4B50)) + little(UInt16(20)) + common + entry.name + packed
    }
    let count = UInt16(entries.count)
    return file + directory + little(UInt32(0x0605_4B50)) + little(UInt32(0)) + little(count)
      + little(count) + little(UInt32(directory.count)) + little(UInt32(file.count))
      + little(UInt16(0))
  }

  /// An archive of stored members.
  public static func bytes(_ members: [(name: String, data: [UInt8])]) -> [UInt8] {
    bytes(members.map { Entry($0.name, $0.data) })
  }

  /// Writes an archive of really compressed members with libzip.
  public static func writeDeflated(
    _ members: [(name: String, data: [UInt8])], to path: String
  ) throws {
    guard let archive = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, nil) else { throw Failure() }
    // libzip reads the buffers when the archive is closed.
    let buffers = members.map { member in
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(1, member.data.count), alignment: 1)
      buffer.copyBytes(from: member.data)
      return buffer
    }
    defer { buffers.forEach { $0.deallocate() } }
    for (member, buffer) in zip(members, buffers) {
      let source = zip_source_buffer(archive, buffer.baseAddress, UInt64(member.data.count), 0)
      guard let source else { throw Failure() }
      let index = zip_file_add(archive, member.name, source, UInt32(ZIP_FL_ENC_UTF_8))
      guard index >= 0,
        zip_set_file_compression(archive, UInt64(index), ZIP_CM_DEFLATE, 9) == 0
      else { throw Failure() }
    }
    guard zip_close(archive) == 0 else { throw Failure() }
  }

  private struct Failure: Error {}

  private static func little<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }

  /// RFC 1951, 3.2.4: blocks without compression.
  private static func deflateBlocks(_ data: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    var start = 0
    repeat {
      let end = min(start + 0xFFFF, data.count)
      let length = UInt16(end - start)
      result += [end == data.count ? 1 : 0] + little(length) + little(~length) + data[start..<end]
      start = end
    } while start < data.count
    return result
  }

  private static func crc32(_ data: [UInt8]) -> UInt32 {
    var crc: UInt32 = ~0
    for byte in data {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~crc
  }
}
