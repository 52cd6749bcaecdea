import Activations
import Analyses

@testable import Analyses
@testable import CKA

/// `Tests/Fixtures/components.py`: NumPy's singular values, Song's formula, activations without
/// components.
struct ComponentFixture: Decodable {
  struct Layer: Decodable {
    var name: String
    var features: Int
    /// Hundredths.
    var stored: [Int]
    var values: [Double]
    var trace: Double
    var projections: [Double]
    var bimodality: Double
    var zeros: Double
    var norms: [Double]
  }
  struct Maps: Decodable {
    var biased: [[Double]]
    var unbiased: [[Double]]
    func of(_ estimator: Estimator) -> [[Double]] { estimator == .biased ? biased : unbiased }
  }
  struct Contributions: Decodable {
    var parts: [[Double]]
    var rest: Double
  }
  struct Removal: Decodable {
    struct Point: Decodable {
      var dropped: [Int]
      var maps: Maps
    }
    var shares: [Double]
    var points: [Point]
  }
  struct OneModel: Decodable {
    var maps: Maps
    var removal: Removal
  }
  var examples: Int
  var removed: [Int]
  var fractions: [Double]
  var layers: [Layer]
  var maps: Maps
  var alignment: [[Double]]
  var reduced: [Maps]
  var contributions: [[Contributions]]
  var removal: Removal
  var oneModel: OneModel

  func model(_ prefix: String) -> ActivationModel {
    let chosen = layers.filter { $0.name.hasPrefix(prefix) }
    return ActivationModel(
      name: prefix,
      layers: chosen.map { layer in
        LayerActivations(
          name: layer.name, values: layer.stored.map { Float($0) / 100 }, scalarType: .float32,
          exampleCount: examples, featureAxes: [layer.features])
      })
  }
}

/// An analysis of few components.
func components(
  _ model: ActivationModel, _ other: ActivationModel? = nil, components: Int = 3,
  removed: [Int] = [1], estimator: Estimator = .unbiased,
  removal: ComponentAnalysis.Removal? = nil, pairing: ExamplePairing? = nil
) throws -> ComponentAnalysis {
  try ComponentAnalysis(
    model, other, pairing: pairing, components: components, removed: removed,
    estimator: estimator, removal: removal)
}
