import Activations
import Glibc
import Support

/// Why a store cannot be used or made: one line that names the file, what was found and what was
/// expected.
public struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What kind of failure it is.
  public enum Kind: Sendable, Hashable {
    /// What was asked for does not exist, such as the twelfth of ten shards.
    case usage
    /// What is there is not what was expected.
    case data
    /// There is no store.
    case noInput
    /// The store cannot be made, or another process uses it.
    case cannotCreate
    /// An error while reading or writing.
    case io
  }

  /// What kind of failure it is.
  public let kind: Kind
  /// The file or folder at fault.
  public let path: String
  /// What was found and what was expected.
  public let reason: String
  /// Whether the file is as somebody wrote it: its checksum is right, and what it says cannot be. Nothing is made
  /// in place of such a file.
  let isIntact: Bool

  /// An error about `path`.
  public init(_ kind: Kind, _ path: String, _ reason: String) {
    self.init(kind, path, reason, isIntact: false)
  }

  init(_ kind: Kind, _ path: String, _ reason: String, isIntact: Bool) {
    self.kind = kind
    self.path = path
    self.reason = oneLine(reason)
    self.isIntact = isIntact
  }

  /// One line: the path, a colon, the reason.
  public var description: String { "\(oneLine(path)): \(reason)" }

  /// A field of the file at `path` holds what it cannot.
  static func damaged(
    _ path: String, _ field: String, found: some CustomStringConvertible, expected: String
  ) -> StoreError {
    StoreError(.data, path, "is damaged: \(field): found \(found), expected \(expected)")
  }

  /// A call that makes or writes `path` failed: writing broke off where a disk is full or broken, else
  /// it cannot be made at all.
  static func writing(_ path: String, _ code: Int32) -> StoreError {
    StoreError(
      isBrokenOff(code) ? .io : .cannotCreate, path, "cannot be written: \(systemMessage(code))")
  }

  /// A call that opens or reads `path` failed.
  static func reading(_ path: String, _ code: Int32) -> StoreError {
    let isMissing = [ENOENT, ENOTDIR, ENAMETOOLONG, EACCES, EPERM, EISDIR, ELOOP].contains(code)
    return StoreError(
      isMissing ? .noInput : .io, path, "cannot be read: \(systemMessage(code))")
  }
}

extension StoreError: FailureConvertible {
  /// Names the file or folder, what was found and what was expected.
  public var failure: Failure {
    let code: Failure.Code =
      switch kind {
      case .usage: .usage
      case .data: .data
      case .noInput: .noInput
      case .cannotCreate: .cannotCreate
      case .io: .io
      }
    return Failure(code, description)
  }
}

/// Why a sweep cannot begin: it may take less memory than its smallest step needs.
public struct SweepMemoryError: Error, Sendable, Hashable, CustomStringConvertible {
  /// Bytes that were granted.
  public let granted: Int
  /// Bytes that are needed.
  public let needed: Int
  /// Examples of the largest minibatch.
  public let batchSize: Int

  /// One line.
  public var description: String {
    "\(granted) bytes are too few: minibatches of \(batchSize) examples need \(needed)"
  }
}

extension SweepMemoryError: FailureConvertible {
  /// Names the option that grants memory.
  public var failure: Failure {
    Failure(
      .usage,
      "--memory: \(Format.bytes(granted)) is too small: minibatches of \(batchSize) examples need "
        + Format.bytes(needed))
  }
}
