import Foundation
import Support
import Testing

@testable import CKABench

/// The processes that `cka-bench` measures.
struct BenchChildTests {
  /// Starts a shell that runs `script`.
  private func shell(
    _ script: String, environment: [String: String] = [:], threads: Int? = nil
  ) throws -> RunningProgram {
    try RunningProgram(
      ["/bin/sh", "-c", script], environment: environment, folder: try TemporaryFolder(),
      threads: threads)
  }

  @Test func theirProcessorsAreCounted() throws {
    #expect(try shell("nproc", threads: 1).next(Int.self) == 1)
    // Afterwards this process has all of its own again.
    let all = ProcessInfo.processInfo.activeProcessorCount
    #expect(try shell("nproc").next(Int.self) == all)
  }

  @Test func theirVariablesCanBeSet() throws {
    let chosen = try shell(
      "echo \"\\\"$OPENBLAS_CORETYPE\\\"\"", environment: ["OPENBLAS_CORETYPE": "Haswell"])
    #expect(try chosen.next(String.self) == "Haswell")
  }

  @Test(
    arguments: [
      ("exit 3", 70, "sh ended with code 3"), ("kill -9 $$", 70, "sh was ended by signal 9"),
      ("echo first >&2; echo last >&2; exit 69", 69, "sh ended with code 69: last"),
      ("echo '{}'", 70, "not the expected JSON"),
    ] as [(String, Int32, String)])
  func theirEndsAreTold(script: String, code: Int32, message: String) throws {
    let program = try shell(script)
    let failure = try #require(throws: Failure.self) { try program.next(Int.self) }
    #expect(failure.code.rawValue == code)
    #expect(failure.description.contains(message), "\(failure.description)")
  }

  @Test func theyAnswerInTurn() throws {
    let program = try shell("while read -r line; do echo \"\\\"$line!\\\"\"; done")
    for word in ["one", "two"] {
      program.tell(word + "\n")
      #expect(try program.next(String.self) == word + "!")
    }
  }

  @Test func aMissingProgramIsNamed() throws {
    let failure = try #require(throws: Failure.self) {
      try RunningProgram(["/nowhere/python"], environment: [:], folder: try TemporaryFolder())
    }
    #expect(failure.code == .noInput && failure.description.contains("/nowhere/python"))
  }
}
