/// Why a command ends without a result: one line for people, one code for scripts.
public struct Failure: Error, Sendable, CustomStringConvertible {
  /// The codes of `sysexits.h` that the commands use.
  public enum Code: Int32, Sendable {
    /// The command line is wrong.
    case usage = 64
    /// The input is there and cannot be used.
    case data = 65
    /// An input is missing or cannot be opened.
    case noInput = 66
    /// There is no such device.
    case unavailable = 69
    /// The software or a device is wrong: a check failed, a device broke.
    case software = 70
    /// The output cannot be created.
    case cannotCreate = 73
    /// An error while reading or writing.
    case io = 74
  }

  /// What the process ends with.
  public let code: Code
  /// What was found and what was expected, naming the file.
  public let description: String

  /// See the properties.
  public init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }
}

/// An error of a library that ends a command as the failure it stands for.
public protocol FailureConvertible: Error {
  /// What the command says, and its code.
  var failure: Failure { get }
}

extension Failure: FailureConvertible {
  /// Itself.
  public var failure: Failure { self }
}
