import Activations
import Analyses
import Device
import Support

/// What `blocks.json` holds, format `cka-blocks/1` (`Documentation/FileFormats.md`).
public struct BlocksDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "blocks.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-blocks/"
  /// The command that writes it.
  public static let command = "blocks"

  /// `BlockDetector`, for all models.
  public struct Detector: Codable, Sendable {
    /// Left out where it follows from the number of layers.
    public package(set) var minimumSize: Int?
    /// The least drop of similarity at an edge.
    public package(set) var minimumContrast: Double
    /// The largest p-value of a block.
    public package(set) var significance: Double
    /// Null maps of a p-value.
    public package(set) var permutations: Int
    /// Decides the null maps.
    public package(set) var seed: UInt64
  }

  /// A network and its blocks.
  public struct Model: Codable, Sendable {
    /// What results call the model.
    public package(set) var name: String
    /// The folder of its result.
    public package(set) var path: String
    /// The architecture, as the sweep has it; nil for a result of `compare`.
    public package(set) var group: String?
    /// The seed of its training, as the sweep has it.
    public package(set) var seed: String?
    /// How many layers it has.
    public package(set) var layers: Int
    /// The least size of a block.
    public package(set) var minimumSize: Int
    /// Places of layers without values.
    public package(set) var undefinedLayers: [Int]
    /// Undefined pairs of other layers.
    public package(set) var undefinedPairs: Int
    /// Its blocks, the first layers first.
    public package(set) var blocks: [ResultDocument.Block]
    /// Where there is no block, the candidate that came closest; nil without any.
    public package(set) var closest: ResultDocument.Block?
    /// What it lacks: `BlockStructure.Shortfall`; nil where there are blocks, and in older results.
    public package(set) var shortfalls: [String]?
  }

  /// Keys without a value are omitted.
  public struct Mean: Codable, Sendable {
    /// The mean; nil where there is none.
    public package(set) var mean: Double?
    /// How many pairs of layers it is of.
    public package(set) var pairs: Int
  }

  /// Mean CKA by what blocks have to do with a pair of layers.
  public struct Means: Codable, Sendable {
    /// Both layers are in blocks.
    public package(set) var inside: Mean
    /// One of them is.
    public package(set) var across: Mean
    /// Neither is.
    public package(set) var outside: Mean
  }

  /// Two different models of a sweep.
  public struct Pair: Codable, Sendable {
    /// Indices of models.
    public package(set) var left: Int
    /// See `left`.
    public package(set) var right: Int
    /// Mean CKA at equal relative depth; nil where there is none.
    public package(set) var similarityAtEqualDepth: Double?
    /// Of all pairs of layers.
    public package(set) var ofAllPairs: Means
    /// Of pairs at equal relative depth.
    public package(set) var atEqualDepth: Means
  }

  /// Layer-matching accuracy among the models of one architecture.
  public struct Matching: Codable, Sendable {
    /// The architecture.
    public package(set) var group: String
    /// Models that count, and ordered pairs of them.
    public package(set) var models: Int
    /// See `models`.
    public package(set) var pairs: Int
    /// The share of layers whose most similar layer in another network is the same one.
    public package(set) var accuracy: Double
    /// Of the jackknife over models; left out for fewer than three.
    public package(set) var standardError: Double?
    /// 95 % interval: from, to; omitted without a standard error.
    public package(set) var interval: [Double]?
  }

  /// The mean similarity of two architectures at equal relative depth.
  public struct Curve: Codable, Sendable {
    /// An architecture.
    public package(set) var left: String
    /// Another one, or the same.
    public package(set) var right: String
    /// At each of `DepthCurves.depths`; null where no pair of models has a value.
    public package(set) var similarity: [Double?]

    package init(left: String, right: String, similarity: [Double?]) {
      self.left = left
      self.right = right
      self.similarity = similarity
    }
  }

  /// The format of the file.
  public package(set) var format = BlocksDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// The settings of the search.
  public package(set) var detector: Detector
  /// The networks, in the order in which they were given.
  public package(set) var models: [Model]
  /// Of a sweep.
  public package(set) var pairs: [Pair]?
  /// One an architecture of a sweep.
  public package(set) var matching: [Matching]?
  /// One a pair of architectures of a sweep.
  public package(set) var curves: [Curve]?
  /// Of one model: the result that its blocks were found in.
  public package(set) var result: ResultDocument?

  package init(
    format: String = BlocksDocument.currentFormat, version: String = toolVersion,
    date: String? = RunRecord.date, commandLine: [String]? = RunRecord.commandLine,
    detector: Detector, models: [Model], pairs: [Pair]? = nil, matching: [Matching]? = nil,
    curves: [Curve]? = nil, result: ResultDocument? = nil
  ) {
    self.format = format
    self.version = version
    self.date = date
    self.commandLine = commandLine
    self.detector = detector
    self.models = models
    self.pairs = pairs
    self.matching = matching
    self.curves = curves
    self.result = result
  }
}

extension BlocksDocument {
  /// Throws the first value that no command writes.
  public func check() throws(DocumentFault) {
    try expect(detector.permutations, within: countable, "detector.permutations")
    try expect(detector.minimumSize, within: countable, "detector.minimumSize")
    try expect(detector.minimumContrast, within: plainNumbers, "detector.minimumContrast")
    try expect(detector.significance, within: fractions, "detector.significance")
    try expect(!models.isEmpty, "models", found: "no model", expected: "at least one")
    for (index, model) in models.enumerated() { try model.check("models[\(index)]") }
    let places = 0...models.count - 1
    for (index, pair) in (pairs ?? []).enumerated() {
      try expect(pair.left, within: places, "pairs[\(index)].left")
      try expect(pair.right, within: places, "pairs[\(index)].right")
    }
    for (index, group) in (matching ?? []).enumerated() {
      let key = "matching[\(index)]"
      try expect(group.models, within: countable, "\(key).models")
      try expect(group.accuracy, within: fractions, "\(key).accuracy")
      for end in group.interval ?? [] { try expect(end, within: fractions, "\(key).interval") }
    }
    for (index, curve) in (curves ?? []).enumerated() {
      let key = "curves[\(index)].similarity"
      try expect(count: DepthCurves.depths.count, of: curve.similarity, key)
      for value in curve.similarity { try expect(value, within: scores, key) }
    }
    guard let result else { return }
    try result.check()
    try expect(count: 1, of: models, "models")
    try expect(count: 1, of: result.models, "result.models")
    try expect(count: models[0].layers, of: result.models[0].layers, "result.models[0].layers")
  }
}

extension BlocksDocument.Model {
  fileprivate func check(_ key: String) throws(DocumentFault) {
    try expect(layers, within: 1...1 << 40, "\(key).layers")
    try expect(minimumSize, within: 0...countable.upperBound, "\(key).minimumSize")
    for layer in undefinedLayers {
      try expect(layer, within: 0...layers - 1, "\(key).undefinedLayers")
    }
    try expect(undefinedPairs, within: countable, "\(key).undefinedPairs")
    try blocks.check("\(key).blocks", layers: layers)
    try closest?.check("\(key).closest", layers: layers)
    for shortfall in shortfalls ?? [] {
      let known = BlockStructure.Shortfall.allCases.map(\.rawValue)
      try expect(
        known.contains(shortfall), "\(key).shortfalls", found: shortfall,
        expected: known.joined(separator: ", "))
    }
  }
}

extension BlocksDocument.Detector {
  package init(_ detector: BlockDetector) {
    self.init(
      minimumSize: detector.minimumSize, minimumContrast: detector.minimumContrast,
      significance: detector.significance, permutations: detector.permutations,
      seed: detector.seed)
  }
}

extension BlocksDocument.Model {
  package init(
    _ network: BlocksInput.Network, _ structure: BlockStructure, by detector: BlockDetector
  ) {
    let count = network.map.rows
    self.init(
      name: network.model.name, path: network.path, group: network.group, seed: network.seed,
      layers: count,
      minimumSize: detector.minimumSize(ofLayers: count - structure.undefinedLayers.count),
      undefinedLayers: structure.undefinedLayers, undefinedPairs: structure.undefinedPairs,
      blocks: structure.blocks.map { ResultDocument.Block($0, of: network.model) },
      closest: structure.closest.map { ResultDocument.Block($0, of: network.model) },
      shortfalls: structure.blocks.isEmpty ? structure.shortfalls.map(\.rawValue) : nil)
  }
}

extension BlockStructure.Shortfall {
  /// What the closest candidate of a model lacks.
  fileprivate func words(of model: BlocksDocument.Model, _ detector: BlocksDocument.Detector)
    -> String
  {
    func number(_ value: Double?) -> String { value.map { Format.fixed($0, 3) } ?? "undefined" }
    return switch self {
    case .tooFewLayers:
      "\(model.layers - model.undefinedLayers.count) layers with values are too few for a block of "
        + "\(model.minimumSize) and layers beyond it"
    case .tooSmall: "fewer layers than the \(model.minimumSize) of a block"
    case .contrast:
      "similarity drops by \(number(model.closest?.contrast)) at an edge, less than \(detector.minimumContrast)"
    case .inside: "similarity falls inside as well"
    case .beyond: "similarity falls on beyond an edge"
    case .ends: "its two halves are no more alike than it and what lies beyond"
    case .significance:
      "p = \(number(model.closest?.p)): networks without blocks have such layers"
    }
  }
}

extension BlocksDocument.Means {
  init(_ means: BlockSimilarity.Means) {
    func mean(_ mean: BlockSimilarity.Mean) -> BlocksDocument.Mean {
      BlocksDocument.Mean(mean: jsonNumber(mean.value), pairs: mean.count)
    }
    self.init(
      inside: mean(means.inside), across: mean(means.across), outside: mean(means.outside))
  }
}

extension BlocksDocument {
  /// Both tables, and why models have no block, as they are printed.
  package var text: String {
    let reasons = models.compactMap { reason(of: $0) }.map { "\($0)\n" }.joined()
    return [table.text + reasons, matchingTable?.text].compactMap { $0 }.joined(separator: "\n")
  }

  /// Why a model has no block, and what came closest; nil where it has one.
  package func reason(of model: Model) -> String? {
    guard model.blocks.isEmpty, let shortfalls = model.shortfalls else { return nil }
    let name = oneLine(model.name)
    let words = shortfalls.compactMap { BlockStructure.Shortfall(rawValue: $0) }
      .map { $0.words(of: model, detector) }.joined(separator: "; ")
    guard let closest = model.closest else { return "\(name): no block: \(words)" }
    return
      "\(name): no block; closest are the \(closest.size) layers \(oneLine(closest.firstLayer)) to "
      + "\(oneLine(closest.lastLayer)): \(words)"
  }

  /// The blocks as a table for people.
  package var table: TextTable {
    var table = TextTable([
      ("model", .left), ("first", .left), ("last", .left), ("layers", .right), ("of", .right),
      ("inside", .right), ("outside", .right), ("contrast", .right), ("p", .right),
    ])
    for model in models {
      let name = oneLine(model.name)
      if model.blocks.isEmpty {
        table.add([name, "no block", "", "", String(model.layers), "", "", "", ""])
      }
      for block in model.blocks {
        let names = [name, oneLine(block.firstLayer), oneLine(block.lastLayer)]
        let sizes = [String(block.size), String(model.layers)]
        let numbers = [block.meanInside, block.meanOutside, block.contrast, block.p]
        table.add(names + sizes + numbers.map { $0.map { Format.fixed($0, 3) } ?? "undefined" })
      }
    }
    return table
  }

  /// Layer-matching accuracy, as a table for people; nothing without a group of models.
  package var matchingTable: TextTable? {
    guard let matching, !matching.isEmpty else { return nil }
    var table = TextTable([
      ("architecture", .left), ("models", .right), ("layer matching", .right),
      ("95 % interval", .right),
    ])
    for group in matching {
      table.add([
        oneLine(group.group), String(group.models), Format.fixed(100 * group.accuracy, 1) + " %",
        group.interval.map { $0.map { Format.fixed(100 * $0, 1) }.joined(separator: " … ") + " %" }
          ?? "",
      ])
    }
    return table
  }

  /// A row a block; places count from 0.
  package var csv: [UInt8] {
    models.reduce(
      into: csvLine([
        "model", "group", "seed", "layers", "undefined_layers", "first", "last", "first_layer",
        "last_layer", "size", "mean_inside", "mean_outside", "contrast", "p",
      ])
    ) { bytes, model in
      for block in model.blocks {
        let names = [model.name, model.group ?? "", model.seed ?? ""]
        let places = [model.layers, model.undefinedLayers.count, block.first, block.last]
        let numbers = [block.meanInside, block.meanOutside, block.contrast, block.p]
        bytes += csvLine(
          names + places.map(String.init) + [block.firstLayer, block.lastLayer, String(block.size)]
            + numbers.map { csvNumber($0 ?? .nan) })
      }
    }
  }
}
