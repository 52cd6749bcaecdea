import Activations
import Support

/// Why activations could not be read: one line that names the file, what was found and what was
/// expected.
public struct ActivationFileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is; the command ends with the matching code of `sysexits.h`.
  public enum Kind: Sendable, Hashable, CaseIterable {
    /// There is nothing to read, or reading is not allowed (66).
    case noInput
    /// What is there is not what was expected (65).
    case data
    /// The system failed while reading, or a disk is full (74).
    case io
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// The file or folder at fault, as it was given.
  public let path: String
  /// What was found and what was expected: one line without control characters.
  public let reason: String
  /// Of an array that is whole but cannot be a layer: `reason` without the array's name. Such an array
  /// is skipped where other arrays are layers.
  private(set) var whyNoLayer: String?

  /// An error about `path`; line breaks and other invisible characters of `reason` are escaped.
  public init(kind: Kind, path: String, reason: String) {
    self.kind = kind
    self.path = path
    self.reason = oneLine(reason)
  }

  /// A file that could be opened and cannot be read.
  init(_ error: ActivationReadError) {
    self.init(kind: .io, path: error.path, reason: error.reason)
  }

  /// One line: the path, a colon, the reason.
  public var description: String { "\(oneLine(path)): \(reason)" }

  /// The same error about an array that is whole but cannot be a layer.
  func ofNoLayer(_ reason: String) -> ActivationFileError {
    var error = self
    error.whyNoLayer = reason
    return error
  }
}

/// What an error is about: a file, or one array in it.
struct Place: Sendable {
  let path: String
  /// For example `member 'conv1.npy'`.
  var part: String?

  func error(_ kind: ActivationFileError.Kind, _ reason: String) -> ActivationFileError {
    ActivationFileError(
      kind: kind, path: path, reason: part.map { "\($0): \(reason)" } ?? reason)
  }

  func data(_ reason: String) -> ActivationFileError { error(.data, reason) }

  /// The array is whole, but cannot be a layer.
  func noLayer(_ reason: String) -> ActivationFileError { data(reason).ofNoLayer(oneLine(reason)) }
}

/// `name` in quotes, shortened, for a message.
func quoted(_ name: String) -> String {
  let limit = 200
  guard name.unicodeScalars.count > limit else { return "'\(oneLine(name))'" }
  let start = String(String.UnicodeScalarView(name.unicodeScalars.prefix(limit)))
  return "'\(oneLine(start))…'"
}

/// A name in a file, and whether it is UTF-8: bytes that are not stand as `\xE9`, so that two such names stay
/// different.
func shownName(_ bytes: some Sequence<UInt8>) -> (name: String, isUTF8: Bool) {
  let bytes = Array(bytes)
  if let name = String(validating: bytes, as: UTF8.self) { return (name, true) }
  var name = ""
  var parser = UTF8.ForwardParser()
  var rest = bytes.makeIterator()
  var place = 0
  while true {
    switch parser.parseScalar(from: &rest) {
    case .valid(let scalar):
      name += String(decoding: scalar, as: UTF8.self)
      place += scalar.count
    case .error(let length):
      for byte in bytes[place..<(place + length)] {
        name += "\\x" + String(byte, radix: 16, uppercase: true)
      }
      place += length
    case .emptyInput: return (name, false)
    }
  }
}

/// Why an array of such a name is no layer: no document of results could hold it.
let notUTF8 = "found a name that is not UTF-8, expected one that is"

extension ActivationFileError: FailureConvertible {
  /// Names the file, what was found and what was expected.
  public var failure: Failure {
    let code: Failure.Code =
      switch kind {
      case .noInput: .noInput
      case .data: .data
      case .io: .io
      }
    return Failure(code, description)
  }
}
