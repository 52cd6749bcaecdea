import Activations

/// All arrays in a model's files: those that could be its layers, with any number of examples, and
/// those that cannot.
///
/// A model's layers have the same examples. `model` takes those that do.
public struct ModelContents: Sendable {
  /// The last component of the path, of a file without the extension of its format.
  public let name: String
  /// The file or folder, as it was given.
  public let path: String
  /// The arrays that could be layers, in the order of the model's layers.
  public let layers: [LayerActivations]
  /// The arrays that cannot be layers.
  public let skipped: [SkippedArray]
  /// The order and stages of layers, and what the examples are called.
  private let list: LayerList?
  private let examples: ExampleList?
  /// Whether the only array is one of several that `list` describes: a `.npy` file of a folder.
  private let isOneOfFolder: Bool

  /// Opens the file or folder at `path`.
  public init(path: String) throws(ActivationFileError) {
    self.path = path
    let arrays: [FoundArray]
    switch try FileType(path: path) {
    case .folder:
      name = folderName(path)
      let beside = try LayerList(in: path)
      examples = try ExampleList(path: joined(path, "examples.txt"))
      let folder = try ModelReader.arrays(inFolder: path)
      arrays = folder.arrays
      list = beside ?? folder.list
      isOneOfFolder = false
    case .regular, .special:
      let parts = split(path)
      name = ModelNames.stem(parts.name)
      let file = try ModelReader.read(path)
      arrays = file.arrays
      list = try LayerList(in: parts.folder) ?? file.list
      examples = try ExampleList(path: joined(parts.folder, "\(name).examples.txt"))
      isOneOfFolder = file.kind == .npy
    }
    try examples?.checkAlone(beside: list)
    try ModelContents.checkNames(arrays, path: path)
    layers = arrays.compactMap(\.layer)
    skipped = arrays.compactMap(\.skipped)
    if layers.isEmpty, let first = skipped.first { throw first.error }
  }

  /// What all arrays are called.
  public var names: [String] { layers.map(\.name) + skipped.map(\.name) }

  /// The model of the layers that are chosen.
  ///
  /// The layers have the number of examples that most of the chosen arrays have, of those that
  /// `layers.json` lists where it lists layers. Of two numbers that are as frequent, the number of
  /// sample IDs decides. The other chosen arrays are skipped.
  ///
  /// - Parameter choices: Each tells by the name whether it chooses an array; no choices choose all.
  /// - Throws: Where a choice has no layer but an array that cannot be one, the reason; where no array is
  ///   chosen or as many arrays have one number of examples as another, an error, too.
  public func model(
    choosing choices: [(String) -> Bool] = []
  ) throws(ActivationFileError) -> ModelFiles {
    func isChosen(_ name: String) -> Bool { choices.isEmpty || choices.contains { $0(name) } }
    let candidates = layers.filter { isChosen($0.name) }
    var skipped = self.skipped.filter { isChosen($0.name) }
    guard !candidates.isEmpty else {
      throw skipped.first?.error
        ?? Place(path: path).error(.noInput, "holds no layer of that name")
    }
    let counts = try exampleCounts(of: candidates)
    var chosen: [LayerActivations] = []
    for layer in candidates {
      if layer.exampleCounts == counts {
        chosen.append(layer)
      } else {
        skipped.append(unlike(layer, counts))
      }
    }
    for choice in choices where !chosen.contains(where: { choice($0.name) }) {
      if let array = skipped.first(where: { choice($0.name) }) { throw array.error }
    }
    if let list {
      chosen =
        isOneOfFolder
        ? chosen.map(list.annotate)
        : try list.arrange(
          chosen, of: Set(names.map(\.nameBytes)), skipped: skipped, isChosen: isChosen)
    }
    let count = counts.reduce(0, +)
    let ids =
      if let examples { try examples.examples(count: count) } else {
        try list?.examples(count: count)
      }
    return ModelFiles(
      name: name, path: path, layers: chosen, skipped: skipped, exampleIDs: ids)
  }

  /// Whether one number of examples is that of the model's layers where all are chosen.
  public var hasOneExampleCount: Bool { mostFrequentCounts(of: layers).count == 1 }

  /// The numbers of examples, shard by shard, that most layers have: several where these are as frequent.
  private func mostFrequentCounts(
    of candidates: [LayerActivations]
  ) -> [(counts: [Int], first: LayerActivations)] {
    let listed = Set(isOneOfFolder ? [] : list?.entries?.map(\.name.nameBytes) ?? [])
    let voters = candidates.filter { listed.contains($0.name.nameBytes) }
    var votes: [(counts: [Int], first: LayerActivations, number: Int)] = []
    var places: [[Int]: Int] = [:]
    for layer in voters.isEmpty ? candidates : voters {
      if let place = places[layer.exampleCounts] {
        votes[place].number += 1
      } else {
        places[layer.exampleCounts] = votes.count
        votes.append((layer.exampleCounts, layer, 1))
      }
    }
    let most = votes.map(\.number).max() ?? 0
    let winners = votes.filter { $0.number == most }.map { ($0.counts, $0.first) }
    if winners.count > 1, let count = examples?.examples.count ?? list?.examples?.count {
      let named = winners.filter { $0.0.reduce(0, +) == count }
      if named.count == 1 { return named }
    }
    return winners
  }

  /// The numbers of examples, shard by shard, that the model's layers have.
  private func exampleCounts(
    of candidates: [LayerActivations]
  ) throws(ActivationFileError) -> [Int] {
    let winners = mostFrequentCounts(of: candidates)
    if winners.count == 1 { return winners[0].counts }
    throw Place(path: path).data(
      winners.prefix(2).map {
        "the layer \(quoted($0.first.name)) has \(words(of: $0.counts)) examples"
      }.joined(separator: ", ")
        + ", equally many layers each: choose layers with the same number")
  }

  private func unlike(_ layer: LayerActivations, _ counts: [Int]) -> SkippedArray {
    let reason =
      "has \(words(of: layer.exampleCounts)) examples, the model's layers have \(words(of: counts))"
    return SkippedArray(
      layer.name, reason: reason,
      error: Place(path: path).data("the array \(quoted(layer.name)) \(reason)"))
  }

  /// 60, or of shards 40 + 20.
  private func words(of counts: [Int]) -> String {
    counts.map(String.init).joined(separator: " + ")
  }

  /// Checks that the arrays can be told apart.
  private static func checkNames(
    _ arrays: [FoundArray], path: String
  ) throws(ActivationFileError) {
    var names: Set<[UInt8]> = []
    for array in arrays {
      guard !array.name.isEmpty else {
        throw Place(path: path).data("holds a layer without a name")
      }
      guard names.insert(array.name.nameBytes).inserted else {
        throw Place(path: path).data("holds the layer \(quoted(array.name)) twice")
      }
    }
  }
}

extension LayerActivations {
  /// The number of examples in each shard. Layers of the same examples have the same.
  fileprivate var exampleCounts: [Int] { blocks.map(\.exampleCount) }
}
