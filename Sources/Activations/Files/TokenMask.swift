import Activations
import Support

/// Which tokens of each example count: flags, examples × tokens, as a tokenizer's attention mask has them.
public struct TokenMask: Sendable {
  /// n.
  public let exampleCount: Int
  /// T, of all examples; nil where only their lengths are known: tokens beyond are padding, however many.
  public let tokenCount: Int?
  private let kept: Kept

  private enum Kept: Sendable {
    /// The tokens of each example that count, rising.
    case places([[Int]])
    /// How many, from the first on.
    case lengths([Int])
  }

  /// Reads the array at `path`: n × T numbers that are 0 or 1, or n whole numbers, the lengths of the examples,
  /// whose padding is behind them.
  ///
  /// - Throws: `Failure` where it is another array, `ActivationFileError` where it cannot be read.
  public init(path: String) throws {
    let layers = try ModelContents(path: path).model().layers
    guard layers.count == 1 else {
      throw Failure(.data, "\(oneLine(path)): holds \(layers.count) arrays, expected one mask")
    }
    try self.init(layers[0], called: oneLine(path))
  }

  /// The mask that an array is.
  ///
  /// - Parameter name: what messages call it.
  package init(_ array: LayerActivations, called name: String) throws {
    let shape = array.shape
    guard shape.featureAxes.count <= 1, shape.featureCount > 0, shape.exampleCount > 0 else {
      throw Failure(
        .data, "\(name): has the shape \(shape), expected examples × tokens, or lengths")
    }
    exampleCount = shape.exampleCount
    tokenCount = shape.featureAxes.first
    var (places, lengths) = ([[Int]](), [Int]())
    for example in 0..<exampleCount {
      let numbers = try array.numbers(of: example..<(example + 1))
      guard tokenCount == nil else {
        if let other = numbers.first(where: { $0 != 0 && $0 != 1 }) {
          throw Failure(
            .data,
            "\(name): found \(other) for example \(example), expected 1 for tokens and 0 for padding"
          )
        }
        places.append(numbers.indices.filter { numbers[$0] == 1 })
        continue
      }
      guard let length = Int(exactly: numbers[0]), length >= 0 else {
        throw Failure(
          .data,
          "\(name): found \(numbers[0]) for example \(example), expected its number of tokens")
      }
      lengths.append(length)
    }
    kept = tokenCount == nil ? .lengths(lengths) : .places(places)
  }

  /// Whether an axis of so many tokens can be the one whose tokens are masked.
  func fits(_ length: Int) -> Bool {
    switch kept {
    case .places: tokenCount == length
    case .lengths(let lengths): lengths.allSatisfy { $0 <= length }
    }
  }

  /// The tokens of each example that count, rising, of an axis that fits.
  var places: [[Int]] {
    switch kept {
    case .places(let places): places
    case .lengths(let lengths): lengths.map { Array(0..<$0) }
    }
  }
}

extension TokenMask: CustomStringConvertible {
  /// For example `the mask has 300 × 32`.
  public var description: String {
    switch kept {
    case .places: "the mask has \(exampleCount) × \(tokenCount ?? 0)"
    case .lengths(let lengths):
      "the mask has \(exampleCount) lengths, the largest \(lengths.max() ?? 0)"
    }
  }
}
