/// The activations of one model: a list of layers over the same examples.
public protocol ActivationSource: Sendable {
  /// What the model is called in results.
  var name: String { get }
  /// The layers in the network's order; all have the same number of examples.
  var layers: [LayerActivations] { get }
  /// What identifies each example, where known: as many as there are examples.
  var exampleIDs: [String]? { get }
}

extension ActivationSource {
  /// n: the examples every layer has; 0 for a model without layers.
  public var exampleCount: Int { layers.first?.shape.exampleCount ?? 0 }
}

/// Some examples of all layers of one model, borrowed: the unit that devices work on.
public struct Minibatch: Sendable {
  /// The layers to read from.
  public let layers: [LayerActivations]
  /// The chosen examples, in the order of the rows.
  public let examples: [Int]
  /// Hears of the multiplications and additions that devices do for it.
  public let meter: WorkMeter?

  /// b: how many examples were chosen.
  public var exampleCount: Int { examples.count }

  /// Chooses `examples` of `layers`.
  public init(layers: [LayerActivations], examples: [Int], meter: WorkMeter? = nil) {
    self.layers = layers
    self.examples = examples
    self.meter = meter
  }

  /// Tells `meter` that so many features were added to a Gram matrix.
  public func count(features: Int) {
    meter?.add(Double(exampleCount) * Double(exampleCount) * Double(features))
  }

  /// Starts to read the minibatch without waiting for it.
  public func prefetch() {
    let ascending = examples.sorted()
    for layer in layers { layer.prefetch(ascending) }
  }
}
