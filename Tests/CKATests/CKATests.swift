import Activations
import BLASDevice
import Device
import TestSupport
import Testing

@testable import CKA

/// Golden data of NumPy: seed 1337, X = randn(100, 10), Y = randn(100, 10) + X.
@Suite struct ComparisonTests {
  private func cka(
    _ x: Activations64, _ y: Activations64, _ estimator: Estimator, _ kernel: GramKernel = .linear
  ) throws -> Double {
    let outcome = try Comparison(
      ActivationModel(name: "x", layers: [x.layer()]),
      ActivationModel(name: "y", layers: [y.layer()]), estimator: estimator, kernel: kernel
    ).run(on: [BLASDevice()])
    return outcome.similarity.cka[0, 0]
  }

  @Test(arguments: [(4, 3, 5), (5, 1, 1), (31, 100, 7), (64, 1000, 17), (257, 3, 300)])
  func equalsBruteForce(n: Int, p: Int, q: Int) throws {
    let x = Activations64.normal(n: n, p: p, seed: 1)
    let y = x.mixed(into: .normal(n: n, p: q, seed: 2), weight: 0.7)
    for (kernel, oracle) in [
      (GramKernel.linear, OracleKernel.linear), (.rbf(.medianMultiple(0.5)), .rbfMedian(0.5)),
      (.rbf(.medianMultiple(100)), .rbfMedian(100)), (.rbf(.sigma(3)), .rbfSigma(3)),
    ] {
      for unbiased in [true, false] {
        let expected = Oracle.cka(x, y, kernel: oracle, unbiased: unbiased)
        let found = try cka(x, y, unbiased ? .unbiased : .biased, kernel)
        #expect(
          abs(found - expected) < 1e-5,
          "n \(n) \(kernel) unbiased \(unbiased): \(found) \(expected)")
      }
    }
  }
}
