import ArgumentParser
import Foundation
import Support

/// Runs the body of a command; a failure becomes one line on standard error and the exit code.
public func reportingFailures(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as any FailureConvertible {
    let failure = error.failure
    Console.failure(failure.description)
    throw ExitCode(failure.code.rawValue)
  } catch {
    // No error is expected to come here; if one does, it still is one line and a code.
    Console.failure(String(describing: error).split(separator: "\n").joined(separator: " "))
    throw ExitCode(Failure.Code.software.rawValue)
  }
}
