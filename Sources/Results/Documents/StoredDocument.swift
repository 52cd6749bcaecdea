import Activations
import FoundationEssentials
import Support

/// A JSON document with the result of a command, which other commands can read.
///
/// The file is untrusted: `check` validates every number used as an index, count or divisor, so
/// that a decoded document needs no further checks.
public protocol StoredDocument: Codable, Sendable {
  /// What the file is called in the folder of a result.
  static var name: String { get }
  /// What its format begins with; the rest is the number of a version.
  static var formatFamily: String { get }
  /// The command that writes it.
  static var command: String { get }

  /// Throws the first value that no command writes.
  func check() throws(DocumentFault)
}

extension StoredDocument {
  /// The format that this version of the tool writes and reads.
  static var currentFormat: String { formatFamily + "1" }

  /// The document of the result in `folder`.
  ///
  /// - Throws: as `init(at:)`.
  public init(in folder: String) throws { try self.init(at: "\(folder)/\(Self.name)") }

  /// The document at `path`, checked.
  ///
  /// - Throws: `Failure` where the file is missing, of another format or version, or damaged.
  public init(at path: String) throws {
    let data = try documentData(at: path, of: Self.command)
    let found = documentFormat(of: data)
    guard found == Self.currentFormat else {
      throw Failure(
        .data,
        "\(oneLine(path)): found the format \(oneLine(found ?? "unknown")), expected "
          + Self.currentFormat)
    }
    do {
      self = try JSONDecoder().decode(Self.self, from: data)
      try check()
    } catch let error as DecodingError {
      throw DocumentFault(error).failure(at: path)
    } catch let fault as DocumentFault {
      throw fault.failure(at: path)
    }
  }
}

/// A value that a document should not hold.
public struct DocumentFault: Error, Sendable {
  /// Where it stands: `models[0].layers[2].features`.
  public package(set) var key: String
  /// What is there.
  public package(set) var found: String
  /// What should be there.
  public package(set) var expected: String

  /// One line that names the file and the key.
  func failure(at path: String) -> Failure {
    let place = key.isEmpty ? "" : ": \(oneLine(key))"
    return Failure(
      .data, "\(oneLine(path))\(place): damaged: found \(oneLine(found)), expected \(expected)")
  }
}

extension DocumentFault {
  /// A value that could not be decoded.
  init(_ error: DecodingError) {
    switch error {
    case .keyNotFound(let key, let context):
      self.init(key: Self.text(context.codingPath + [key]), found: "nothing", expected: "a value")
    case .valueNotFound(let type, let context):
      self.init(
        key: Self.text(context.codingPath), found: "null", expected: Self.text(of: type))
    case .typeMismatch(let type, let context):
      self.init(
        key: Self.text(context.codingPath), found: "a value of another type",
        expected: Self.text(of: type))
    case .dataCorrupted(let context):
      let key = Self.text(context.codingPath)
      self.init(
        key: key, found: key.isEmpty ? "no JSON" : "a value out of range",
        expected: key.isEmpty ? "a complete document" : "a value in range")
    @unknown default:
      self.init(key: "", found: "incomplete JSON", expected: "a complete document")
    }
  }

  private static func text(_ path: [any CodingKey]) -> String {
    path.reduce(into: "") { text, key in
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += (text.isEmpty ? "" : ".") + key.stringValue
      }
    }
  }

  private static func text(of type: Any.Type) -> String {
    switch type {
    case is any BinaryInteger.Type: "a whole number"
    case is any BinaryFloatingPoint.Type: "a number"
    case is String.Type: "text"
    case is Bool.Type: "true or false"
    case is any Collection.Type: "a list"
    default: "an object"
    }
  }
}

/// Which format the JSON file at `path` says it has.
func documentFormat(at path: String) throws -> String? {
  documentFormat(of: try documentData(at: path, of: "compare"))
}

private func documentFormat(of data: Data) -> String? {
  struct Version: Decodable { var format: String }
  return try? JSONDecoder().decode(Version.self, from: data).format
}

/// The bytes of the file at `path`, which `cka COMMAND` writes into its folder.
private func documentData(at path: String, of command: String) throws -> Data {
  Data(try readFile(path, called: oneLine(path), expected: "a folder of cka \(command)"))
}
