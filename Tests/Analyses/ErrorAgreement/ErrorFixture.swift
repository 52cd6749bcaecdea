import Activations
import Analyses
import TestSupport

/// Predictions of two groups and what SciPy and statsmodels say of them (`Tests/Fixtures/errors.py`).
struct ErrorFixture: Decodable {
  struct Means: Decodable {
    var name: String?
    var classes: [Int]?
    var first: Double
    var second: Double
    var errors: [Double]
    var t: Double
    var degreesOfFreedom: Double
    var p: Double
    var interval: [Double]
    var adjusted: Double?
  }

  struct Dispersion: Decodable {
    var observed: Double
    var sampling: Double
    var meanPart: Double
    var correlation: Double
  }

  struct Control: Decodable {
    var between: Double
    var withinFirst: Double
    var withinSecond: Double
    var scatter: [Int]
  }

  struct Differing: Decodable {
    struct Example: Decodable, Equatable {
      var index: Int
      var frequency: Double
      var chosen: Double
      var judged: Double
    }

    var examples: [Example]
    var chosen: Double
    var judged: Double
  }

  struct Logistic: Decodable {
    var examples: Int
    var parameters: [Int]
    var logLikelihoods: [Double]
    var aic: [Double]
    var groupEffect: Double
    var statistics: [Double]
    var degreesOfFreedom: [Int]
    var effectSize: Double
  }

  struct Test: Decodable {
    var observed: Double
    var mean: Double
    var standardDeviation: Double
    var p: Double
    var count: Int
  }

  struct Similarity: Decodable {
    var values: [Double]
    var gap: Test
  }

  var labels: [Int32]
  var logits: [Double]
  /// Networks of the two groups.
  var sizes: [Int]
  var classes: Int
  var seed: UInt64
  var repeats: Int
  var limit: Int
  var accuracy: Means
  var subsets: [Means]
  var groups: [Means]
  var dispersion: Dispersion
  var control: Control
  var differing: [Differing]
  var logistic: Logistic
  var excess: Test
  var similarity: [String: Similarity]

  /// The study of these predictions.
  func study() throws -> ErrorStudy {
    let size = labels.count * classes
    let networks = try (0..<sizes[0] + sizes[1]).map { network in
      let numbers = Array(logits[network * size..<(network + 1) * size])
      return try Predictions(
        layer(numbers, columns: classes), name: "network \(network)", areLogits: true)
    }
    return try ErrorStudy(
      .init(name: "A", networks: Array(networks.prefix(sizes[0]))),
      .init(name: "B", networks: Array(networks.dropFirst(sizes[0]))), labels: labels)
  }
}

/// Numbers of `columns` an example.
func layer(_ numbers: [Double], columns: Int) -> LayerActivations {
  LayerActivations(
    name: "predictions", values: numbers, scalarType: .float64,
    exampleCount: numbers.count / columns, featureAxes: columns == 1 ? [] : [columns])
}

/// A study of networks that got examples right as `right` says: networks × examples; the first `first`
/// of them are group A. One class is guessed for another where wrong.
func study(right: [[Bool]], first: Int) throws -> ErrorStudy {
  let labels = right[0].indices.map { Int32($0 % 2) }
  let networks = try right.enumerated().map { index, right in
    let classes = zip(right, labels).map { $0 ? Double($1) : Double(1 - $1) }
    return try Predictions(layer(classes, columns: 1), name: "network \(index)")
  }
  return try ErrorStudy(
    .init(name: "A", networks: Array(networks.prefix(first))),
    .init(name: "B", networks: Array(networks.dropFirst(first))), labels: labels)
}
