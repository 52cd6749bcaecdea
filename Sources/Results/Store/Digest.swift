import CXXHash
import Support

/// A 128-bit XXH3 hash: what identifies contents. Not cryptographic: collisions can be constructed.
struct Digest: Hashable, Sendable, Comparable {
  let high: UInt64
  let low: UInt64

  init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// The digest of some bytes.
  init(of bytes: UnsafeRawBufferPointer) {
    let hash = XXH3_128bits(bytes.baseAddress, bytes.count)
    self.init(high: hash.high64, low: hash.low64)
  }

  /// The digest of a text.
  init(of text: String) {
    self = Array(text.utf8).withUnsafeBytes { Digest(of: $0) }
  }

  /// 32 hexadecimal digits.
  init?(hexadecimal text: String) {
    guard text.utf8.count == 32, let high = UInt64(text.prefix(16), radix: 16),
      let low = UInt64(text.suffix(16), radix: 16)
    else { return nil }
    self.init(high: high, low: low)
  }

  /// 32 hexadecimal digits.
  var hexadecimal: String { Support.hexadecimal(high) + Support.hexadecimal(low) }

  static func < (a: Digest, b: Digest) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// The 64-bit XXH3 checksum of some bytes.
func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
  XXH3_64bits(bytes.baseAddress, bytes.count)
}

/// A hash of bytes that come piece by piece.
final class Hasher128 {
  private let state: OpaquePointer

  init() {
    guard let state = XXH3_createState() else { preconditionFailure("no memory for a hash") }
    self.state = state
    XXH3_128bits_reset(state)
  }

  deinit { XXH3_freeState(state) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    XXH3_128bits_update(state, bytes.baseAddress, bytes.count)
  }

  /// A text and its length, so that two texts in a row are not those of another division.
  func update(_ text: String) {
    let bytes = Array(text.utf8)
    update(bytes.count)
    bytes.withUnsafeBytes { update($0) }
  }

  func update(_ number: Int) {
    withUnsafeBytes(of: UInt64(bitPattern: Int64(number)).littleEndian) { update($0) }
  }

  func update(_ digest: Digest) {
    withUnsafeBytes(of: digest.high.littleEndian) { update($0) }
    withUnsafeBytes(of: digest.low.littleEndian) { update($0) }
  }

  /// The hash of all bytes so far.
  var digest: Digest {
    let hash = XXH3_128bits_digest(state)
    return Digest(high: hash.high64, low: hash.low64)
  }
}

/// A 64-bit checksum of bytes that come piece by piece.
final class Hasher64 {
  private let state: OpaquePointer

  init() {
    guard let state = XXH3_createState() else { preconditionFailure("no memory for a checksum") }
    self.state = state
    XXH3_64bits_reset(state)
  }

  deinit { XXH3_freeState(state) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    XXH3_64bits_update(state, bytes.baseAddress, bytes.count)
  }

  /// The checksum of all bytes so far.
  var checksum: UInt64 { XXH3_64bits_digest(state) }
}
