import Activations
import BLASDevice
import Device
import Foundation
import TestSupport
import Testing

@testable import CKA

@Suite struct StatusTests {
  private func compare(
    _ layers: [Activations64], _ estimator: Estimator, _ kernel: GramKernel = .linear
  ) throws -> Similarity {
    let model = ActivationModel(layers)
    return try Comparison(model, estimator: estimator, kernel: kernel).run(on: [BLASDevice()])
      .similarity
  }

  private static func identity(_ n: Int) -> Activations64 {
    Activations64(n: n, p: n, values: (0..<(n * n)).map { $0 % (n + 1) == 0 ? 1 : 0 })
  }

  @Test func badLayersBlankTheirOwnCells() throws {
    let x = Activations64.normal(n: 40, p: 12, seed: 81)
    let y = x.mixed(into: .normal(n: 40, p: 5, seed: 82), weight: 1)
    var nan = x
    nan.values[100] = .nan
    let constant = Activations64(n: 40, p: 2, values: [Double](repeating: 3, count: 80))
    for estimator in [Estimator.minibatch(.init(size: 20)), .unbiased, .biased] {
      let all = try compare([x, nan, constant, y], estimator)
      let good = try compare([x, y], estimator)
      #expect(all.leftStatuses == [.ok, .nonFinite, .constant, .ok])
      #expect(all.statuses[1, 2] == .nonFinite && all.statuses[0, 2] == .constant)
      #expect(all.cka[0, 3] == good.cka[0, 1])
      for i in 0..<4 {
        for j in 0..<4 {
          #expect(all.cka[i, j].isNaN == (all.statuses[i, j] != .ok))
          if let z = all.z { #expect(z[i, j].isNaN == (all.statuses[i, j] != .ok)) }
        }
      }
    }
  }

  @Test func aLayerConstantInSomeMinibatchesIsNotConstant() throws {
    // Only the last eight examples differ: one minibatch of five sees them.
    let values = (0..<80).map { (place: Int) -> Double in
      place < 64 ? 1 : Double(place * place % 17)
    }
    let late = Activations64(n: 40, p: 2, values: values)
    let result = try compare([late], .minibatch(.init(size: 8, order: .stored)))
    #expect(result.leftStatuses == [.ok] && result.cka[0, 0] == 1)
  }

  @Test(arguments: [4, 16, 100]) func zeroOverZeroIsNotAValue(n: Int) throws {
    let layers = [Self.identity(n), Activations64.normal(n: n, p: 7, seed: 83)]
    let unbiased = try compare(layers, .unbiased)
    #expect(unbiased.leftStatuses[0] == Status.lowPrecision)
    #expect(unbiased.cka[0, 1].isNaN)
    let biased = try compare(layers, .biased)
    #expect(biased.leftStatuses == [Status.ok, Status.ok])
  }

  /// With σ far below all distances RBF values fall below float32's numbers, at last to e⁻¹¹¹: float64
  /// still has them.
  @Test(arguments: [600, 700, 800, 900, 1000]) func vanishingValues(p: Int) throws {
    let wide = Activations64.normal(n: 64, p: p, seed: 85)
    let narrow = wide.mixed(into: .normal(n: 64, p: 3, seed: 86), weight: 1)
    let result = try compare([wide, narrow], .unbiased, .rbf(.sigma(3)))
    #expect(result.leftStatuses == [.ok, .ok])
    let expected = Oracle.cka(wide, narrow, kernel: .rbfSigma(3), unbiased: true)
    #expect(abs(result.cka[0, 1] - expected) < 1e-5)
  }

  @Test func tooFewExamples() throws {
    for n in 1...3 {
      let x = Activations64.normal(n: n, p: 7, seed: 84)
      let result = try compare([x], .unbiased)
      #expect(result.statuses.elements == [.tooFewExamples] && !result.hasValues)
    }
    let one = Activations64.normal(n: 1, p: 7, seed: 84)
    #expect(try compare([one], .biased).leftStatuses == [.tooFewExamples])
    let two = Activations64.normal(n: 2, p: 7, seed: 84)
    #expect(try compare([two], .biased).cka[0, 0] == 1)
  }

  /// What rounding may bring depends on what was asked for: `fast` allows a hundred times more.
  @Test func thePrecisionDecidesWhatIsTooMuch() {
    // r/√d + r²/2 = 3.4e-4 for r = 0.01 and d = 50 · 47/2.
    let summary = GramSummary(
      exponent: 0, isFinite: true, isConstant: false, roundingNorm: 0.01)
    func sums(_ precision: Precision) -> HSICSums {
      HSICSums(
        exampleCount: 50, centering: .unbiased, left: [summary], right: [summary],
        products: Matrix(rows: 1, columns: 1, repeating: 1), leftSquares: [1],
        rightSquares: [1], precision: precision)
    }
    func status(_ sums: HSICSums) -> Status {
      Similarity(sums, centering: .unbiased).leftStatuses[0]
    }
    #expect(status(sums(.exact)) == .lowPrecision)
    #expect(status(sums(.compensated)) == .lowPrecision)
    #expect(status(sums(.fast)) == .ok)
    // A device that took over leaves the sums what they were.
    var both = sums(.fast)
    both.merge(sums(.exact))
    #expect(status(both) == .ok)
  }

  /// The estimate that decides `lowPrecision` is of the size of the true error, over all the ways
  /// in which little is left: it bounds it within a factor of 8, above the 2e-7 that float32 sums
  /// of pairs bring by themselves. (Over 2,000 seeds each: 5 of 48,000 are above 3.6, the largest is
  /// 7.4, where a few close pairs of examples are all that an RBF matrix holds.)
  @Test func theRoundingModelBoundsTheTrueError() throws {
    let shapes = [(4, 3, 5), (4, 1, 1), (4, 500, 20), (5, 2, 2), (7, 50, 3), (31, 100, 7)]
    let kernels: [(GramKernel, OracleKernel)] = [
      (.linear, .linear), (.rbf(.medianMultiple(0.2)), .rbfMedian(0.2)),
      (.rbf(.medianMultiple(100)), .rbfMedian(100)), (.rbf(.sigma(3)), .rbfSigma(3)),
    ]
    let device = BLASDevice()
    for (n, p, q) in shapes {
      for (kernel, oracle) in kernels {
        for seed in 0..<200 {
          let x = Activations64.normal(n: n, p: p, seed: UInt64(100 + seed))
          let y = x.mixed(into: .normal(n: n, p: q, seed: UInt64(2000 + seed)), weight: 0.7)
          let stack = try device.gramStack(
            of: Minibatch(layers: [x.layer(), y.layer()], examples: Array(0..<n)),
            kernel: kernel, centering: .unbiased)
          let products = try device.innerProducts(stack, stack)
          let squares = [products[0, 0], products[1, 1]]
          let sums = HSICSums(
            exampleCount: n, centering: .unbiased, left: stack.layers, right: stack.layers,
            products: products, leftSquares: squares, rightSquares: squares)
          let estimate = sums.errorEstimate(of: sums.left[0]) + sums.errorEstimate(of: sums.left[1])
          guard estimate < 1 else { continue }
          let found = products[0, 1] / (squares[0] * squares[1]).squareRoot()
          let expected = Oracle.cka(x, y, kernel: oracle, unbiased: true)
          #expect(
            abs(found - expected) < 8 * estimate + 2e-7,
            "\(n) × \(p), \(q) \(kernel): \(abs(found - expected)) against \(estimate)")
        }
      }
    }
  }
}

@Suite struct SignificanceTests {
  /// Over all 5,040 pairings of seven examples, debiased CKA has mean 0 and variance 2/(n(n−3)).
  @Test func theNullDistributionIsExact() throws {
    let n = 7
    let x = Activations64.normal(n: n, p: 3, seed: 91)
    let y = x.mixed(into: .normal(n: n, p: 4, seed: 92), weight: 1)
    let k = Oracle.gram(x, .linear)
    let l = Oracle.gram(y, .linear)
    let norm =
      (Oracle.unbiasedHSIC(k, k, n: n) * Oracle.unbiasedHSIC(l, l, n: n)).squareRoot()
    var sum = 0.0
    var squares = 0.0
    var count = 0.0
    func visit(_ chosen: [Int], _ rest: [Int]) {
      guard !rest.isEmpty else {
        let paired = (0..<(n * n)).map { l[chosen[$0 / n] * n + chosen[$0 % n]] }
        let cka = Oracle.unbiasedHSIC(k, paired, n: n) / norm
        sum += cka
        squares += cka * cka
        count += 1
        return
      }
      for index in rest.indices {
        var others = rest
        let next = others.remove(at: index)
        visit(chosen + [next], others)
      }
    }
    visit([], Array(0..<n))
    #expect(count == 5040)
    #expect(abs(sum / count) < 1e-12)
    #expect(abs(squares / count - 2 / Double(n * (n - 3))) < 1e-12)

    let outcome = try Comparison(
      ActivationModel(name: "x", layers: [x.layer()]),
      ActivationModel(name: "y", layers: [y.layer()]), estimator: .unbiased
    ).run(on: [BLASDevice()])
    let cka = outcome.similarity.cka[0, 0]
    let z = try #require(outcome.similarity.z)[0, 0]
    #expect(abs(z - cka * (Double(n * (n - 3)) / 2).squareRoot()) < 1e-9)
    let bound = try #require(outcome.similarity.significance)[0, 0]
    #expect(bound == (z > 0 ? 1 / (1 + z * z) : 1))
  }

  /// For minibatches: Var = Σ 2‖A‖²‖B‖²/(b(b−3)) / (Σ‖A‖² · Σ‖B‖²), the formula from the
  /// oracle's own sums; and a second pass over the same examples adds no significance.
  @Test func minibatchesAddTheirVariances() throws {
    let n = 60
    let x = Activations64.normal(n: n, p: 3, seed: 93)
    let y = x.mixed(into: .normal(n: n, p: 4, seed: 94), weight: 1)
    let settings = Estimator.Minibatches(size: 15, order: .stored)
    var left = 0.0
    var right = 0.0
    var variance = 0.0
    for batch in try MinibatchPlan(.minibatch(settings), exampleCount: n).batches {
      let k = Oracle.gram(x.rows(batch), .linear)
      let l = Oracle.gram(y.rows(batch), .linear)
      let a = Oracle.unbiasedHSIC(k, k, n: 15)
      let b = Oracle.unbiasedHSIC(l, l, n: 15)
      left += a
      right += b
      variance += 2 * a * b / Double(15 * 12)
    }
    variance /= left * right
    func z(_ settings: Estimator.Minibatches) throws -> (Double, Double) {
      let outcome = try Comparison(
        ActivationModel(name: "x", layers: [x.layer()]),
        ActivationModel(name: "y", layers: [y.layer()]), estimator: .minibatch(settings)
      ).run(on: [BLASDevice()])
      return (outcome.similarity.cka[0, 0], try #require(outcome.similarity.z)[0, 0])
    }
    let (cka, once) = try z(settings)
    #expect(abs(once - cka / variance.squareRoot()) < 1e-5 * abs(once))
    var again = settings
    again.passes = 4
    #expect(abs(try z(again).1 - once) < 1e-9 * abs(once))
  }

  @Test func theBiasedEstimatorHasNone() throws {
    let x = Activations64.normal(n: 20, p: 3, seed: 95)
    let model = ActivationModel(name: "x", layers: [x.layer()])
    let outcome = try Comparison(model, estimator: .biased).run(on: [BLASDevice()])
    #expect(outcome.similarity.z == nil && outcome.similarity.significance == nil)
  }
}
