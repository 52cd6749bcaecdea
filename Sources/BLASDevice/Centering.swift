import Activations
import CPUKernels
import Device
import Foundation

extension BLASDevice {
  /// Centers the Gram matrix in `workspace` and writes its packed triangle to `row`.
  func center(
    _ gram: Gram, of layer: LayerActivations, kernel: GramKernel, centering: GramCentering,
    in workspace: Workspace, into row: UnsafeMutablePointer<Float>
  ) -> GramSummary {
    let n = workspace.exampleCount
    let packedCount = centering.packedCount(exampleCount: n)
    func empty(sigma: Double? = nil) -> GramSummary {
      memset(row, 0, packedCount * MemoryLayout<Float>.size)
      var summary = GramSummary.empty(isFinite: gram.isFinite, isConstant: gram.isConstant)
      if let sigma {
        summary.isFinite = false
        summary.sigma = sigma
      }
      return summary
    }
    guard gram.isFinite, !gram.isConstant else { return empty() }

    var exponent = gram.exponent
    var bandwidth: RBF?
    if case .rbf(let rule) = kernel {
      let rbf = applyRBF(rule, gram, in: workspace)
      guard rbf.sigma > 0, rbf.sigma.isFinite else { return empty(sigma: rbf.sigma) }
      bandwidth = rbf
      exponent = 0
    }

    let isHollow = centering == .unbiased
    let statistics = kernels.table.pointee.row_sums(
      workspace.gram, n, workspace.stride, isHollow, workspace.sums)
    let norm = statistics.squared_norm.squareRoot()
    guard norm > 0, norm.isFinite else { return empty(sigma: norm == 0 ? nil : .nan) }

    // Both centerings are K_ij − m_i − m_j, with half of the grand mean in each m.
    let (divisor, grandDivisor) =
      isHollow
      ? (Double(n - 2), 2 * Double(n - 1) * Double(n - 2)) : (Double(n), 2 * Double(n) * Double(n))
    let grand = statistics.sum / grandDivisor
    for i in 0..<n { workspace.sums[i] = workspace.sums[i] / divisor - grand }

    let own = Int(norm.exponent) + 1
    let scale = Double(sign: .plus, exponent: -own, significand: 1)
    kernels.table.pointee.center_triangle(
      workspace.gram, n, workspace.stride, isHollow, workspace.sums, scale, row)
    let rounding =
      if let bandwidth {
        RoundingModel.rbf(
          squaredNorm: statistics.squared_norm, trace: bandwidth.trace, exampleCount: n,
          sigmaSquared: bandwidth.storedSquare)
      } else {
        RoundingModel.linear(
          squaredNorm: statistics.squared_norm, trace: statistics.trace,
          featureCount: layer.featureCount)
      }
    return GramSummary(
      exponent: exponent + own, isFinite: true, isConstant: false, roundingNorm: rounding * scale,
      sigma: bandwidth?.sigma)
  }

  private struct RBF {
    /// σ in units of the activations.
    var sigma: Double
    /// σ² in units of the stored Gram matrix.
    var storedSquare: Double
    /// The trace of the linear Gram matrix.
    var trace: Double
  }

  /// Turns the linear Gram matrix into RBF's.
  private func applyRBF(_ rule: GramKernel.Bandwidth, _ gram: Gram, in workspace: Workspace) -> RBF
  {
    let n = workspace.exampleCount
    let trace = (0..<n).reduce(0.0) { $0 + Double(workspace.gram[$1 * (workspace.stride + 1)]) }
    kernels.table.pointee.squared_distances(workspace.gram, n, workspace.stride)
    let square: Double
    switch rule {
    case .medianMultiple(let multiple):
      square = multiple * multiple * medianOfSquaredDistances(in: workspace)
    case .sigma(let sigma):
      square = sigma * sigma * Double(sign: .plus, exponent: -gram.exponent, significand: 1)
    }
    let sigma =
      square.squareRoot() * Double(sign: .plus, exponent: gram.exponent / 2, significand: 1)
    let lessOne = RoundingModel.storesLessOne(
      trace: trace, exampleCount: n, sigmaSquared: square)
    if square > 0 {
      let factor = Float(min(1 / (2 * square), Double(Float.greatestFiniteMagnitude)))
      kernels.table.pointee.exponentiate(workspace.gram, n, workspace.stride, factor, lessOne)
    }
    return RBF(sigma: sigma, storedSquare: square, trace: trace)
  }

  /// The median of all n² squared distances: n zeros, and each pair twice.
  private func medianOfSquaredDistances(in workspace: Workspace) -> Double {
    let n = workspace.exampleCount
    func orderStatistic(_ rank: Int) -> Double {
      guard rank >= n else { return 0 }
      return Double(cka_select(workspace.gram, n, workspace.stride, UInt64((rank - n) / 2)))
    }
    let lower = orderStatistic((n * n - 1) / 2)
    return n * n % 2 == 1 ? lower : (lower + orderStatistic(n * n / 2)) / 2
  }
}
