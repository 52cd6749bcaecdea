import Activations
import Analyses
import BLASDevice
import Device
import TestSupport

@testable import Analyses
@testable import CKA

/// Layers of 40 examples, and what several suites of `Uncertainty` do with layers.
enum UncertaintySamples {
  static func uncertainty(
    _ left: [Activations64], _ right: [Activations64]? = nil, kernel: GramKernel = .linear,
    seed: UInt64 = 0
  ) throws -> Uncertainty {
    try Uncertainty(
      Comparison(
        ActivationModel(left), right.map { ActivationModel($0) }, estimator: .unbiased,
        kernel: kernel), seed: seed)
  }

  static func outcome(
    _ left: [Activations64], _ right: [Activations64]? = nil, kernel: GramKernel = .linear,
    seed: UInt64 = 0
  ) throws -> Uncertainty.Outcome {
    try uncertainty(left, right, kernel: kernel, seed: seed).run(on: [BLASDevice()])
  }

  /// Leave-one-out values by the oracle.
  static func leavingOneOut(
    _ x: Activations64, _ y: Activations64, _ kernel: OracleKernel = .linear
  ) -> [Double] {
    (0..<x.n).map { example in
      let others = (0..<x.n).filter { $0 != example }
      return Oracle.cka(x.rows(others), y.rows(others), kernel: kernel, unbiased: true)
    }
  }

  static func standardError(_ values: [Double]) -> Double {
    let n = Double(values.count)
    let mean = values.reduce(0, +) / n
    return ((n - 1) / n * values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }).squareRoot()
  }

  static let n = 40
  static let x = Activations64.normal(n: n, p: 12, seed: 1)
  static let y = x.mixed(into: .normal(n: n, p: 7, seed: 2), weight: 0.7)
  static let z = Activations64.normal(n: n, p: 90, seed: 3, offset: 4)

  /// A leave-one-out value is within 2e-6 of the oracle's, as CKA itself is; the error of a root mean
  /// square of deviations is no larger, and times √(n−1).
  static let tolerance = 2e-6 * Double(n - 1).squareRoot()
}
