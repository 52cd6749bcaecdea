import Foundation
import TestSupport
import Testing

/// The built command, run as a user runs it.
enum Command {
  struct Result {
    let status: Int32
    let output: String
    let errors: String

    /// The messages on standard error, one a line.
    var messages: [String] { errors.split(separator: "\n").map(String.init) }
  }

  /// Beside the tests' own program.
  static let path: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return (own as NSString).deletingLastPathComponent + "/cka"
  }()

  /// Starts `cka`, whose words nobody reads.
  static func start(_ arguments: [String], in folder: TemporaryFolder) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// Runs `cka` to its end, with at most `memory` KiB of its own to write to, where given. (With
  /// less than its threads' buffers OpenBLAS would wait for more: it gets one thread then.)
  static func run(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:],
    memory: Int? = nil
  ) throws -> Result {
    // Files, not pipes: nothing can fill up.
    // And an OpenCL cache of its own, which PoCL cannot share between processes.
    let cache = try TemporaryFolder()
    let output = folder.path + "/.stdout"
    let errors = folder.path + "/.stderr"
    let limit = memory.map { "ulimit -d \($0); export OPENBLAS_NUM_THREADS=1; " } ?? ""
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/sh")
    process.arguments =
      ["-c", limit + "exec \"$@\" </dev/null >.stdout 2>.stderr", "sh", path] + arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
    process.environment = ProcessInfo.processInfo.environment
      .merging(["POCL_CACHE_DIR": cache.path]) { $1 }.merging(environment) { $1 }
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationReason == .exit ? process.terminationStatus : -1,
      output: try String(contentsOfFile: output, encoding: .utf8),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
  }

  /// `cka compare` on the CPU.
  static func compare(
    _ arguments: [String], in folder: TemporaryFolder, environment: [String: String] = [:]
  ) throws -> Result {
    try run(["compare", "--device", "cpu"] + arguments, in: folder, environment: environment)
  }
}

extension TemporaryFolder {
  /// What lies in a folder below this one, hidden files included but for those of `Command.run`.
  func contents(_ name: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path + "/" + name)
      .filter { $0 != ".stdout" && $0 != ".stderr" }.sorted()
  }

  func data(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
  }

  func has(_ name: String) -> Bool { access(path + "/" + name, F_OK) == 0 }

  /// A model of float32 layers, seeded by their names; `change` edits the numbers.
  func writeModel(
    _ name: String, layers: [String] = ["conv1", "relu1", "logits"], examples: Int = 40,
    features: Int = 12, change: (String, inout [Double]) -> Void = { _, _ in }
  ) throws {
    let shared = Activations64.normal(n: examples, p: features, seed: 1)
    for (index, layer) in layers.enumerated() {
      let own = Activations64.normal(n: examples, p: features, seed: UInt64(10 + index))
      var values = shared.mixed(into: own, weight: 1).values
      change(layer, &values)
      let bytes = NPYFile.bytes(values, shape: [examples, features])
      try write(bytes, to: "\(name)/\(layer).npy")
    }
  }
}

/// The float64 numbers of a `cka.npy` or `z.npy`.
func scores(_ data: Data) throws -> [Double] {
  let length = Int(data[8]) | Int(data[9]) << 8
  let numbers = Array(data.dropFirst(10 + length))
  return stride(from: 0, to: numbers.count, by: 8).map { start in
    numbers.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Double.self) }
  }
}

/// The fields of a CSV file by RFC 4180.
func fields(ofCSV text: String) -> [[String]] {
  var rows: [[String]] = [[]]
  var field = ""
  var isQuoted = false
  var scalars = Array(text.unicodeScalars)[...]
  while let scalar = scalars.popFirst() {
    if isQuoted {
      if scalar != "\"" {
        field.unicodeScalars.append(scalar)
      } else if scalars.first == "\"" {
        field.unicodeScalars.append(scalar)
        scalars.removeFirst()
      } else {
        isQuoted = false
      }
    } else if scalar == "\"" {
      isQuoted = true
    } else if scalar == "," || scalar == "\n" {
      rows[rows.count - 1].append(field)
      field = ""
      if scalar == "\n" { rows.append([]) }
    } else {
      field.unicodeScalars.append(scalar)
    }
  }
  return rows.dropLast()
}
