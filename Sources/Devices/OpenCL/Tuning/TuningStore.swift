import CKAKernels
import FoundationEssentials
import Support

/// The shapes that were measured to be best on a device, in the user's cache folder.
///
/// A small JSON file a device, named by a hash of what the measurement depends on, which it repeats
/// in full. Where that is another, or the shapes are not possible, there is no measurement.
struct TuningStore: Sendable {
  let folder: CacheFolder

  /// What is kept of a measurement.
  struct Entry: Codable, Hashable {
    var format = "cka-tuning/1"
    var platform: String
    var device: String
    var driver: String
    /// A hash of the sources that were measured.
    var kernels: String
    var gram: TileShape
    var pair: TileShape
  }

  static let folderName = "tuning"
  private static let mostBytes = 64 << 10

  /// The measured shapes of `device`, if there are any that fit it.
  func load(for device: OpenCLDeviceDescription) -> (gram: TileShape, pair: TileShape)? {
    let wanted = Self.entry(device, gram: Self.none, pair: Self.none)
    guard
      let data = folder.read(
        Self.fileName(wanted), in: Self.folderName, mostBytes: Self.mostBytes),
      let found = try? JSONDecoder().decode(Entry.self, from: data)
    else { return nil }
    var key = found
    key.gram = Self.none
    key.pair = Self.none
    guard key == wanted, [found.gram, found.pair].allSatisfy({ $0.isValid && $0.fits(device) })
    else { return nil }
    return (found.gram, found.pair)
  }

  /// Keeps the shapes; whether that worked.
  func store(gram: TileShape, pair: TileShape, for device: OpenCLDeviceDescription) -> Bool {
    let entry = Self.entry(device, gram: gram, pair: pair)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(entry) else { return false }
    return folder.write(data, to: Self.fileName(entry), in: Self.folderName)
  }

  private static let none = TileShape(tile: 0, rows: 0, columns: 0, depth: 0)

  private static let kernels = hexadecimal(
    fnv1a(
      (KernelVariant.Source.gram.texts + KernelVariant.Source.reduce.texts
        + KernelVariant.Source.pairs.texts).joined().utf8))

  private static func entry(
    _ device: OpenCLDeviceDescription, gram: TileShape, pair: TileShape
  ) -> Entry {
    Entry(
      platform: device.platform, device: device.name, driver: device.driverVersion,
      kernels: kernels, gram: gram, pair: pair)
  }

  static func fileName(_ entry: Entry) -> String {
    let key = [entry.platform, entry.device, entry.driver, entry.kernels]
    return hexadecimal(fnv1a(key.joined(separator: "\n").utf8)) + ".json"
  }
}

extension Tuning {
  /// What was measured on the device, or else its defaults.
  init(_ device: OpenCLDeviceDescription, measuredIn folder: CacheFolder?) {
    self.init(device)
    guard let folder, let shapes = TuningStore(folder: folder).load(for: device) else { return }
    gram = shapes.gram
    pair = shapes.pair
    isMeasured = true
  }
}

extension OpenCLDeviceDescription {
  /// Whether the user's cache folder holds tile shapes that were measured on it.
  public var isTuned: Bool { Tuning(self, measuredIn: .user).isMeasured }
}
