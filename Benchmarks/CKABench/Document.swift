import Activations
import Device
import Foundation
import Support

/// What `--json` writes: the figures of one command on one machine.
struct Document: Codable {
  static let currentFormat = "cka-bench/2"

  var format = Document.currentFormat
  /// `run`, `peers` or `scaling`.
  var command: String
  /// When it began, in UTC (ISO 8601).
  var date = Date().formatted(.iso8601)
  /// What was measured: the commit of the folder it was built in, where that is known.
  var commit = Document.builtCommit
  var machine: Machine
  /// What the machine can do at best; not of `peers` and `scaling`.
  var limits: Limits?
  var rows: [Row] = []

  /// One program or device on one workload.
  struct Row: Codable {
    var workload: Workload
    /// Who did it: `cka`, or a peer with its versions.
    var program: String
    /// The device's number and name, or how the peer was run.
    var device: String
    /// How many processors it was given, where not all.
    var threads: Int?
    /// Of a whole comparison, from opening the files to the map.
    var seconds: Spread
    /// By stage, medians. Stages may overlap.
    var stages: Child.Stages?
    /// Useful operations (each entry of a triangle once) of Gram matrices and pairs, in 10⁹.
    var gramWork: Double?
    var pairsWork: Double?
    /// The least time it could take.
    var bound: Bound?
    /// The largest difference of CKA from float64 on some layers; nil where it was not checked.
    var error: Double?
    /// Scores that are not numbers.
    var undefined: Int?
    /// Resident memory of the process after its first comparison, at most, in bytes; mapped files
    /// count.
    var peakMemory: Int
    /// The part of it that came with the work.
    var workMemory: Int?
    /// How many times as long as `cka` it took, run by run.
    var ratio: Spread?
  }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try replaceFile(Array(try encoder.encode(self)) + [10], at: path, called: path)
  }

  /// Reads what `--json` has written.
  init(readingFrom path: String) throws {
    struct Head: Decodable { var format: String }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(.noInput, "\(oneLine(path)): cannot be read")
    }
    guard let head = try? JSONDecoder().decode(Head.self, from: data) else {
      throw Failure(
        .data, "\(oneLine(path)): found no JSON with a format, expected figures of cka-bench")
    }
    guard head.format == Document.currentFormat else {
      throw Failure(
        .data,
        "\(oneLine(path)): found the format \(oneLine(head.format)), expected \(Document.currentFormat)"
      )
    }
    do { self = try JSONDecoder().decode(Document.self, from: data) } catch {
      throw Failure(.data, "\(oneLine(path)): is not what cka-bench writes: \(oneLine("\(error)"))")
    }
  }

  init(command: String, machine: Machine, limits: Limits? = nil) {
    self.command = command
    self.machine = machine
    self.limits = limits
  }
}

/// Repeated measurements of one quantity.
struct Spread: Codable {
  var median: Double
  var least: Double
  var most: Double
  /// All of them, in the order they were measured.
  var runs: [Double]

  /// - Precondition: there is a run.
  init(_ runs: [Double]) {
    let sorted = runs.sorted()
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    least = sorted[0]
    most = sorted[sorted.count - 1]
    self.runs = runs
  }
}

extension Document {
  /// The commit of the checkout that holds this command, with `-dirty` where it was changed since.
  private static var builtCommit: String? {
    let folder = splitPath(ownPath).folder
    // What a bundle says of itself.
    if let text = try? String(contentsOfFile: "\(folder)/../share/cka/commit", encoding: .utf8) {
      return oneLine(text.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    func git(_ arguments: [String]) -> String? {
      output(of: ["/usr/bin/env", "git", "-C", folder] + arguments)?
        .trimmingCharacters(in: .whitespacesAndNewlines)
    }
    // Another repository may lie around an installed command.
    guard let top = git(["rev-parse", "--show-toplevel"]),
      FileManager.default.fileExists(atPath: top + "/Benchmarks/CKABench/Bench.swift")
    else { return nil }
    return git(["describe", "--always", "--dirty", "--exclude", "*"])
  }
}
