import LinearAlgebra
import Support

/// What a probe is fitted to: the training examples, either as features or by their Gram matrix.
///
/// Weights W are features × classes. With many features they are kept as W = Zᵀα (the representer
/// theorem): then ZW = Gα, ⟨W, V⟩ = ⟨α, Gβ⟩, and Zᵀr is r itself; no feature is seen again.
struct ProbeDesign: Sendable {
  /// Z, examples × features, or G = ZZᵀ, examples × examples; of the training examples.
  private let train: [Double]
  /// The same with a row for each test example; columns as in `train`.
  private let test: [Double]
  /// Whether these are Gram matrices.
  let isGram: Bool
  let trainCount: Int
  let testCount: Int
  /// Features, or training examples: rows of the coefficients.
  let width: Int

  init(train: [Double], test: [Double], width: Int, isGram: Bool) {
    self.train = train
    self.test = test
    self.width = width
    self.isGram = isGram
    trainCount = train.count / width
    testCount = test.count / width
  }

  /// The scores of the training examples, examples × `classes`: Z·coefficients, or G·coefficients.
  func trainScores(_ coefficients: [Double], classes: Int) -> [Double] {
    product(train, rows: trainCount, coefficients, classes: classes)
  }

  /// The scores of the test examples.
  func testScores(_ coefficients: [Double], classes: Int) -> [Double] {
    product(test, rows: testCount, coefficients, classes: classes)
  }

  /// The coefficients of Zᵀ·residuals; `residuals` are examples × `classes`.
  func pullBack(_ residuals: [Double], classes: Int) -> [Double] {
    guard !isGram else { return residuals }
    var result = [Double](repeating: 0, count: width * classes)
    let (train, width, count) = (train, width, trainCount)
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let target = result.baseAddress.unsafelyUnwrapped
      inBlocks(of: width) { features in
        train.withUnsafeBufferPointer { train in
          addProduct(
            rows: features.count, columns: classes, terms: count,
            train.baseAddress.unsafelyUnwrapped + features.lowerBound, stride: width,
            isTransposed: true, residuals, stride: classes,
            to: target + features.lowerBound * classes, stride: classes)
        }
      }
    }
    return result
  }

  private func product(
    _ matrix: [Double], rows: Int, _ coefficients: [Double], classes: Int
  ) -> [Double] {
    var result = [Double](repeating: 0, count: rows * classes)
    let width = width
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let target = result.baseAddress.unsafelyUnwrapped
      inBlocks(of: rows) { examples in
        matrix.withUnsafeBufferPointer { matrix in
          addProduct(
            rows: examples.count, columns: classes, terms: width,
            matrix.baseAddress.unsafelyUnwrapped + examples.lowerBound * width, stride: width,
            coefficients, stride: classes, to: target + examples.lowerBound * classes,
            stride: classes)
        }
      }
    }
    return result
  }

  /// Blocks do not depend on the number of cores, and with them no bit of a result.
  private func inBlocks(of count: Int, _ body: @Sendable (Range<Int>) -> Void) {
    let size = 512
    perform((count + size - 1) / size) { index in
      body((index * size)..<min((index + 1) * size, count))
    }
  }
}
