import Activations
import Analyses
import CKA
import Device
import Support

/// What `components.json` holds, format `cka-components/1` (`Documentation/FileFormats.md`).
package struct ComponentsDocument: StoredDocument {
  package static let name = "components.json"
  package static let formatFamily = "cka-components/"
  package static let command = "components"

  /// One layer's components. What does not exist is left out.
  package struct Layer: Codable {
    /// λ, the largest first, in squared units of the activations; null where float64 has no room for it.
    var eigenvalues: [Double?]
    /// Whether the first component stands apart (`ok`), or why not.
    package var firstComponent: String
    /// Σλ of all components.
    var trace: Double?
    /// λ/Σλ.
    package var varianceFractions: [Double]
    /// Sarle's coefficient of the projections on the first component.
    var bimodality: Double?
    /// How many of all stored numbers are 0.
    var zeroFraction: Double
    /// Of the examples' stored numbers.
    var meanNorm: Double?
  }

  package struct DominantExample: Codable {
    /// The row in the first model.
    package var example: Int
    package var id: String?
    /// u² of the first component: of `removal.layer`, or the mean of all layers.
    package var share: Double
  }

  package struct Removal: Codable {
    package struct Point: Codable {
      package var fraction: Double
      var dropped: Int
      package var meanCKA: Double?
      /// One a control.
      package var controlMeans: [Double]
    }
    /// Whose first component decides; left out for the mean of all layers.
    package var layer: String?
    var seed: UInt64
    package var points: [Point]
  }

  var format = ComponentsDocument.currentFormat
  var version = toolVersion
  var date: String? = RunRecord.date
  var commandLine: [String]? = RunRecord.commandLine
  package var estimator: ResultDocument.Estimator
  package var pooling: String
  var precision: Precision
  package var device: ResultDocument.Worker
  package var models: [ResultDocument.Model]
  /// k.
  package var components: Int
  /// One list per model.
  package var layers: [[Layer]]
  /// The first axis of `reduced.npy`.
  package var removed: [Int]
  /// Cells of `cka.npy` without a value.
  var undefinedCells: [ResultDocument.Cell]
  /// The same of each map of `reduced.npy`.
  var undefinedReducedCells: [[ResultDocument.Cell]]
  /// Cells of `alignment.npy` without a value.
  package var undefinedAlignmentCells: [ResultDocument.Cell]
  package var examples: ConvergeDocument.Examples
  /// Those with the largest shares.
  package var dominantExamples: [DominantExample]
  package var removal: Removal?
  package var timings: ResultDocument.Timings
}

extension ComponentsDocument {
  package init(
    _ analysis: ComponentAnalysis, _ outcome: ComponentAnalysis.Outcome,
    _ traits: [[ActivationTraits]], paths: [String], pooling: String, precision: Precision,
    alignment: ExamplePairing.Alignment, limit: Int?, timings: ResultDocument.Timings
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
    self.timings = timings
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
