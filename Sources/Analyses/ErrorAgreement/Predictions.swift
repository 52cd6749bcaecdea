import Activations
import Glibc
import Support

/// Predictions or labels that cannot be used.
public struct PredictionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What was found and what was expected, without the name of the network or file.
  public let description: String
  /// Whether a file could not be read any more; it is named then.
  public let isReading: Bool

  init(_ description: String, isReading: Bool = false) {
    self.description = description
    self.isReading = isReading
  }
}

extension PredictionError: FailureConvertible {
  /// The sentence.
  public var failure: Failure { Failure(isReading ? .io : .data, oneLine(description)) }

  /// The same of the file at `path`, unless the words name one.
  package func failure(of path: String) -> Failure {
    isReading ? failure : Failure(.data, oneLine("\(path): \(description)"))
  }
}

/// What one network predicts for every example.
public struct Predictions: Sendable {
  /// What the numbers of an example are.
  public enum Form: String, Sendable, Hashable {
    /// The predicted class, counted from 0.
    case classes
    /// A probability for each class.
    case probabilities
    /// A logit for each class: probabilities are their softmax.
    case logits
  }

  /// What the network is called in results.
  public let name: String
  /// What was read.
  public let form: Form
  /// The predicted class of each example, counted from 0. Of equal probabilities the first counts.
  public let classes: [Int32]
  /// How many classes have a probability; nil where only predicted classes are known.
  public let classCount: Int?
  /// The numbers as they are stored, examples × classes.
  private let layer: LayerActivations

  /// Probabilities below this count as this much where their logarithms are taken, so that one
  /// log(0) does not dominate the mean.
  public static let leastProbability = 1e-12

  /// Reads and checks predictions: n × 1 whole numbers are classes, n × C are probabilities or logits.
  ///
  /// Probabilities are refused where one lies outside 0 … 1 or those of an example add up to something
  /// else than 1, by more than rounding to the stored type explains: 0.001, for bfloat16 0.01, for float8
  /// 0.07 (e4m3) and 0.13 (e5m2). Logits are refused where the numbers of every example are probabilities:
  /// their softmax would be nearly uniform.
  ///
  /// - Parameters:
  ///   - layer: the predictions.
  ///   - name: what the network is called in results.
  ///   - areLogits: whether numbers of several classes are logits.
  public init(
    _ layer: LayerActivations, name: String, areLogits: Bool = false
  ) throws(PredictionError) {
    guard layer.shape.featureAxes.count <= 1 else {
      throw PredictionError(
        "found predictions of the shape \(layer.shape), expected examples or examples × classes")
    }
    self.name = name
    self.layer = layer
    let count = layer.shape.featureCount
    guard count > 1 else {
      guard !areLogits else {
        throw PredictionError("found one number an example, expected logits of several classes")
      }
      form = .classes
      classCount = nil
      classes = try layer.wholeNumbers(called: "predicted class")
      return
    }
    form = areLogits ? .logits : .probabilities
    classCount = count
    let tolerance =
      switch layer.scalarType {
      // Numbers are rounded by at most 2⁻⁴ or 2⁻³ of themselves, and they add up to 1.
      case .float8e4m3: 0.07
      case .float8e5m2: 0.13
      case .bfloat16: 0.01
      default: 0.001
      }
    var classes: [Int32] = []
    classes.reserveCapacity(layer.shape.exampleCount)
    var areProbabilities = areLogits
    for block in layer.exampleBlocks {
      let numbers = try layer.checkedNumbers(of: block)
      for example in block {
        let start = (example - block.lowerBound) * count
        let row = numbers[start..<start + count]
        if let bad = row.first(where: { !$0.isFinite }) {
          throw PredictionError("example \(example): found \(bad), expected finite numbers")
        }
        if areLogits {
          areProbabilities =
            areProbabilities && row.allSatisfy { (-tolerance...1 + tolerance).contains($0) }
            && abs(row.reduce(0, +) - 1) <= tolerance
        } else {
          if let bad = row.first(where: { !(-tolerance...1 + tolerance).contains($0) }) {
            throw PredictionError(
              "example \(example): found the probability \(bad), expected 0 to 1 (are these logits?)"
            )
          }
          let sum = row.reduce(0, +)
          guard abs(sum - 1) <= tolerance else {
            throw PredictionError(
              "example \(example): found probabilities that add up to \(Float(sum)), expected 1 "
                + "(are these logits?)")
          }
        }
        var best = start
        for index in row.indices where numbers[index] > numbers[best] { best = index }
        classes.append(Int32(best - start))
      }
    }
    guard !areProbabilities else {
      throw PredictionError(
        "found numbers from 0 to 1 that add up to 1 in every example, expected logits (are these "
          + "probabilities?)")
    }
    self.classes = classes
  }

  /// n.
  public var exampleCount: Int { classes.count }

  /// The natural logarithms of the probabilities of neighboring examples, examples × classes, none
  /// below that of `leastProbability`. Logits never leave the logarithms.
  ///
  /// - Precondition: there are probabilities or logits.
  func logarithms(of examples: Range<Int>) throws(PredictionError) -> [Double] {
    var numbers = try layer.checkedNumbers(of: examples)
    let count = layer.shape.featureCount
    let floor = log(Self.leastProbability)
    guard form == .logits else {
      return numbers.map { $0 > Self.leastProbability ? log($0) : floor }
    }
    for start in stride(from: 0, to: numbers.count, by: count) {
      let row = start..<start + count
      let largest = numbers[row].max() ?? 0
      let sum = numbers[row].reduce(0) { $0 + exp($1 - largest) }
      let shift = largest + log(sum)
      for index in row { numbers[index] = max(numbers[index] - shift, floor) }
    }
    return numbers
  }
}

/// Reads the labels of all examples: whole numbers from 0, n × 1.
public func classLabels(_ layer: LayerActivations) throws(PredictionError) -> [Int32] {
  guard layer.shape.featureCount == 1 else {
    throw PredictionError("found labels of the shape \(layer.shape), expected one class an example")
  }
  return try layer.wholeNumbers(called: "label")
}

extension LayerActivations {
  /// All examples in runs of about a million numbers.
  fileprivate var exampleBlocks: [Range<Int>] {
    let side = max(1, 1_000_000 / max(shape.featureCount, 1))
    return stride(from: 0, to: shape.exampleCount, by: side).map {
      $0..<min($0 + side, shape.exampleCount)
    }
  }

  fileprivate func checkedNumbers(of examples: Range<Int>) throws(PredictionError) -> [Double] {
    do throws(ActivationReadError) { return try numbers(of: examples) } catch {
      throw PredictionError(error.description, isReading: true)
    }
  }

  /// The one number of each example, where all are classes.
  fileprivate func wholeNumbers(called what: String) throws(PredictionError) -> [Int32] {
    var result: [Int32] = []
    for block in exampleBlocks {
      for number in try checkedNumbers(of: block) {
        guard let whole = Int32(exactly: number), whole >= 0 else {
          throw PredictionError(
            "example \(result.count): found the \(what) \(number), expected a whole number from 0")
        }
        result.append(whole)
      }
    }
    return result
  }
}
