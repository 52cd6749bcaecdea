import FoundationEssentials

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
    let mapped = try mapFile(path)
    guard mapped.bytes.count <= largest else {
      throw .damaged(
        path, "its length", found: mapped.bytes.count, expected: "at most \(largest) bytes")
    }
    let data = Data(mapped.bytes)
    let document: Self
    do {
      document = try JSONDecoder().decode(Self.self, from: data)
    } catch {
      throw StoreError(
        .data, path, "is damaged: \(reason(of: error))",
        isIntact: CheckedDocument<AnyJSON>.isIntact(data))
    }
    guard document.checksum == (try? checksumOf(document.content)) else {
      throw StoreError(.data, path, "is damaged: its checksum does not match")
    }
    return document.content
  }

  /// Whether a document has the checksum of its content, whatever that says.
  private static func isIntact(_ data: Data) -> Bool {
    guard let document = try? JSONDecoder().decode(Self.self, from: data) else { return false }
    return document.checksum == (try? checksumOf(document.content))
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

/// JSON of any type: content whose checksum is looked at although no type of a store can hold it.
private enum AnyJSON: Codable {
  case null
  case flag(Bool)
  case integer(Int64)
  case natural(UInt64)
  case number(Double)
  case text(String)
  case list([AnyJSON])
  case object([String: AnyJSON])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let integer = try? value.decode(Int64.self) {
      self = .integer(integer)
    } else if let natural = try? value.decode(UInt64.self) {
      self = .natural(natural)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([AnyJSON].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: AnyJSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .flag(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .natural(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}
