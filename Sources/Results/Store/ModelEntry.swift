import Activations
import Support

/// One model of a sweep, as its results name it.
public struct SweepModel: Codable, Sendable, Hashable {
  /// One layer.
  public struct Layer: Codable, Sendable, Hashable {
    /// Its name, unique in the model.
    public var name: String
    /// The stage of the network it belongs to, where known.
    public var stage: String?
    /// n, then the axes of its features as they are stored.
    public var shape: [Int]
    /// The type of the stored numbers.
    public var scalarType: String
    /// p after pooling.
    public var features: Int

    init(_ layer: LayerActivations) {
      name = layer.name
      stage = layer.stage
      shape = [layer.shape.exampleCount] + layer.shape.featureAxes
      scalarType = layer.scalarType.rawValue
      features = layer.featureCount
    }
  }

  /// What results call it, unique in the sweep.
  public var name: String
  /// The file or folder, as it was given.
  public var path: String
  /// Its layers, in the network's order.
  public var layers: [Layer]
}

/// What a store remembers of a model.
struct ModelEntry: Codable, Sendable, Hashable {
  var model: SweepModel
  /// Where the model was, from the root on.
  var location: String
  /// Its files then; those that are still alike are not read again.
  var files: [FileStamp]
  /// A hash of a few examples of all layers: the same in all shards.
  var sample: String
  /// The key of each minibatch's matrices, by the minibatch's index.
  var keys: [Int: String]
  /// The digest of the settings that the keys were made with.
  var settings: String

  /// The key of a minibatch.
  func key(_ minibatch: Int) -> Digest? {
    keys[minibatch].flatMap { Digest(hexadecimal: $0) }
  }

  /// What the entry's file is called: by it a damaged one is known to be a certain model's.
  static func fileName(number: Int, model name: String) -> String {
    let digits = String(number)
    let zeros = String(repeating: "0", count: max(4 - digits.count, 0))
    return "\(zeros)\(digits)-\(hexadecimal(Digest(of: name).low)).json"
  }

  /// The number in a file's name; nil where it is not one of these names.
  static func number(ofFile name: String) -> Int? {
    guard name.hasSuffix(".json"), let dash = name.firstIndex(of: "-"), name[..<dash].count >= 4,
      name[..<dash].allSatisfy({ $0.isASCII && $0.isNumber }),
      name[dash...].dropFirst().dropLast(5).utf8.count == 16
    else { return nil }
    return Int(name[..<dash])
  }
}
