import Activations
import Device
import Support

/// What `sweep` finds: the folder `results` of a store. Maps stay in their files until they are drawn.
public struct SweepResult: Sendable {
  /// All but the matrices.
  public let document: SweepDocument
  /// The folder `results` of the store.
  public let folder: String

  /// Reads what the command, or `write`, wrote.
  ///
  /// - Throws: `Failure` where a file is missing, damaged or of another format.
  public init(in folder: String) throws {
    self.folder = folder
    document = try SweepDocument(in: folder)
    let count = document.models.count
    let places = Set(document.pairs.map { [$0.left, $0.right] })
    guard document.models.allSatisfy({ !$0.layers.isEmpty }),
      places.count == document.pairs.count, document.pairs.count == count * (count + 1) / 2
    else {
      throw Failure(
        .data,
        "\(oneLine(folder))/\(SweepDocument.name): lacks pairs: the sweep is incomplete; run the "
          + "same command again")
    }
  }

  /// CKA of a pair, layers × layers; NaN where a cell has no value.
  ///
  /// - Throws: `Failure` where its file is missing or damaged.
  public func map(of pair: SweepDocument.Pair) throws -> Matrix<Double> {
    try writtenScores(
      at: "\(folder)/\(pair.folder)/cka.npy", rows: document.models[pair.left].layers.count,
      columns: document.models[pair.right].layers.count)
  }

  /// What reads its documents, and the maps and documents of its pairs.
  public var dataFiles: [FileMaker] {
    let pairs = document.pairs.flatMap { pair in
      ["cka.npy", ResultDocument.name].map { "\(pair.folder)/\($0)" }
    }
    return ([SweepDocument.name] + pairs).map { reading($0, in: folder) }
  }
}

extension SweepDocument {
  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
    try estimator.check("estimator")
    try kernel.check("kernel")
    try examples.check("examples")
    try expect(!models.isEmpty, "models", found: "no model", expected: "at least one")
    for (index, model) in models.enumerated() {
      // While a sweep is going on, its document has no layers yet.
      for (number, layer) in model.layers.enumerated() {
        try layer.check("models[\(index)].layers[\(number)]")
      }
    }
    let places = 0...models.count - 1
    for (index, pair) in pairs.enumerated() {
      let key = "pairs[\(index)]"
      try expect(pair.left, within: places, "\(key).left")
      try expect(pair.right, within: pair.left...max(pair.left, places.upperBound), "\(key).right")
      try expect(pair.right, within: places, "\(key).right")
      try Self.check(folder: pair.folder, "\(key).folder")
      try expect(pair.undefinedCells, within: countable, "\(key).undefinedCells")
      try expect(pair.undefinedDepths, within: countable, "\(key).undefinedDepths")
      try expect(pair.similarityAtEqualDepth, within: scores, "\(key).similarityAtEqualDepth")
      try expect(
        [
          "distanceAtEqualDepth": pair.distanceAtEqualDepth,
          "distanceOfBestMatches": pair.distanceOfBestMatches,
        ], within: angles, of: key)
    }
    for (index, points) in (points ?? []).enumerated() {
      try points.check("points[\(index)]", models: models.count)
    }
    for (index, group) in groups.enumerated() {
      let key = "groups[\(index)]"
      for model in group.models { try expect(model, within: places, "\(key).models") }
      try expect(group.pairs, within: countable, "\(key).pairs")
      if let folder = group.folder { try Self.check(folder: folder, "\(key).folder") }
      for map in group.maps {
        try expect(
          SweepFileNames.maps.contains(map), "\(key).maps", found: map,
          expected: SweepFileNames.maps.joined(separator: ", "))
      }
    }
  }

  /// Angles between 0 and a half turn, with room for rounding.
  private var angles: ClosedRange<Double> { 0...3.15 }

  /// Checks that a path stays within the folder of the results.
  private static func check(folder: String, _ key: String) throws(DocumentFault) {
    let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
    try expect(
      parts.count == 2 && ["pairs", "groups"].contains(parts[0]) && !parts[1].isEmpty
        && !parts[1].hasPrefix("."), key, found: folder, expected: "a folder in pairs or groups")
  }
}
