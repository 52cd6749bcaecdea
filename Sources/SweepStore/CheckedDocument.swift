import Foundation

/// A JSON file of a store: what it says, and the checksum of that.
struct CheckedDocument<Content: Codable>: Codable {
  var checksum: String
  var content: Content

  /// A file's bytes.
  static func bytes(_ content: Content) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let document = CheckedDocument(checksum: try checksumOf(content), content: content)
    return Array(try encoder.encode(document)) + Array("\n".utf8)
  }

  /// Reads a file and checks it.
  static func read(_ path: String) throws(StoreError) -> Content {
    let mapped = try MappedBytes(path)
    let data = Data(mapped.bytes)
    guard let document = try? JSONDecoder().decode(Self.self, from: data),
      document.checksum == (try? checksumOf(document.content))
    else { throw StoreError(.data, path, "is damaged: its checksum is another") }
    return document.content
  }

  /// Of the content in the one form that the same content always has.
  private static func checksumOf(_ content: Content) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(content)).withUnsafeBytes { Digest(of: $0) }.hexadecimal
  }
}
