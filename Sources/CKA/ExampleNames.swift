import Activations

extension Comparison {
  /// What the compared examples are called: their sample IDs, or their places in the first model.
  package var exampleNames: [String] {
    pairing.left.map { left.exampleIDs?[$0] ?? String($0) }
  }
}
