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

  /// The most bytes that such a file is taken to be: keys of some ten million minibatches.
  private static var largest: Int { 1 << 30 }

  /// Reads a file and checks it.
  static func read(_ path: String) throws(StoreError) -> Content {
    let mapped = try MappedBytes(path)
    guard mapped.bytes.count <= largest else {
      throw .damaged(
        path, "its length", found: mapped.bytes.count, expected: "at most \(largest) bytes")
    }
    let document: Self
    do {
      document = try JSONDecoder().decode(Self.self, from: Data(mapped.bytes))
    } catch {
      throw StoreError(.data, path, "is damaged: \(reason(of: error))")
    }
    guard document.checksum == (try? checksumOf(document.content)) else {
      throw StoreError(.data, path, "is damaged: its checksum is another")
    }
    return document.content
  }

  /// What the decoder found, behind the field where it did.
  private static func reason(of error: any Error) -> String {
    let context: DecodingError.Context? =
      switch error as? DecodingError {
      case .typeMismatch(_, let context), .valueNotFound(_, let context),
        .dataCorrupted(let context):
        context
      case .keyNotFound(let key, let context):
        DecodingError.Context(
          codingPath: context.codingPath + [key], debugDescription: "is missing")
      default: nil
      }
    guard let context else { return "expected a document of this store" }
    let field = context.codingPath.drop { $0.stringValue == "content" }
      .map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
    return field.isEmpty ? context.debugDescription : "\(field): \(context.debugDescription)"
  }

  /// Of the content in the one form that the same content always has.
  private static func checksumOf(_ content: Content) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(content)).withUnsafeBytes { Digest(of: $0) }.hexadecimal
  }
}
