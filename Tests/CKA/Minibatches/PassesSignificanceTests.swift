import Activations
import BLASDevice
import TestSupport
import Testing

@testable import CKA

/// z counts standard deviations of CKA under a random pairing of the examples.
@Suite struct PassesSignificanceTests {
  /// A plan of several passes, in the sizes that are simulated.
  struct Plan: Sendable, CustomTestStringConvertible {
    let n: Int
    let settings: Estimator.Minibatches
    var testDescription: String { "\(n) examples, \(settings)" }
  }

  /// 40 × 40 pairs of independent layers. CKA is nearly independent from pair to pair, and its tails are
  /// a little heavier than a normal's (an excess kurtosis below 1 at these sizes), so the standard
  /// deviation of 1,600 values is known to √(3/(4·1600)) ≈ 2.2 % at most; 4 of those are allowed.
  @Test(arguments: [
    Plan(n: 120, settings: .init(size: 16, passes: 10)),
    Plan(n: 120, settings: .init(size: 50, passes: 8)),
    Plan(n: 70, settings: .init(size: 16, passes: 6, ragged: .keep)),
    Plan(n: 64, settings: .init(size: 16, passes: 5, order: .stored)),
  ])
  func zOfIndependentLayersHasAStandardDeviationOfOne(_ plan: Plan) throws {
    func model(_ first: UInt64) -> ActivationModel {
      ActivationModel(
        name: "model",
        layers: (0..<40).map {
          Activations64.normal(n: plan.n, p: 12, seed: first + UInt64($0)).layer("layer\($0)")
        }, exampleIDs: nil)
    }
    let comparison = try Comparison(
      model(9000), model(9500), estimator: .minibatch(plan.settings))
    let z = try #require(try comparison.run(on: [BLASDevice()]).similarity.z).elements
    let mean = z.reduce(0, +) / Double(z.count)
    let deviation = (z.reduce(0) { $0 + $1 * $1 } / Double(z.count)).squareRoot()
    #expect(abs(mean) < 0.1)
    #expect(abs(deviation - 1) < 0.09, "\(deviation)")
  }

  /// The correlation of two passes by its definition, for data of its own: every pair of the minibatches of
  /// two passes, ⟨A, A'⟩ of U-centered matrices of the minibatches laid into n × n, averaged over passes.
  @Test func thePassesCorrelateAsDerived() throws {
    let (n, b, passes) = (30, 10, 60)
    let x = Activations64.normal(n: n, p: 5, seed: 17)
    let plan = try MinibatchPlan(
      .minibatch(.init(size: b, passes: passes)), exampleCount: n)
    /// Σ over the minibatches of a pass of U-centered matrices over b(b − 3), laid into n × n.
    func matrix(ofPass pass: Int) -> [Double] {
      var sum = [Double](repeating: 0, count: n * n)
      for index in (pass * 3)..<(pass * 3 + 3) {
        let examples = plan.batches[index]
        let centered = Self.uCentered(Oracle.gram(x.rows(examples), .linear), b)
        for i in 0..<b {
          for j in 0..<b {
            sum[examples[i] * n + examples[j]] += centered[i * b + j] / Double(b * (b - 3))
          }
        }
      }
      return sum
    }
    let sums = (0..<passes).map(matrix)
    func product(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let own = sums.reduce(0) { $0 + product($1, $1) } / Double(passes)
    let all = sums.reduce([Double](repeating: 0, count: n * n)) { zip($0, $1).map(+) }
    let inflation = product(all, all) / (own * Double(passes))
    // 1 + 59·7/27 = 16.3. Means over 1,770 pairs of passes, each of which scatters by about ρ itself.
    #expect(abs(inflation / plan.varianceInflation - 1) < 0.05, "\(inflation)")
    #expect(abs(plan.varianceInflation - (1 + 59.0 * 7 / 27)) < 1e-12)
  }

  private static func uCentered(_ k: [Double], _ n: Int) -> [Double] {
    var k = k
    for i in 0..<n { k[i * n + i] = 0 }
    let rows = (0..<n).map { i in (0..<n).reduce(0) { $0 + k[i * n + $1] } }
    let total = rows.reduce(0, +)
    for i in 0..<n {
      for j in 0..<n {
        k[i * n + j] +=
          total / Double((n - 1) * (n - 2)) - (rows[i] + rows[j]) / Double(n - 2)
      }
      k[i * n + i] = 0
    }
    return k
  }
}
