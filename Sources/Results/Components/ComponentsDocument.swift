import Activations
import Analyses
import CKA
import Device
import Support

/// What `components.json` holds, format `cka-components/1` (`Documentation/FileFormats.md`).
public struct ComponentsDocument: StoredDocument {
  /// The name of the file in the folder of a result.
  public static let name = "components.json"
  /// What its format begins with; the rest is the number of the version.
  public static let formatFamily = "cka-components/"
  /// The command that writes it.
  public static let command = "components"

  /// One layer's components. What does not exist is left out.
  public struct Layer: Codable, Sendable {
    /// λ, the largest first, in squared units of the activations; null where float64 has no room for it.
    public package(set) var eigenvalues: [Double?]
    /// Whether the first component stands apart (`ok`), or why not.
    public package(set) var firstComponent: String
    /// Σλ of all components.
    public package(set) var trace: Double?
    /// λ/Σλ.
    public package(set) var varianceFractions: [Double]
    /// Sarle's coefficient of the projections on the first component.
    public package(set) var bimodality: Double?
    /// How many of all stored numbers are 0.
    public package(set) var zeroFraction: Double
    /// Of the examples' stored numbers.
    public package(set) var meanNorm: Double?
  }

  /// An example with a large share of first components.
  public struct DominantExample: Codable, Sendable {
    /// The row in the first model.
    public package(set) var example: Int
    /// Its sample ID, where it has one.
    public package(set) var id: String?
    /// u² of the first component: of `removal.layer`, or the mean of all layers.
    public package(set) var share: Double
  }

  /// CKA as dominant examples are dropped.
  public struct Removal: Codable, Sendable {
    /// One share of examples that was dropped.
    public struct Point: Codable, Sendable {
      /// The share of all examples.
      public package(set) var fraction: Double
      /// How many examples were dropped.
      public package(set) var dropped: Int
      /// Mean CKA over pairs of layers without them; nil where there is none.
      public package(set) var meanCKA: Double?
      /// One a control.
      public package(set) var controlMeans: [Double]
    }
    /// Whose first component decides; left out for the mean of all layers.
    public package(set) var layer: String?
    /// Decides the random drops.
    public package(set) var seed: UInt64
    /// By ascending share.
    public package(set) var points: [Point]
  }

  /// The format of the file.
  public package(set) var format = ComponentsDocument.currentFormat
  /// The version of cka that wrote it.
  public package(set) var version = toolVersion
  /// When it was written, in UTC; nil where results must not differ by it.
  public package(set) var date: String? = RunRecord.date
  /// The program that wrote it and its arguments.
  public package(set) var commandLine: [String]? = RunRecord.commandLine
  /// How CKA was estimated.
  public package(set) var estimator: ResultDocument.Estimator
  /// What was done with the positions of feature maps: `flatten` or `mean`.
  public package(set) var pooling: String
  /// How devices were allowed to round products.
  public package(set) var precision: Precision
  /// The device that did the work, or the first of those that shared it.
  public package(set) var device: ResultDocument.Worker
  /// One model, or the two that were compared: rows, columns.
  public package(set) var models: [ResultDocument.Model]
  /// k.
  public package(set) var components: Int
  /// One list per model.
  public package(set) var layers: [[Layer]]
  /// The first axis of `reduced.npy`.
  public package(set) var removed: [Int]
  /// Cells of `cka.npy` without a value.
  public package(set) var undefinedCells: [ResultDocument.Cell]
  /// The same of each map of `reduced.npy`.
  public package(set) var undefinedReducedCells: [[ResultDocument.Cell]]
  /// Cells of `alignment.npy` without a value.
  public package(set) var undefinedAlignmentCells: [ResultDocument.Cell]
  /// How many examples were compared, and which were left out.
  public package(set) var examples: ConvergeDocument.Examples
  /// Those with the largest shares.
  public package(set) var dominantExamples: [DominantExample]
  /// What dropping dominant examples does; nil where that was not asked for.
  public package(set) var removal: Removal?
  /// Seconds by stage.
  public package(set) var timings: ResultDocument.Timings
}

extension ComponentsDocument {
  /// What was found of components.
  ///
  /// - Parameters:
  ///   - analysis: what was examined.
  ///   - outcome: what `analysis` found.
  ///   - traits: of each model's layers: `ComponentAnalysis.traits`.
  ///   - paths: the files or folders of its one or two models.
  ///   - pooling: what was done with the positions of feature maps: `flatten` or `mean`.
  ///   - precision: how devices were allowed to round products.
  ///   - alignment: how the examples of two models found each other.
  ///   - limit: the most examples that were to be taken; nil for all.
  ///   - timings: those of `outcome` unless given.
  /// - Throws: `ComparisonError` where a layer lacks the component that it should have.
  public init(
    _ analysis: ComponentAnalysis, _ outcome: ComponentAnalysis.Outcome,
    _ traits: [[ActivationTraits]], paths: [String], pooling: String = "flatten",
    precision: Precision = .exact, alignment: ExamplePairing.Alignment = .order,
    limit: Int? = nil, timings: ResultDocument.Timings? = nil
  ) throws {
    estimator = ResultDocument.Estimator(analysis.estimator)
    self.pooling = pooling
    self.precision = precision
    device = ResultDocument.Worker(outcome.device.identity, minibatches: 1)
    let noSigmas = { (model: any ActivationSource) in
      [Double?](repeating: nil, count: model.layers.count)
    }
    models = [
      ResultDocument.Model(
        analysis.left, paths[0], outcome.left.map(\.status), noSigmas(analysis.left))
    ]
    layers = [try zip(outcome.left, traits[0]).map { try Layer($0, $1) }]
    if let right = analysis.right {
      models.append(
        ResultDocument.Model(right, paths[1], outcome.right.map(\.status), noSigmas(right)))
      layers.append(try zip(outcome.right, traits[1]).map { try Layer($0, $1) })
    }
    components = analysis.components
    removed = analysis.removed
    undefinedCells = ResultDocument.Cell.undefined(in: outcome.similarity.statuses)
    undefinedReducedCells = outcome.reduced.map { ResultDocument.Cell.undefined(in: $0.statuses) }
    undefinedAlignmentCells = ResultDocument.Cell.undefined(in: outcome.alignmentStatuses)
    examples = ConvergeDocument.Examples(
      total: analysis.left.exampleCount, compared: analysis.pairing.count, limit: limit,
      alignment: alignment == .ids ? alignment.rawValue : nil,
      nonFinite: analysis.pairing.dropped)
    let places = outcome.shares.indices.sorted { outcome.shares[$0] > outcome.shares[$1] }
    dominantExamples = places.prefix(20).map { place in
      let example = analysis.pairing.left[place]
      return DominantExample(
        example: example, id: analysis.left.exampleIDs?[example], share: outcome.shares[place])
    }
    removal = analysis.removal.map { removal in
      Removal(
        layer: removal.layer.map { analysis.left.layers[$0].name }, seed: removal.seed,
        points: outcome.removal.map { point in
          Removal.Point(
            fraction: point.fraction, dropped: point.dropped.count,
            meanCKA: jsonNumber(point.mean),
            controlMeans: point.controlMeans.filter { !$0.isNaN })
        })
    }
    self.timings = timings ?? .init(outcome.timings)
  }

  /// The components as a table for people.
  package var table: TextTable {
    var columns: [(heading: String, alignment: TextTable.Alignment)] = [("layer", .left)]
    if models.count > 1 { columns.insert(("model", .left), at: 0) }
    let shown = min(components, 3)
    columns += (1...shown).map { ("λ\($0)/Σλ", TextTable.Alignment.right) }
    columns += [("bimodality", .right), ("zeros", .right), ("mean norm", .right)]
    var table = TextTable(columns)
    for (model, layers) in zip(models, layers) {
      for (described, layer) in zip(model.layers, layers) {
        var cells = models.count > 1 ? [oneLine(model.name)] : []
        cells.append(oneLine(described.name))
        cells += (0..<shown).map { index in
          layer.varianceFractions.indices.contains(index)
            ? Format.fixed(layer.varianceFractions[index], 3) : ""
        }
        cells += [
          layer.bimodality.map { Format.fixed($0, 3) }
            ?? (layer.firstComponent == Status.degenerate.rawValue ? layer.firstComponent : ""),
          Format.fixed(layer.zeroFraction, 3), layer.meanNorm.map(Format.scientific) ?? "",
        ]
        table.add(cells)
      }
    }
    return table
  }

  /// The components as a table for programs: a row a layer; what does not exist is empty.
  var csv: [UInt8] {
    let fractions = (1...components).map { "variance_fraction_\($0)" }
    var bytes = csvLine(
      [
        "model", "layer", "status", "first_component", "zero_fraction", "mean_norm", "bimodality",
        "trace",
      ] + fractions)
    for (model, layers) in zip(models, layers) {
      for (described, layer) in zip(model.layers, layers) {
        let numbers = [layer.zeroFraction, layer.meanNorm, layer.bimodality, layer.trace]
        let found = (0..<components).map { index in
          layer.varianceFractions.indices.contains(index)
            ? layer.varianceFractions[index] : Double.nan
        }
        bytes += csvLine(
          [model.name, described.name, described.status, layer.firstComponent]
            + (numbers.map { $0 ?? .nan } + found).map(csvNumber))
      }
    }
    return bytes
  }
}

extension ComponentsDocument.Layer {
  fileprivate init(
    _ layer: ComponentAnalysis.LayerComponents, _ traits: ActivationTraits
  ) throws {
    let mean = traits.norms.reduce(0, +) / Double(traits.norms.count)
    let bimodality =
      try layer.firstStatus == .ok ? bimodalityCoefficient(layer.projections(on: 0)) : .nan
    self.init(
      eigenvalues: layer.values.map(jsonNumber), firstComponent: layer.firstStatus.rawValue,
      trace: jsonNumber(layer.trace),
      varianceFractions: layer.varianceFractions, bimodality: jsonNumber(bimodality),
      zeroFraction: traits.zeroFraction, meanNorm: jsonNumber(mean))
  }
}
