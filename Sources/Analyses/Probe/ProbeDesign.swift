import CPUKernels
import LinearAlgebra
import Support

/// What a probe is fitted to: the training examples, either as features or by their Gram matrix.
///
/// Weights W are features × classes. With many features they are kept as W = Zᵀα (the representer
/// theorem): then ZW = Gα, ⟨W, V⟩ = ⟨α, Gβ⟩, and Zᵀr is r itself; no feature is seen again.
struct ProbeDesign: Sendable {
  /// Z, examples × features, or G = ZZᵀ, examples × examples; of the training examples.
  private let train: Numbers
  /// The same with a row for each test example; columns as in `train`.
  private let test: Numbers
  let trainCount: Int
  let testCount: Int
  /// Features, or training examples: rows of the coefficients.
  let width: Int

  /// Features are float64. Gram matrices are float32, as the products that they are made of: each step of a fit reads
  /// all of one.
  private enum Numbers {
    case features([Double])
    case gram([Float])
  }

  /// Whether these are Gram matrices.
  var isGram: Bool {
    if case .gram = train { true } else { false }
  }

  /// Of features.
  init(train: [Double], test: [Double], width: Int) {
    (self.train, self.test, self.width) = (.features(train), .features(test), width)
    (trainCount, testCount) = (train.count / width, test.count / width)
  }

  /// Of Gram matrices.
  init(trainGram: [Float], testGram: [Float]) {
    (train, test) = (.gram(trainGram), .gram(testGram))
    width = Int(Double(trainGram.count).squareRoot())
    (trainCount, testCount) = (width, testGram.count / width)
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
    guard case .features(let train) = train else { return residuals }
    var result = [Double](repeating: 0, count: width * classes)
    let (width, count) = (width, trainCount)
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
    _ matrix: Numbers, rows: Int, _ coefficients: [Double], classes: Int
  ) -> [Double] {
    switch matrix {
    case .features(let numbers): product(numbers, rows: rows, coefficients, classes: classes)
    case .gram(let numbers): product(numbers, rows: rows, coefficients, classes: classes)
    }
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

  /// OpenBLAS would copy the matrix for each product, in more time than the product takes.
  private func product(
    _ matrix: [Float], rows: Int, _ coefficients: [Double], classes: Int
  ) -> [Double] {
    // Classes × examples, of a multiple of four classes.
    let (width, vectors) = (width, (classes + 3) / 4 * 4)
    var columns = [Double](repeating: 0, count: vectors * width)
    for row in 0..<width {
      for k in 0..<classes { columns[k * width + row] = coefficients[row * classes + k] }
    }
    var result = [Double](repeating: 0, count: rows * vectors)
    result.withUnsafeMutableBufferPointer { result in
      nonisolated(unsafe) let target = result.baseAddress.unsafelyUnwrapped
      inBlocks(of: rows) { [columns] examples in
        matrix.withUnsafeBufferPointer { matrix in
          cka_cpu_kernels(0).pointee.wide_products(
            matrix.baseAddress.unsafelyUnwrapped + examples.lowerBound * width, examples.count,
            width, columns, vectors, target + examples.lowerBound * vectors)
        }
      }
    }
    guard vectors > classes else { return result }
    return (0..<rows).flatMap { result[($0 * vectors)..<($0 * vectors + classes)] }
  }

  /// Blocks do not depend on the number of cores, and with them no bit of a result.
  private func inBlocks(of count: Int, _ body: @Sendable (Range<Int>) -> Void) {
    let size = 512
    perform((count + size - 1) / size) { index in
      body((index * size)..<min((index + 1) * size, count))
    }
  }
}
