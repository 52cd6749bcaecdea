import ActivationFiles
import Activations
import Support

extension LayerActivations {
  /// Features that a mean over positions keeps; nil for a layout that the model's files contradict.
  package func pooledFeatures(_ layout: LayerShape.Layout) -> Int? {
    guard self.layout == nil || self.layout == layout || !shape.isLayoutNeeded else { return nil }
    return shape.pooledFeatureCount(layout)
  }

  /// Bytes of all examples.
  package var byteCount: Int { bytesPerExample * shape.exampleCount }
}

/// What `cka inspect --json` prints, format `cka-inspect/1` (`Documentation/FileFormats.md`).
package struct InspectDocument: Encodable {
  struct Layer: Encodable {
    var name: String
    var stage: String?
    var shape: [Int]
    var features: Int
    var scalarType: String
    var isByteSwapped: Bool
    var memoryOrder: String
    var bytes: Int
    /// What the model's files say.
    var layout: LayerShape.Layout?
    /// Features that a mean over positions keeps, by layout.
    var pooledFeatures: [String: Int]
  }

  /// An array that is no layer.
  struct Skipped: Encodable {
    var name: String
    var reason: String
  }

  var format = "cka-inspect/1"
  var version = toolVersion
  var name: String
  var path: String
  /// Left out where as many arrays have one number of examples as another.
  var examples: Int?
  var exampleIDs: [String]?
  var layers: [Layer]
  var skipped: [Skipped]

  /// - Parameter model: nil where as many arrays have one number of examples as another.
  package init(_ contents: ModelContents, _ model: ModelFiles?) {
    let (layers, skipped) =
      model.map { ($0.layers, $0.skipped) } ?? (contents.layers, contents.skipped)
    name = contents.name
    path = contents.path
    examples = model?.exampleCount
    exampleIDs = model?.exampleIDs
    self.skipped = skipped.map { Skipped(name: $0.name, reason: $0.reason) }
    self.layers = layers.map { layer in
      let pooled = LayerShape.Layout.allCases.compactMap { layout in
        layer.pooledFeatures(layout).map { (layout.rawValue, $0) }
      }
      return Layer(
        name: layer.name, stage: layer.stage,
        shape: [layer.shape.exampleCount] + layer.shape.featureAxes,
        features: layer.shape.featureCount, scalarType: layer.scalarType.rawValue,
        isByteSwapped: layer.isByteSwapped,
        memoryOrder: layer.memoryOrder == .rowMajor ? "C" : "Fortran", bytes: layer.byteCount,
        layout: layer.layout, pooledFeatures: Dictionary(uniqueKeysWithValues: pooled))
    }
  }
}

extension ModelContents {
  /// What `cka inspect` prints: a table, or the document. Where the arrays agree on their examples, they are opened.
  package func description(asJSON: Bool) throws -> String {
    let opened = hasOneExampleCount ? try model() : nil
    guard asJSON else { return opened?.text ?? text }
    return String(decoding: try InspectDocument(self, opened).json, as: UTF8.self)
  }
}
