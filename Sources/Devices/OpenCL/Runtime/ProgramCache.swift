import FoundationEssentials
import Support

/// Compiled programs on the disk, so that the next process need not compile them.
///
/// An entry is a file named by a hash of its key. All numbers are little-endian:
///
///     8 bytes  magic "CKAPROG\n"
///     8 bytes  version of this format
///     8 bytes  bytes of the key
///     8 bytes  bytes of the binary
///     8 bytes  FNV-1a of the key and the binary
///     the key, the binary
///
/// The key is all that the binary depends on, in full: an entry counts only where it is the same
/// to the last byte. Anything else is no entry, and is replaced.
struct ProgramCache: Sendable {
  let folder: CacheFolder
  private let device: String

  static let folderName = "programs"
  private static let magic = Array("CKAPROG\n".utf8)
  private static let version: UInt64 = 1
  private static let headerBytes = 40
  /// Far more than any program: nothing larger is read.
  private static let mostBytes = 256 << 20

  /// Nil where there is no folder, or where the driver keeps compiled programs itself.
  init?(_ folder: CacheFolder?, for device: OpenCLDeviceDescription) {
    guard let folder, Tuning.Family(device) != .nvidia else { return nil }
    self.folder = folder
    self.device = """
      platform \(device.platform)
      vendor \(device.vendor)
      device \(device.name)
      driver \(device.driverVersion)
      version \(device.version)
      """
  }

  /// What the binary of `variant` was compiled from, for whom and with what.
  func key(_ variant: KernelVariant) -> String {
    ([device, "options \(variant.options)"] + variant.sources).joined(separator: "\n")
  }

  /// The file of a key.
  static func fileName(_ key: String) -> String { hexadecimal(fnv1a(key.utf8)) + ".bin" }

  /// The binary that was stored for `variant`.
  func binary(of variant: KernelVariant) -> [UInt8]? {
    let key = key(variant)
    guard
      let data = folder.read(
        Self.fileName(key), in: Self.folderName, mostBytes: Self.mostBytes)
    else { return nil }
    return Self.binary(in: [UInt8](data), key: Array(key.utf8))
  }

  func store(_ binary: [UInt8], of variant: KernelVariant) {
    let key = key(variant)
    let entry = Self.entry(binary, key: Array(key.utf8))
    folder.write(Data(entry), to: Self.fileName(key), in: Self.folderName)
  }

  private static func entry(_ binary: [UInt8], key: [UInt8]) -> [UInt8] {
    var entry = magic
    for number in [
      version, UInt64(key.count), UInt64(binary.count), fnv1a(key + binary),
    ] {
      withUnsafeBytes(of: number.littleEndian) { entry.append(contentsOf: $0) }
    }
    return entry + key + binary
  }

  private static func binary(in entry: [UInt8], key: [UInt8]) -> [UInt8]? {
    guard entry.count > headerBytes + key.count else { return nil }
    let binary = Array(entry[(headerBytes + key.count)...])
    // Whatever is wrong with an entry, it is not the one that would be written.
    return entry == Self.entry(binary, key: key) ? binary : nil
  }
}
