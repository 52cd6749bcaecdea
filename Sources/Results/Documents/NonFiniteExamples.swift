import Activations
import CKA
import Support

/// What the layers hold that are non-finite, nil for others and for those that an RBF bandwidth made so.
package func nonFiniteExamples(
  of layers: [LayerActivations], _ statuses: [Status], _ examples: [Int]
) throws(ActivationReadError) -> [NonFiniteExamples?] {
  let places = layers.indices.filter { statuses[$0] == .nonFinite }
  guard !places.isEmpty else { return layers.map { _ in nil } }
  let found = try NonFiniteValues.find(in: places.map { layers[$0] }, examples: examples)
  let byPlace = Dictionary(uniqueKeysWithValues: zip(places, found))
  return layers.indices.map { index in
    byPlace[index].flatMap { $0 }.map { NonFiniteExamples($0, of: examples) }
  }
}

/// How many numbers of a layer are NaN or infinite, and in which examples.
public struct NonFiniteExamples: Codable, Sendable {
  /// How many numbers are NaN or infinite.
  public package(set) var values: Int
  /// How many examples hold one, of how many compared.
  public package(set) var examples: Int
  /// See `examples`.
  public package(set) var compared: Int
  /// The first of them, as the model counts them.
  public package(set) var first: [Int]

  init(_ found: NonFiniteValues, of examples: [Int]) {
    values = found.count
    self.examples = found.places.count
    compared = examples.count
    first = found.places.prefix(100).map { examples[$0] }
  }

  package var words: String {
    return "non-finite: \(Format.count(values)) \(values == 1 ? "value" : "values") in "
      + "\(Format.count(examples)) of \(Format.count(compared)) examples "
      + "(\(examples == 1 ? "example" : "examples") \(listed(first, of: examples))) \(values == 1 ? "is" : "are") NaN or infinite"
  }
}
