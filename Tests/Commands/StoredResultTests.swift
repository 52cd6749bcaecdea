import ActivationFiles
import Figures
import Foundation
import Support
import TestSupport
import Testing

@testable import ResultFigures
@testable import Results
@testable import Support

/// Results as input: drawn again as they were. Where anybody has changed a number: a picture, or one line that
/// names the file and what is wrong in it; never a trap, which would end this process.
struct StoredResultTests {
  let cka: Cka

  init() throws {
    cka = try Cka()
    for seed in 0..<2 {
      try cka.folder.write(
        TestModel(layers: 8, n: 24, seed: UInt64(seed + 1)).npz, to: "net-seed\(seed).npz")
    }
  }

  /// The commands that write results, with options that make them small but whole.
  enum Kind: String, CaseIterable {
    case compare, pair, blocks, converge, components, trust, probe, errors, sweep, sweepBlocks
  }

  private func make(_ kind: Kind, _ folder: String = "r") throws {
    let models = ["net-seed0.npz", "net-seed1.npz"]
    let options = ["--output", folder, "--quiet"]
    let cpu = ["--device", "cpu"] + options
    func run(_ words: [String]) throws {
      let run = try cka.run(words)
      #expect(run.code == 0, "\(run.errors)")
    }
    switch kind {
    case .compare: try run(["compare", models[0], "--blocks"] + cpu)
    case .pair: try run(["compare"] + models + ["--estimator", "unbiased"] + cpu)
    case .blocks:
      try run(["compare", models[0], "--output", "of", "--quiet", "--device", "cpu"])
      try run(["blocks", "of", "--permutations", "19"] + options)
    case .converge:
      try run(["converge"] + models + ["--batch-sizes", "8,12", "--passes", "1,2"] + cpu)
    case .components: try run(["components"] + models + ["--components", "3"] + cpu)
    case .trust:
      try run(
        ["trust", models[0], "--cell", "layer0,layer1", "--permutations", "19"] + cpu)
    case .probe:
      let labels = (0..<24).map { Double($0 % 2) }
      try cka.folder.write(NPYFile.bytes(labels, shape: [24], type: .int64), to: "y.npy")
      try run(["probe", models[0], "--labels", "y.npy"] + cpu)
    case .errors:
      try cka.folder.write(
        NPYFile.bytes((0..<24).map { Double($0 % 3) }, shape: [24], type: .int64), to: "y.npy")
      for network in 0..<8 {
        let classes = (0..<24).map { Double(($0 % 5 == network % 5 ? $0 + 1 : $0) % 3) }
        try cka.folder.write(
          NPYFile.bytes(classes, shape: [24], type: .uint8),
          to: "\(network < 4 ? "a" : "b")-\(network).npy")
      }
      try run(
        ["errors", "--group", "a=a-*.npy", "--group", "b=b-*.npy", "--labels", "y.npy"]
          + ["--repeats", "20"] + options)
    case .sweep: try run(["sweep"] + models + ["--batch-size", "12"] + cpu)
    case .sweepBlocks:
      try run(
        ["sweep"] + models
          + ["--batch-size", "12", "--device", "cpu", "--output", "store", "--quiet"])
      try run(["blocks", "store", "--permutations", "19"] + options)
    }
  }

  /// Draws all of a result; expects a failure of one line, 65, that names a file of it, if any.
  ///
  /// - Parameter wholly: whether figures are not only made, but drawn, and the page, too.
  /// - Returns: whether there was such a failure.
  @discardableResult
  private func draw(_ folder: String, _ what: String, wholly: Bool = true) -> Bool {
    do {
      return try drawing(folder) {
        let result = try readResult(in: folder)
        let figures = try result.figures()
        guard wholly else { return false }
        for figure in figures { _ = try figure.figure.data(.svg) }
        _ = try result.report().bytes()
        return false
      }
    } catch let error as any FailureConvertible {
      let failure = error.failure
      #expect(failure.code == .data, "\(what): \(failure)")
      #expect(failure.description.contains(folder), "\(what): \(failure)")
      #expect(!failure.description.contains("\n"), "\(what): \(failure)")
    } catch {
      Issue.record("\(what): \(error)")
    }
    return true
  }

  /// `plot` drew only what `compare` wrote, and its page only of that, `converge` and `STORE/results`.
  @Test(arguments: Kind.allCases)
  func everyResultIsDrawnAgain(kind: Kind) throws {
    try make(kind)
    let folder = try resultFolder("\(cka.folder.path)/r")
    let pictures = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { name in
      [".pdf", ".png", ".svg"].contains { name.hasSuffix($0) }
    }
    let before = try pictures.map { try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")) }
    for name in pictures { unlink("\(folder)/\(name)") }
    let run = try cka("plot", "r")
    run.expectSuccess()
    for (name, bytes) in zip(pictures, before) {
      #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")) == bytes, "\(name)")
    }
    try cka("plot", "r", "--report").expectSuccess()
    #expect(access("\(folder)/report.html", F_OK) == 0)
    let figure = try #require(try readResult(in: folder).figures().last?.name)
    try cka("plot", "r", "--figure", figure, "--output", "one.pdf").expectSuccess()
    #expect(cka.exists("one.pdf"))
    try cka("plot", "r", "--figure", "none").expectFailure(64, "--figure none: r has ", figure)
  }

  private static var numbers: [Any] {
    [-1, 0, 1 << 31, Int.max, 1e308, NSNull(), "x", [Any]()]
  }

  /// Every kind of number, once where a list holds many alike, becomes each of the numbers above; lists lose
  /// their entries or have a great many.
  @Test(arguments: Kind.allCases)
  func changedNumbersAreRefusedOrDrawn(kind: Kind) throws {
    try make(kind)
    let folder = try resultFolder("\(cka.folder.path)/r")
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".json") })
    let path = "\(folder)/\(name)"
    let whole = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path)))
    draw(folder, "unchanged")
    var seen: Set<String> = []
    var count = 0
    func write(_ document: Any, _ what: String, wholly: Bool) throws {
      try JSONSerialization.data(withJSONObject: document)
        .write(to: URL(fileURLWithPath: path))
      draw(folder, what, wholly: wholly)
      count += 1
    }
    for place in Self.places(in: whole, []) where seen.insert(place.kind).inserted {
      switch place.value {
      case is NSNumber:
        for number in Self.numbers {
          // Most others are refused, or told as they are.
          try write(
            Self.replacing(place.path[...], in: whole, with: number), "\(place.kind) = \(number)",
            wholly: [0, Int.max].contains(number as? Int))
        }
      case let list as [Any]:
        for other in [[], Array(repeating: list, count: 200).flatMap { $0 }] {
          try write(
            Self.replacing(place.path[...], in: whole, with: other),
            "\(place.kind) has \(other.count) entries", wholly: false)
        }
      default: break
      }
    }
    #expect(count > 100)
  }

  private struct Place {
    var path: [Any]
    var value: Any
    /// The path without places in lists.
    var kind: String
  }

  private static func places(in value: Any, _ path: [Any]) -> [Place] {
    let kind = path.map { $0 as? String ?? "[]" }.joined(separator: ".")
    let own = [Place(path: path, value: value, kind: kind)]
    if let object = value as? [String: Any] {
      return object.sorted { $0.key < $1.key }.flatMap { places(in: $0.value, path + [$0.key]) }
    }
    guard let list = value as? [Any] else { return own }
    return own + list.enumerated().flatMap { places(in: $0.element, path + [$0.offset]) }
  }

  private static func replacing(_ path: ArraySlice<Any>, in value: Any, with other: Any) -> Any {
    guard let key = path.first else { return other }
    if let name = key as? String, var object = value as? [String: Any], let old = object[name] {
      object[name] = replacing(path.dropFirst(), in: old, with: other)
      return object
    }
    if let index = key as? Int, var list = value as? [Any] {
      list[index] = replacing(path.dropFirst(), in: list[index], with: other)
      return list
    }
    return value
  }

  /// What stands in the document, too, or is in no figure and on no page: nobody reads it again.
  private static let unread: Set = [
    "errors.npy", "contributions.npy", "norms.npy", "remainders.npy", "removal.npy", "models.npy",
    "best-match-distances.npy", "equal-depth-distances.npy",
  ]

  /// Files of a result that are cut short or are something else.
  @Test(arguments: Kind.allCases)
  func damagedFilesAreRefused(kind: Kind) throws {
    try make(kind)
    let folder = try resultFolder("\(cka.folder.path)/r")
    for name in try FileManager.default.contentsOfDirectory(atPath: folder)
    where name.hasSuffix(".npy") || name.hasSuffix(".json") {
      let url = URL(fileURLWithPath: "\(folder)/\(name)")
      let whole = try Data(contentsOf: url)
      let hdf5 = Data([0x89] + Array("HDF\r\n\u{1A}\n".utf8) + [UInt8](repeating: 0, count: 900))
      // The last byte of a document is the end of its last line.
      for (what, bytes) in [
        ("short", whole.dropLast(2)), ("half", whole.prefix(whole.count / 2)), ("empty", Data()),
        ("HDF5", hdf5), ("long", whole + [0]),
      ] {
        try Data(bytes).write(to: url)
        let isRefused = draw(folder, "\(name): \(what)")
        #expect(isRefused != Self.unread.contains(name), "\(name): \(what)")
      }
      try whole.write(to: url)
    }
  }

  /// Numbers of plans and of what was computed anew were passed on as they stood.
  @Test func numbersOfPlansAndOfFloat64AreChecked() throws {
    var model = TestModel(layers: 3)
    // One example a million times larger, of which float32 leaves nothing.
    let first = model.layers[0].activations
    for k in 0..<first.p { model.layers[0].activations.values[k] *= 1e6 }
    try cka.folder.write(model.npz, to: "far.npz")
    try cka("compare", "far.npz", "--estimator", "unbiased", "--device", "cpu", "--output", "r")
      .expectSuccess()
    let url = URL(fileURLWithPath: "\(cka.folder.path)/r/result.json")
    let whole = try JSONSerialization.jsonObject(with: Data(contentsOf: url))
    let cases: [([Any], Any, String)] = [
      (["plan", "flops"], -1, "plan.flops"), (["plan", "bytesRead"], 1e308, "plan.bytesRead"),
      (["plan", "memory"], -1, "plan.memory"), (["plan", "peakMemory"], -1, "plan.peakMemory"),
      (["plan", "pairs", "at-once"], -1, "plan.pairs.at-once"),
      (["float64", "cells"], 10, "float64.cells"),
      (["float64", "layers", 0], [3], "float64.layers[0]"), (["float64", "layers"], [], "float64"),
      (["timings", "float64"], -1, "timings.float64"),
      (
        ["failedDevices"],
        [["id": "", "name": "", "backend": "", "driver": "", "minibatches": -1]],
        "failedDevices.minibatches"
      ),
    ]
    for (place, value, key) in cases {
      let changed = Self.replacing(place[...], in: whole, with: value)
      try JSONSerialization.data(withJSONObject: changed).write(to: url)
      try cka("plot", "r").expectFailure(65, "r/result.json: ", key, "damaged")
    }
  }

  /// These trapped in `plot`, `plot --report` and `blocks`.
  @Test func numbersThatEndedCommandsAreNamed() throws {
    try make(.compare)
    let whole = try String(decoding: cka.bytes("r/result.json"), as: UTF8.self)
    func block(_ first: String, _ last: String) -> String {
      """
      "blocks": [{"first": \(first), "last": \(last), "firstLayer": "", "lastLayer": "", "size": 1, \
      "meanInside": 1, "meanOutside": 0, "contrast": 1, "p": 0.01}]
      """
    }
    let start = try #require(whole.range(of: "\"blocks\" : ["))
    let end = try #require(whole.range(of: "\"device\""))
    func with(_ blocks: String) -> String {
      whole.replacingCharacters(in: start.lowerBound..<end.lowerBound, with: blocks + ",")
    }
    for (text, key) in [
      (with(block("5", "2")), "blocks[0].last"), (with(block("0", "-1")), "blocks[0].last"),
      (with(block("9223372036854775807", "9223372036854775807")), "blocks[0].first"),
      (
        whole.replacing(/"total" : [0-9.e+-]+(,\s*"transfer")/) { "\"total\" : 1e308\($0.1)" },
        "timings.total"
      ),
      (whole.replacing("\"models\" : [", with: "\"models\" : [], \"other\" : ["), "models"),
    ] {
      try cka.folder.write(text, to: "r/result.json")
      for words in [["plot", "r"], ["plot", "r", "--report"], ["blocks", "r"]] {
        try cka.run(words).expectFailure(65, "r/result.json: ", key, "damaged")
      }
    }
  }
}
