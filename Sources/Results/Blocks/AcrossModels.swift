import Analyses
import Device
import Support

/// Statistics of the pairs of models of a sweep, beyond their blocks.
///
/// Pairs are processed one at a time; maps are not stored.
package struct AcrossModels: Sendable {
  private let input: BlocksInput
  package private(set) var pairs: [BlocksDocument.Pair] = []
  /// Of all pairs of architectures.
  package private(set) var depthCurves = DepthCurves()
  package private(set) var depthTable = csvLine(["left", "right", "depth", "similarity"])
  package private(set) var matchTable = csvLine([
    "model", "layer", "other_model", "best_layer", "similarity", "depth", "best_depth",
  ])
  private var matchings: [(group: String, matching: LayerMatching)] = []
  /// Architectures whose networks have different layers.
  package private(set) var unlikeGroups: [String] = []

  package init(_ input: BlocksInput, _ structures: [BlockStructure]) throws {
    self.input = input
    var rest = input.pairs[...]
    while !rest.isEmpty {
      let chunk = Array(rest.prefix(64))
      rest = rest.dropFirst(chunk.count)
      let maps = try concurrentMap(chunk) { try input.map(of: $0) }
      for (pair, map) in zip(chunk, maps) {
        let depth = DepthSimilarity(map)
        let blocks = [pair.left, pair.right].map { structures[$0].blocks.map(\.layers) }
        let similarity = BlockSimilarity(map, left: blocks[0], right: blocks[1])
        pairs.append(
          BlocksDocument.Pair(
            left: pair.left, right: pair.right,
            similarityAtEqualDepth: jsonNumber(depth.mean),
            ofAllPairs: BlocksDocument.Means(similarity.ofAllPairs),
            atEqualDepth: BlocksDocument.Means(similarity.atEqualDepth)))
        addDepths(depth, pair)
        try addMatches(map, pair)
      }
    }
  }

  /// What the documents say of groups with two models or more.
  package var matching: [BlocksDocument.Matching] {
    matchings.compactMap { group in
      guard !unlikeGroups.contains(group.group), let accuracy = group.matching.accuracy else {
        return nil
      }
      return BlocksDocument.Matching(
        group: group.group, models: group.matching.networkCount, pairs: group.matching.pairCount,
        accuracy: accuracy, standardError: group.matching.standardError,
        interval: group.matching.interval.map { [$0.lowerBound, $0.upperBound] })
    }
  }

  /// One row per pair of models.
  package var pairTable: [UInt8] {
    let kinds = ["inside", "across", "outside"]
    let headings = kinds.flatMap { [$0, "\($0)_pairs", "\($0)_at_equal_depth", "\($0)_depths"] }
    return pairs.reduce(into: csvLine(["left", "right", "similarity_at_equal_depth"] + headings)) {
      bytes, pair in
      let (all, depth) = (pair.ofAllPairs, pair.atEqualDepth)
      let means = [
        (all.inside, depth.inside), (all.across, depth.across), (all.outside, depth.outside),
      ]
      func number(_ value: Double?) -> String { csvNumber(value ?? .nan) }
      bytes += csvLine(
        [name(pair.left), name(pair.right), number(pair.similarityAtEqualDepth)]
          + means.flatMap {
            [number($0.mean), String($0.pairs), number($1.mean), String($1.pairs)]
          })
    }
  }

  private func name(_ network: Int) -> String { input.networks[network].model.name }

  private mutating func addDepths(_ depth: DepthSimilarity, _ pair: BlocksInput.Pair) {
    let last = depth.values.count - 1
    guard last > 0 else { return }
    for (layer, value) in depth.values.enumerated() {
      depthTable += csvLine([
        name(pair.left), name(pair.right), csvNumber(Double(layer) / Double(last)),
        csvNumber(value),
      ])
    }
    func architecture(_ network: Int) -> String { input.networks[network].group ?? name(network) }
    depthCurves.add(depth, of: (architecture(pair.left), architecture(pair.right)))
  }

  private mutating func addMatches(_ map: Matrix<Double>, _ pair: BlocksInput.Pair) throws {
    let turned = map.transposed
    for (map, left, right) in [(map, pair.left, pair.right), (turned, pair.right, pair.left)] {
      let (own, others) = (input.networks[left].model, input.networks[right].model)
      func depth(_ layer: Int, of model: ResultDocument.Model) -> String {
        csvNumber(model.layers.count > 1 ? Double(layer) / Double(model.layers.count - 1) : .nan)
      }
      for (layer, match) in LayerMatches(ofRows: map).matches.enumerated() {
        matchTable += csvLine(
          [own.name, own.layers[layer].name, others.name]
            + (match.map { [others.layers[$0.layer].name, csvNumber($0.similarity)] } ?? ["", ""])
            + [depth(layer, of: own), match.map { depth($0.layer, of: others) } ?? ""])
      }
    }
    let (left, right) = (input.networks[pair.left], input.networks[pair.right])
    guard let group = left.group, group == right.group else { return }
    guard left.model.layers.map(\.name) == right.model.layers.map(\.name) else {
      if !unlikeGroups.contains(group) { unlikeGroups.append(group) }
      return
    }
    if !matchings.contains(where: { $0.group == group }) {
      matchings.append((group, LayerMatching()))
    }
    for index in matchings.indices where matchings[index].group == group {
      try matchings[index].matching.add(map, left: pair.left, right: pair.right)
    }
  }
}
